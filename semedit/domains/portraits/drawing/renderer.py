"""Draws portraits from factors: soft-shaded or cel, any size, any device, with exact label maps.

Two and a half dimensions: the face is a flat drawing whose features slide by their depth times the sine of yaw and
pitch and narrow on the far side. Parts are painted back to front; a pixel's label is the last part that covers half of
it. Labels are those of CelebAMask-HQ (semedit.latents.regions.CELEBAMASK).
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal

import torch
from torch import Tensor

from semedit.domains.portraits.drawing.canvas import bump, smooth
from semedit.domains.portraits.drawing.face import FACE_PARTS
from semedit.domains.portraits.drawing.hair import BEHIND_PARTS, FRONT_PARTS
from semedit.domains.portraits.drawing.head import Head
from semedit.domains.portraits.drawing.sheet import Grid, Part, Sampling, Scatter, Sheet
from semedit.domains.portraits.drawing.skin import SKIN_PARTS
from semedit.domains.portraits.drawing.wear import BODY_PARTS, WORN_PARTS
from semedit.domains.portraits.factors import Factors
from semedit.errors import UnknownName

Style = Literal["soft", "cel"]
STYLES: tuple[Style, ...] = ("soft", "cel")
#: The parts of a portrait, back to front.
PARTS: tuple[Part, ...] = (*BEHIND_PARTS, *BODY_PARTS, *SKIN_PARTS, *FACE_PARTS, *FRONT_PARTS, *WORN_PARTS)
POINTS_A_SHEET = 2**20


def backdrop(head: Head, cel: bool) -> Tensor:
    """Background (3, B, N): a soft gradient with a pool of light, or a flat colour in cel style."""
    colour, x, y, angle = head.colour("backdrop_colour"), head.x, head.y, head["backdrop_angle"]
    if cel:
        return colour.expand(-1, *x.shape)
    slope = 0.5 * (x * torch.cos(angle) + y * torch.sin(angle))
    pool = bump(x, y, -0.5 * torch.cos(angle), -0.35, 0.55, 0.55)
    vignette = 0.16 * smooth(torch.sqrt(x * x + y * y), 0.6, 1.5)
    shade = 0.88 + 0.12 * slope + 0.16 * pool - vignette
    return (colour * shade).clamp_(0, 1)


@dataclass(frozen=True)
class Drawing:
    """images (B, 3, H, W) in [-1, 1]; labels (B, H, W), uint8; opaque (B, H, W), the labels of what glasses and
    earrings hide. At points: (B, 3, P), (B, P) and (B, P)."""

    images: Tensor
    labels: Tensor
    opaque: Tensor


def render(factors: Factors, size: int = 64, style: Style = "soft") -> tuple[Tensor, Tensor]:
    """Images (B, 3, size, size) in [-1, 1] and labels (B, size, size), uint8, of :func:`draw`."""
    drawing = draw(factors, size, style)
    return drawing.images, drawing.labels


def draw(factors: Factors, size: int = 64, style: Style = "soft") -> Drawing:
    """Draw portraits of ``size`` px.

    Runs on the device that the factors are on; large batches are drawn in pieces of bounded memory.
    """
    grid = Grid(size, factors["yaw"].device)
    drawing = _draw(factors, lambda _: grid, size**2, style)
    return Drawing(*(getattr(drawing, field.name).unflatten(-1, (size, size)) for field in fields(Drawing)))


def draw_points(factors: Factors, points: Tensor, pixel: float | Tensor, style: Style = "soft") -> Drawing:
    """Draw portraits at ``points`` (B, P, 2) alone: canvas coordinates x right and y down, [-1, 1] across the picture.

    ``pixel``, a number or (B,), is the width in canvas coordinates of the pixel that a point stands for, over which
    edges are smoothed: 2 / size gives the pixels of :func:`draw` at their centres.
    """
    points = points.to(factors["yaw"])
    widths = torch.as_tensor(pixel).to(points).expand(len(points))[:, None]
    return _draw(factors, lambda piece: Scatter(points[piece], widths[piece]), points.shape[1], style)


@torch.no_grad()
def _draw(factors: Factors, sampling: Callable[[slice], Sampling], count: int, style: Style) -> Drawing:
    if style not in STYLES:
        raise UnknownName("drawing style", style, STYLES)
    batch, device = len(factors), factors["yaw"].device
    images = torch.empty(batch, 3, count, device=device)
    labels, opaque = (torch.empty(batch, count, device=device, dtype=torch.uint8) for _ in range(2))
    step = max(1, POINTS_A_SHEET // max(count, 1))
    for start in range(0, batch, step):
        piece = slice(start, start + step)
        some = factors.select(piece)
        sheet = Sheet(some, sampling(piece), style == "cel")
        sheet.fill(backdrop)
        for part in PARTS:
            sheet.add(part)
        red_green_blue, (labels[piece], opaque[piece]) = sheet.planes.unflatten(1, (len(some), count)).split([3, 2])
        torch.mul(red_green_blue.transpose(0, 1), 2, out=images[piece])
    return Drawing(images.sub_(1), labels, opaque)
