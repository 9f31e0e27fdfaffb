"""The sliders of all attributes, as positions over one code, and the request that they stand for."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from semedit.config import finite
from semedit.editing.model import Model
from semedit.editing.requests.request import METHOD, EditRequest

#: How far a slider goes, to both sides, and its step.
FARTHEST, STEP = 3.0, 0.05


class Turned(NamedTuple):
    """A slider away from 0: its attribute, how far, and in which regions; None leaves them to the attribute."""

    attr: str
    strength: float
    regions: str | None = None


@dataclass(frozen=True)
class SliderPanel:
    """Positions of the sliders, those that were touched last at the end; all edit by one ``method``, and hold
    ``preserve``."""

    method: str = METHOD
    preserve: tuple[str, ...] = ()
    turned: tuple[Turned, ...] = ()

    def turn(self, attr: str, strength: float, regions: str | None = None) -> "SliderPanel":
        """With one slider elsewhere; at 0 it takes no part. Raises ConfigError for a strength that is no number."""
        finite(strength, f"the strength of '{attr}'")
        if self.strength(attr) == round(strength, 4) and any(one[::2] == (attr, regions) for one in self.turned):
            return self  # it stands there already, and keeps its place among the others
        others = tuple(one for one in self.turned if one.attr != attr)
        moved = Turned(attr, round(min(max(strength, -FARTHEST), FARTHEST), 4), regions)
        return replace(self, turned=(*others, moved) if moved.strength else others)

    def rested(self) -> "SliderPanel":
        """With all sliders at 0."""
        return replace(self, turned=())

    def strength(self, attr: str) -> float:
        return next((one.strength for one in self.turned if one.attr == attr), 0.0)

    def request(self, model: Model) -> EditRequest:
        """What the sliders ask for; at least one is away from 0."""
        regions = [one.regions for one in self.turned]
        if any(regions):
            editors = model.editors(self.method)
            regions = [one.regions or editors[one.attr].regions_ for one in self.turned]
        asked = () if not any(regions) else tuple(map(str, regions[:1] if len(set(regions)) == 1 else regions))
        attrs = tuple(f"{one.attr}={one.strength:g}" for one in self.turned)
        return EditRequest(attrs=attrs, regions=asked, method=self.method, preserve=self.preserve)
