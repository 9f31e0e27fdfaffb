"""Draws portraits from factors: soft-shaded or cel, any size, any device, with exact label maps.

Two and a half dimensions: the face is a flat drawing whose features slide by their depth times the sine of yaw and
pitch and narrow on the far side. Parts are painted back to front; a pixel's label is the last part that covers half of
it. Labels are those of CelebAMask-HQ (semedit.latents.regions.CELEBAMASK).
"""

from dataclasses import dataclass, fields
from typing import Literal

import torch
from torch import Tensor

from semedit.domains.portraits.drawing.canvas import Canvas, bump, smooth
from semedit.domains.portraits.drawing.face import draw_face
from semedit.domains.portraits.drawing.hair import draw_back_hair, draw_bun, draw_front_hair, draw_locks
from semedit.domains.portraits.drawing.head import Head
from semedit.domains.portraits.drawing.wear import draw_cloth, draw_ears, draw_glasses, draw_hat, draw_neck
from semedit.domains.portraits.factors import Factors
from semedit.errors import UnknownName

Style = Literal["soft", "cel"]
STYLES: tuple[Style, ...] = ("soft", "cel")
CHUNK_PIXELS = 2**18


def backdrop(head: Head, cel: bool) -> Tensor:
    """Background (B, 3, H, W): a soft gradient with a pool of light, or a flat colour in cel style."""
    factors, x, y = head.factors, head.x, head.y
    colour = factors["backdrop_colour"][:, :, None, None].expand(-1, -1, *x.shape[-2:])
    if cel:
        return colour.clone()
    angle = factors["backdrop_angle"][:, None, None]
    slope = 0.5 * (x * torch.cos(angle) + y * torch.sin(angle))
    pool = bump(x, y, -0.5 * torch.cos(angle), -0.35, 0.55, 0.55)
    vignette = 0.16 * smooth(torch.sqrt(x * x + y * y), 0.6, 1.5)
    shade = 0.88 + 0.12 * slope + 0.16 * pool - vignette
    return (colour * shade[:, None]).clamp(0, 1)


@dataclass(frozen=True)
class Drawing:
    """images (B, 3, H, W) in [-1, 1]; labels (B, H, W), uint8; opaque (B, H, W), the labels of what glasses and
    earrings hide."""

    images: Tensor
    labels: Tensor
    opaque: Tensor


def _draw(factors: Factors, size: int, style: Style) -> Drawing:
    head = Head(factors, size)
    canvas = Canvas(backdrop(head, style == "cel"), head.pixel, style == "cel")
    for part in (draw_back_hair, draw_bun, draw_neck, draw_cloth, draw_ears, draw_face, draw_locks, draw_front_hair,
                 draw_glasses, draw_hat):  # fmt: skip
        part(canvas, head)
    return Drawing(canvas.image.clamp(0, 1) * 2 - 1, canvas.labels, canvas.opaque)


def render(factors: Factors, size: int = 64, style: Style = "soft") -> tuple[Tensor, Tensor]:
    """Images (B, 3, size, size) in [-1, 1] and labels (B, size, size), uint8, of :func:`draw`."""
    drawing = draw(factors, size, style)
    return drawing.images, drawing.labels


@torch.no_grad()
def draw(factors: Factors, size: int = 64, style: Style = "soft") -> Drawing:
    """Draw portraits of ``size`` px.

    Runs on the device that the factors are on; large batches are drawn in pieces of bounded memory.
    """
    if style not in STYLES:
        raise UnknownName("drawing style", style, STYLES)
    step = max(1, CHUNK_PIXELS // size**2)
    pieces = [_draw(factors.select(slice(i, i + step)), size, style) for i in range(0, len(factors), step)]
    return Drawing(*(torch.cat([getattr(piece, field.name) for piece in pieces]) for field in fields(Drawing)))
