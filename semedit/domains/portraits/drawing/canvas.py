"""A batched canvas that paints signed-distance shapes back to front, with colour and label kept together.

A shape is a field d (B, H, W), negative inside, roughly a distance in the units of ``pixel``; its edge is one pixel
wide, so drawing is anti-aliased at every size.
"""

import torch
from torch import Tensor

from semedit.latents.regions import CELEBAMASK


def smooth(x: Tensor, low: float | Tensor, high: float | Tensor) -> Tensor:
    """Smoothstep: 0 below ``low``, 1 above ``high``, cubic between."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def bump(
    u: Tensor, v: Tensor, u0: float | Tensor, v0: float | Tensor, su: float | Tensor, sv: float | Tensor
) -> Tensor:
    """A Gaussian blob of widths (su, sv) at (u0, v0)."""
    return torch.exp(-0.5 * (((u - u0) / su).square() + ((v - v0) / sv).square()))


def ellipse(u: Tensor, v: Tensor, a: float | Tensor, b: float | Tensor, power: float = 2.0) -> Tensor:
    """Signed field of the (super)ellipse |u/a|^n + |v/b|^n = 1, scaled to be near a distance at the edge."""
    p, q = (u / a).abs(), (v / b).abs()
    if power == 2.0:
        value = p * p + q * q
        slope = 2 * torch.sqrt((p / a).square() + (q / b).square())
    else:
        value = p**power + q**power
        slope = power * torch.sqrt((p ** (power - 1) / a).square() + (q ** (power - 1) / b).square())
    return (value - 1) / slope.clamp(min=1e-3)


def segment(u: Tensor, v: Tensor, start: tuple[Tensor | float, Tensor | float],
            end: tuple[Tensor | float, Tensor | float], radius: float | Tensor) -> Tensor:  # fmt: skip
    """Signed distance to a thick line with round ends."""
    du, dv = end[0] - start[0], end[1] - start[1]
    t = (((u - start[0]) * du + (v - start[1]) * dv) / (du * du + dv * dv + 1e-9)).clamp(0, 1)
    return torch.sqrt((u - start[0] - t * du).square() + (v - start[1] - t * dv).square() + 1e-9) - radius


class Canvas:
    """Images (B, 3, H, W) in [0, 1] and labels (B, H, W) under construction.

    ``opaque`` are the labels of what is seen through lenses and beneath earrings.

    ``pixel`` (B, 1, 1) is a pixel's size in head units. ``cel`` draws flat tones with outlines instead of soft shading.
    """

    def __init__(self, background: Tensor, pixel: Tensor, cel: bool):
        self.image, self.pixel, self.cel = background, pixel, cel
        self.labels = self.opaque = torch.zeros_like(background[:, 0], dtype=torch.uint8)

    def cover(self, d: Tensor) -> Tensor:
        """Coverage (B, H, W) in [0, 1] of a field in head units."""
        return (0.5 - d / self.pixel).clamp(0, 1)

    def tone(self, colour: Tensor, shade: Tensor, warmth: float = 0.0) -> Tensor:
        """Colour (B, 3) under ``shade`` (B, H, W), 0 dark to 1 lit and beyond: (B, 3, H, W).

        ``warmth`` tints the shadows red, as light under skin does. In cel style the shade has two steps.
        """
        if self.cel:
            shade = torch.where(shade > 0.62, torch.ones_like(shade), torch.full_like(shade, 0.35))
        floor = torch.tensor([0.30 + 0.24 * warmth, 0.30, 0.34 - 0.02 * warmth], device=shade.device)
        lit = floor[:, None, None] + (1 - floor[:, None, None]) * shade[:, None]
        return (colour[:, :, None, None] * lit).clamp(0, 1)

    def paint(self, d: Tensor, colour: Tensor, label: int | None = None, opacity: float | Tensor = 1.0,
              outline: float = 0.0) -> None:  # fmt: skip
        """Paint ``colour``, (B, 3) or (B, 3, H, W), where d < 0; pixels at least half covered take ``label``.

        ``outline`` is the half-width of the dark contour that the cel style draws on the shape's edge.
        """
        colour = colour[:, :, None, None] if colour.dim() == 2 else colour
        coverage = self.cover(d)
        self.image = torch.lerp(self.image, colour.expand_as(self.image), (coverage * opacity)[:, None])
        if label is not None:
            self._mark(coverage, label)
        if outline and self.cel:
            ink = self.cover(d.abs() - outline)[:, None] * 0.9
            self.image = self.image * (1 - ink) + 0.09 * ink

    def mark(self, d: Tensor, label: int) -> None:
        """Give ``label`` to the pixels at least half covered by d < 0, without painting."""
        self._mark(self.cover(d), label)

    def _mark(self, coverage: Tensor, label: int) -> None:
        covered, value = coverage >= 0.5, torch.full_like(self.labels, label)
        self.labels = torch.where(covered, value, self.labels)
        if label not in CELEBAMASK.transparent_indices:
            self.opaque = torch.where(covered, value, self.opaque)

    def darken(self, amount: Tensor) -> None:
        """Multiply by 1 - amount (B, H, W): soft shadows and lines."""
        if not self.cel:
            self.image = self.image * (1 - amount)[:, None]

    def lighten(self, amount: Tensor) -> None:
        """Screen with white by ``amount`` (B, H, W): highlights."""
        if not self.cel:
            self.image = self.image + (1 - self.image) * amount.clamp(0, 1)[:, None]

    def tint(self, colour: tuple[float, float, float], amount: Tensor) -> None:
        """Blend towards an RGB colour by ``amount`` (B, H, W): blush, stubble."""
        target = torch.tensor(colour, device=self.image.device)[:, None, None]
        self.image = torch.lerp(self.image, target.expand_as(self.image), amount.clamp(0, 1)[:, None])
