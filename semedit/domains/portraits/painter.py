"""The portraits domain's painter: portraits of random factors, with their label maps and attributes."""

from dataclasses import dataclass
from typing import cast

import torch

from semedit.data.drawn import Painted
from semedit.domains.portraits.drawing.renderer import STYLES, Style, draw
from semedit.domains.portraits.factors import attributes
from semedit.domains.portraits.law import sample_factors
from semedit.errors import UnknownName


def drawing_style(name: str) -> Style:
    """The style called ``name``; UnknownName if it cannot be drawn."""
    if name not in STYLES:
        raise UnknownName("drawing style", name, STYLES)
    return cast(Style, name)


@dataclass(frozen=True)
class PortraitPainter:
    """Draws portraits whose factors come from the law at random codes."""

    key: str = "portraits"
    styles: tuple[str, ...] = STYLES

    def __call__(
        self, count: int, size: int, seed: int, style: str = STYLES[0], *,
        slots: slice = slice(None), device: torch.device | None = None,
    ) -> Painted:  # fmt: skip
        """Of the ``count`` portraits of ``size`` px that ``seed`` stands for, those at ``slots``, on ``device``."""
        known = drawing_style(style)
        factors = sample_factors(count, seed).select(slots)
        factors = factors if device is None else factors.to(device)
        drawing = draw(factors, size, known)
        return Painted(drawing.images, drawing.labels, attributes(factors))
