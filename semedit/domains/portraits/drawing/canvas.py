"""Signed-distance shapes, and a canvas that paints them back to front with colour and label kept together.

A shape is a field d (B, N) over N points of each of B pictures, negative inside, roughly a distance in the units of
``pixel``; its edge is one pixel wide, so drawing is anti-aliased at every size.
"""

import torch
from torch import Tensor

from semedit.latents.regions import CELEBAMASK

#: Where a Gaussian shade of any strength drawn here is below half a grey level, in its widths.
REACH = 3.3


def smooth(x: Tensor, low: float | Tensor, high: float | Tensor) -> Tensor:
    """Smoothstep: 0 below ``low``, 1 above ``high``, cubic between."""
    t = ((x - low) / (high - low)).clamp_(0, 1)
    return t * t * (3 - 2 * t)


def bell(x: Tensor, width: float | Tensor) -> Tensor:
    """exp(-(x / width)^2): a soft line along x = 0, gone at 2.4 widths."""
    return _decay((x / width).square_())


def bump(
    u: Tensor, v: Tensor, u0: float | Tensor, v0: float | Tensor, su: float | Tensor, sv: float | Tensor
) -> Tensor:
    """A Gaussian blob of widths (su, sv) at (u0, v0), gone at REACH widths."""
    return _decay(((u - u0) / su).square_().add_(((v - v0) / sv).square_()).mul_(0.5))


def _decay(x: Tensor) -> Tensor:
    """exp(-x), in place. Powers of two are much the quickest, and denormal ones very slow."""
    return x.mul_(-1.4426950408889634).clamp_(min=-100).exp2_()


def ellipse(u: Tensor, v: Tensor, a: float | Tensor, b: float | Tensor, power: float = 2.0) -> Tensor:
    """Signed field of the (super)ellipse |u/a|^n + |v/b|^n = 1, scaled to be near a distance at the edge."""
    if power == 2.0:
        p, q = (u / a).square_(), (v / b).square_()
        slope = 2 * torch.sqrt(p / (a * a) + q / (b * b))
        value = p.add_(q)
    else:
        p, q = (u / a).abs_(), (v / b).abs_()
        p_slope, q_slope = p ** (power - 1), q ** (power - 1)
        value = p * p_slope + q * q_slope
        slope = power * torch.sqrt((p_slope / a).square_() + (q_slope / b).square_())
    return value.sub_(1).div_(slope.clamp_(min=1e-3))


def segment(u: Tensor, v: Tensor, start: tuple[Tensor | float, Tensor | float],
            end: tuple[Tensor | float, Tensor | float], radius: float | Tensor) -> Tensor:  # fmt: skip
    """Signed distance to a thick line with round ends."""
    u, v, du, dv = u - start[0], v - start[1], end[0] - start[0], end[1] - start[1]
    t = ((u * du + v * dv) / (du * du + dv * dv + 1e-9)).clamp_(0, 1)
    return torch.sqrt((u - t * du).square_() + (v - t * dv).square_() + 1e-9) - radius


class Canvas:
    """Pictures under construction at N points each: ``image`` (3, B, N) in [0, 1], ``labels`` (2, B, N).

    Both are painted in place. ``labels`` are those of what is seen, and those of what glasses and earrings hide.
    ``pixel`` (B, 1) is a pixel's size in head units. ``cel`` draws flat tones with outlines instead of soft shading.
    """

    def __init__(self, image: Tensor, labels: Tensor, pixel: Tensor, cel: bool):
        self.image, self.labels, self.pixel, self.cel = image, labels, pixel, cel

    def cover(self, d: Tensor) -> Tensor:
        """Coverage (B, N) in [0, 1] of a field in head units."""
        return (d / self.pixel).neg_().add_(0.5).clamp_(0, 1)

    def rgb(self, red: float, green: float, blue: float) -> Tensor:
        """A fixed colour, (3, 1, 1)."""
        return torch.tensor([red, green, blue], device=self.image.device)[:, None, None]

    def tone(self, colour: Tensor, shade: Tensor, warmth: float = 0.0) -> Tensor:
        """Colour (3, B, 1) under ``shade`` (B, N), 0 dark to 1 lit and beyond: (3, B, N).

        ``warmth`` tints the shadows red, as light under skin does. In cel style the shade has two steps.
        """
        if self.cel:
            shade = torch.where(shade > 0.62, 1.0, 0.35)
        floor = self.rgb(0.30 + 0.24 * warmth, 0.30, 0.34 - 0.02 * warmth)
        return (colour * (1 - floor) * shade).add_(colour * floor).clamp_(0, 1)

    def paint(self, d: Tensor, colour: Tensor, label: int | None = None, opacity: float | Tensor = 1.0,
              outline: float = 0.0) -> None:  # fmt: skip
        """Paint ``colour``, (3, B, N) or (3, B, 1), where d < 0; points at least half covered take ``label``.

        ``outline`` is the half-width of the dark contour that the cel style draws on the shape's edge.
        """
        coverage = self.cover(d)
        self.image.lerp_(colour, coverage * opacity)
        if label is not None:
            self._mark(coverage, label)
        if outline and self.cel:
            self.image.lerp_(self.rgb(0.09, 0.09, 0.09), self.cover(d.abs() - outline) * 0.9)

    def mark(self, d: Tensor, label: int) -> None:
        """Give ``label`` to the points at least half covered by d < 0, without painting."""
        self._mark(self.cover(d), label)

    def _mark(self, coverage: Tensor, label: int) -> None:
        layers = self.labels[:1] if label in CELEBAMASK.transparent_indices else self.labels
        layers.masked_fill_(coverage >= 0.5, label)

    def darken(self, amount: Tensor) -> None:
        """Multiply by 1 - amount (B, N): soft shadows and lines."""
        if not self.cel:
            self.image.mul_(1 - amount)

    def lighten(self, amount: Tensor) -> None:
        """Screen with white by ``amount`` (B, N): highlights."""
        if not self.cel:
            self.tint((1.0, 1.0, 1.0), amount)

    def tint(self, colour: tuple[float, float, float], amount: Tensor) -> None:
        """Blend towards an RGB colour by ``amount`` (B, N): blush, stubble."""
        self.image.lerp_(self.rgb(*colour), amount.clamp(0, 1))
