"""The way of a picture: one moment after another, each with its code, its files, and what led to it."""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from semedit.editing.requests.records import EditRecord
from semedit.editing.requests.request import EditRequest
from semedit.editing.results.subjects import Subject
from semedit.editing.sessions.session import EditSession
from semedit.errors import ConfigError
from semedit.latents.latent import Latent
from semedit.networks.synthesis import Rendering
from semedit.ui.panel import SliderPanel


@dataclass(frozen=True)
class Beginning:
    """Where a picture comes from: the words of the command that gives it, and the latent file to edit that it writes;
    None where the latest inversion is meant. ``warning`` says what is to be known of it, or nothing."""

    title: str
    words: tuple[str, ...]
    file: str | None = None
    warning: str = ""
    photo: bool = False


@dataclass(frozen=True, eq=False)
class Shown:
    """What is kept of a rendering to look at: image (1, 3, H, W) and label map (1, H, W), uint8, if there is one."""

    image: Tensor
    labels: Tensor | None

    @classmethod
    def of(cls, rendering: Rendering) -> "Shown":
        labels = rendering.labels
        return cls(rendering.image.clone(), None if labels is None else labels.to(torch.uint8))


@dataclass(frozen=True, eq=False)
class Moment:
    """A picture on its way: its files, its code and how it looks, and the edit that made it of ``before``; at the
    beginning there is none.

    ``panel`` are the sliders as they stand now. Where they are away from 0, they are what was asked for last, and
    ``before`` is the picture on which they stand at 0.
    """

    title: str
    subject: Subject
    latent: Latent
    shown: Shown
    panel: SliderPanel
    before: "Moment | None" = None
    session: EditSession | None = None
    record: EditRecord | None = None

    @property
    def base(self) -> "Moment":
        """The picture that the sliders change."""
        return self.before if self.before is not None and self.panel.turned else self

    @property
    def way(self) -> "list[Moment]":
        """All moments that led here, the beginning first."""
        found = [self]
        while (before := found[0].before) is not None:
            found.insert(0, before)
        return found

    @property
    def requests(self) -> tuple[EditRequest, ...]:
        """What was asked for on the way."""
        return tuple(one.session.request for one in self.way if one.session)

    def with_panel(self, panel: SliderPanel) -> "Moment":
        return replace(self, panel=panel)


@dataclass
class History:
    """All moments in their order in time, of which one is now. Going on from an earlier one forgets those after it."""

    moments: list[Moment] = field(default_factory=list)
    at: int = -1

    @property
    def now(self) -> Moment:
        """Raises ConfigError where nothing has begun."""
        if not self.moments:
            raise ConfigError("there is no picture yet: draw a random one, or upload one")
        return self.moments[self.at]

    def begin(self, moment: Moment) -> None:
        self.moments, self.at = [moment], 0

    def add(self, moment: Moment) -> None:
        self.moments = [*self.moments[: self.at + 1], moment]
        self.at = len(self.moments) - 1

    def go(self, index: int) -> None:
        """Raises ConfigError for a moment that is not there."""
        if not 0 <= index < len(self.moments):
            raise ConfigError("there is nothing further to go to")
        self.at = index

    @property
    def can_undo(self) -> bool:
        return self.at > 0

    @property
    def can_redo(self) -> bool:
        return 0 <= self.at < len(self.moments) - 1
