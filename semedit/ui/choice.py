"""The regions that a person has chosen: by clicking, by brushing, or by name."""

from dataclasses import dataclass, replace

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from semedit.errors import ConfigError
from semedit.latents.regions import BASE_NAME, WHOLE, Part, RegionTable
from semedit.pictures.tensors import to_bytes

#: Colour of the line around chosen regions, and of the lighter one outside it, which shows on dark pictures.
LINE, HALO = (29, 78, 216), (255, 255, 255)


@dataclass(frozen=True)
class Choice:
    """Chosen regions of a table, in its order: ``names`` (``pose`` may be among them), whole or in ``part``.

    With ``auto`` an attribute chooses for itself.
    """

    table: RegionTable
    names: tuple[str, ...] = ()
    part: Part = "both"
    auto: bool = False

    def __bool__(self) -> bool:
        return bool(self.names)

    @property
    def text(self) -> str | None:
        """What ``--regions`` says for it; None where nothing is chosen. A part of ``pose`` is pose itself.

        >>> from semedit.latents.regions import CELEBAMASK
        >>> Choice(CELEBAMASK, ("hair", "hat"), "texture").text
        'hair:texture,hat:texture'
        """
        every = set(self.names) >= {*self.table.names, BASE_NAME}
        if every and self.part == "both":
            return WHOLE
        end = "" if self.part == "both" else f":{self.part}"
        return ",".join(name if name == BASE_NAME else name + end for name in self.names) or None

    @property
    def movable(self) -> str:
        """The same for what moves regions, which takes them whole. Raises ConfigError where no region is chosen."""
        regions = [name for name in self.names if name != BASE_NAME]
        if not regions:
            raise ConfigError("choose a region first: click on it")
        return ",".join(regions)

    @property
    def indices(self) -> tuple[int, ...]:
        return tuple(self.table.index(name) for name in self.names if name != BASE_NAME)

    def of(self, names: set[str]) -> "Choice":
        """These regions or groups instead; ``all`` is every region and pose. Raises UnknownName."""
        found = {self.table.names[i] for name in names - {BASE_NAME} for i in self.table.members(name)}
        pose = names & {BASE_NAME, WHOLE}
        ordered = (*(name for name in self.table.names if name in found), *([BASE_NAME] if pose else []))
        return replace(self, names=ordered)

    def clicked(self, name: str, more: bool = False) -> "Choice":
        """After a click on a region: it alone, or nothing if it was alone before; with ``more`` it comes or goes."""
        if more:
            return self.of(set(self.names) ^ {name})
        return self.of(set() if self.names == (name,) else {name})


def region_at(labels: Tensor, table: RegionTable, x: float, y: float) -> str:
    """The name of the region of a label map (H, W) at a place in shares of the picture's sides, 0..1."""
    height, width = labels.shape
    row, column = (min(max(int(share * side), 0), side - 1) for share, side in ((y, height), (x, width)))
    return table.names[int(labels[row, column])]


def outline(labels: Tensor, regions: tuple[int, ...], side: int = 512) -> Image.Image:
    """A line around regions of a label map (H, W), to be laid over the picture: RGBA, ``side`` px, else transparent."""
    inside = torch.isin(labels, torch.tensor(regions, dtype=labels.dtype, device=labels.device)).float()
    smooth = F.interpolate(inside[None, None].cpu(), (side, side), mode="bilinear", align_corners=False)
    taps = 2 * (side // labels.shape[-1]) + 1  # the stairs of pixels go, lines of two remain
    within = (F.avg_pool2d(smooth, taps, 1, taps // 2) > 0.5).float()
    drawn = torch.zeros(4, side, side)
    for colour, width in ((HALO, 3), (LINE, 1)):
        spread, kept = (F.max_pool2d(sign * within, 2 * width + 1, 1, width) * sign for sign in (1, -1))
        edge = (spread - kept)[0, 0] > 0
        drawn[:, edge] = torch.tensor([*colour, 255])[:, None].float()
    return Image.fromarray(to_bytes(drawn / 127.5 - 1).permute(1, 2, 0).numpy(), "RGBA")
