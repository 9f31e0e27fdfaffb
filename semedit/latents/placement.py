"""Where the regions of a code are drawn, if it is not where the code itself puts them.

A local generator of SemanticStyleGAN (Shi et al. 2022, section 3.2) is a function of position, so that a region is
moved and zoomed by reading it at other positions: p' of a picture shows what was at ``scale p' + (right, down)``.
Positions are -1..1 across the picture, x to the right and y down. Placements are kept in a code's metadata, by region.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from semedit.errors import LatentError

#: The entry of a code's metadata: region name -> [scale, right, down].
PLACEMENTS = "placements"


@dataclass(frozen=True)
class Placement:
    """The positions at which a region is read: ``scale`` times the picture's, plus (``right``, ``down``)."""

    scale: float = 1.0
    right: float = 0.0
    down: float = 0.0

    def moved(self, right: float, down: float, zoom: float, centre: tuple[float, float]) -> "Placement":
        """The placement of a region that is shown elsewhere: zoomed about ``centre`` (x, y), then moved.

        ``right`` and ``down`` are shares of the picture's side, of which a picture is 2 positions wide.

        >>> Placement().moved(0.25, 0.0, 1.0, (0.0, 0.0))
        Placement(scale=1.0, right=-0.5, down=0.0)
        """
        (x, y), scale = centre, self.scale / zoom
        return Placement(
            scale,
            self.right + self.scale * (x - (x + 2 * right) / zoom),
            self.down + self.scale * (y - (y + 2 * down) / zoom),
        )

    def to_json(self) -> list[float]:
        return [self.scale, self.right, self.down]


def placements(metadata: Mapping[str, Any]) -> dict[str, Placement]:
    """The placements of one code by region. LatentError for an entry that is none."""
    found, entries = {}, metadata.get(PLACEMENTS) or {}
    if not isinstance(entries, Mapping):
        raise LatentError(f"placements are an entry for each region, not {entries!r}")
    for name, values in entries.items():
        numbers = isinstance(values, list) and all(isinstance(v, int | float) and math.isfinite(v) for v in values)
        if not numbers or len(values) != 3 or values[0] <= 0:
            raise LatentError(f"the placement of '{name}' is {values!r}, not a positive scale and two shifts")
        found[name] = Placement(*map(float, values))
    return found
