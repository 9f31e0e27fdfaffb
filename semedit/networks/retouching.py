"""Renders of one code after another that keep what did not change: local networks, their sum, and most pixels.

A slider moves the rows of one region. The other regions' features and depths are kept; the blending weights, and with
them the fused features, change only where that region is seen, before or after; and a render net of 3x3 convolutions
carries a change no further than its receptive field. So the networks of the regions that changed are computed, and the
render net on the window that their change can reach; all other pixels are those of the picture before, bit for bit.

Shapes: B batch, R regions, L' local layers, D style width, C local channels, F coarse channels, h w coarse size,
P = h * w points.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from semedit.latents.latent import Latent
from semedit.networks.generator import SemanticGenerator
from semedit.networks.local import LocalGenerators
from semedit.networks.ops import coordinate_grid
from semedit.networks.precision import Precision, cast
from semedit.networks.render import refine
from semedit.networks.synthesis import Synthesis

#: Blending weights below this one leave no trace in a picture.
UNSEEN = 1e-8
#: Px by which a render block carries a change beyond twice its place, and px around it that the block must be shown.
REACH = 3


@dataclass(frozen=True)
class Window:
    """Rows ``top`` to ``bottom`` and columns ``left`` to ``right`` of a square map of ``side`` px; ends excluded."""

    top: int
    bottom: int
    left: int
    right: int
    side: int

    @classmethod
    def around(cls, seen: Tensor, step: int) -> "Window | None":
        """The smallest window around the true points of (h, w) with borders at multiples of ``step``; None if empty."""
        rows, columns = (seen.any(dim).nonzero()[:, 0].tolist() for dim in (1, 0))
        if not rows:
            return None
        top, left = (ends[0] // step * step for ends in (rows, columns))
        bottom, right = ((ends[-1] // step + 1) * step for ends in (rows, columns))
        return cls(top, bottom, left, right, seen.shape[0])

    @property
    def share(self) -> float:
        """Of the map's area."""
        return (self.bottom - self.top) * (self.right - self.left) / self.side**2

    def grown(self, by: int) -> "Window":
        """With ``by`` more px on each side, as far as the map goes."""
        top, left = max(0, self.top - by), max(0, self.left - by)
        bottom, right = min(self.side, self.bottom + by), min(self.side, self.right + by)
        return Window(top, bottom, left, right, self.side)

    def scaled(self, side: int) -> "Window":
        """The same part of a map of another size, whose pixels its borders must meet."""
        top, bottom, left, right = (end * side // self.side for end in (self.top, self.bottom, self.left, self.right))
        return Window(top, bottom, left, right, side)

    def of(self, x: Tensor) -> Tensor:
        """That part of a map (..., side, side), as a view."""
        return x[..., self.top : self.bottom, self.left : self.right]

    def within(self, x: Tensor, outer: "Window") -> Tensor:
        """That part of ``x``, where ``x`` is the map's part ``outer``, as a view."""
        rows = slice(self.top - outer.top, self.bottom - outer.top)
        return x[..., rows, self.left - outer.left : self.right - outer.left]

    def replaced(self, x: Tensor, outer: "Window", value: Tensor) -> Tensor:
        """A copy of the part ``outer`` of a map ``x``, with ``value`` in this window."""
        made = outer.of(x).clone()
        self.within(made, outer).copy_(value)
        return made


@dataclass
class _Kept:
    """A code (B, R, L', D) that was rendered in full, and what came on the way: x (B, R, C, h, w), depths and weights
    (B, R, P), features (B, F, h, w), and the inputs (x, skip) of each render block with the outputs of the last."""

    codes: Tensor
    x: Tensor
    depths: Tensor
    weights: Tensor
    features: Tensor
    maps: list[tuple[Tensor, Tensor | None]]


@dataclass(frozen=True)
class _Change:
    """What a render made anew: ``regions``, their x (B, R', C, h, w), and values for windows of kept maps."""

    codes: Tensor
    regions: list[int]
    x: Tensor
    depths: Tensor
    weights: Tensor
    patches: list[tuple[Tensor, Window, Tensor]]


class Retouching:
    """A generator's renders of codes that differ from each other in some regions, exact to 1e-5 in float32.

    ``generator`` is frozen; noise is its constant; ``precision`` is "fp32", or "bf16" in autocast. The first picture,
    and one in which most regions change, is rendered in full. ``share`` says what part of the last picture's area was
    computed.
    """

    def __init__(self, generator: SemanticGenerator, precision: Precision = "fp32"):
        self.generator, self.precision, self.share = generator, precision, 1.0
        self._kept: _Kept | None = None
        self._change: _Change | None = None
        self._parts: dict[tuple[int, ...], LocalGenerators] = {}

    @torch.no_grad()
    def render(self, latent: Latent | Tensor) -> Synthesis:
        """The picture of a Latent, or of a code (B, D), (B, L, D) or (B, E, D); in full where regions were moved.

        Raises LatentError for a code of another generator, or of another shape.
        """
        device = self.generator.device
        latent = latent.to(device)
        codes = self.generator.codes(latent)
        with cast(self.precision, device):
            if isinstance(latent, Latent) and self.generator.placing(latent, device):
                self.share = 1.0
                whole: Synthesis = self.generator(latent)
                return whole
            return self._render(codes)

    def _render(self, codes: Tensor) -> Synthesis:
        if self._kept is None or self._kept.codes.shape != codes.shape:
            return self._whole(codes)
        regions = differing(codes, self._kept.codes)
        if self._change and not set(regions) <= set(self._change.regions):
            since = differing(codes, self._change.codes)
            if len(since) < len(regions):  # another slider moves
                self._settle(self._kept, self._change)
                regions = since
        if 2 * len(regions) > len(self.generator.regions):
            return self._whole(codes)
        return self._partly(self._kept, codes, regions)

    def _settle(self, kept: _Kept, change: _Change) -> None:
        """From here on the last picture is what the next ones are compared with."""
        kept.x[:, change.regions] = change.x
        for place, window, value in change.patches:
            window.of(place).copy_(value)
        kept.codes, kept.depths, kept.weights = change.codes, change.depths, change.weights
        self._change = None

    def _whole(self, codes: Tensor) -> Synthesis:
        """Render every pixel, and keep what comes on the way."""
        generator, size = self.generator, self.generator.config.coarse_size
        x, depths = generator.local(codes, coordinate_grid(size, size, codes.device))
        masks, weights = generator.composite(depths, None)
        features = generator.local.blend(x, weights).unflatten(-1, (size, size))
        coarse = (2.0 * masks - 1.0).unflatten(-1, (size, size))
        maps = list(generator.render.trace(features, coarse, generator.noise_maps("const", 1)))
        self._kept = _Kept(codes, x.unflatten(-1, (size, size)), depths, weights, features, maps)
        self._change, self.share = None, 1.0
        out = maps[-1][1]
        assert out is not None
        return picture(out.clone(), coarse, depths)

    def _partly(self, kept: _Kept, codes: Tensor, regions: list[int]) -> Synthesis:
        """Render what ``regions`` can reach, in which the code differs from the kept one."""
        generator, size = self.generator, self.generator.config.coarse_size
        depths, x, chosen = kept.depths, kept.x[:, :0], torch.tensor(regions, device=codes.device, dtype=torch.long)
        if regions:
            part = self._parts.setdefault(tuple(regions), generator.local.part(regions))
            own, near = part(codes[:, chosen], coordinate_grid(size, size, codes.device))
            depths, x = depths.index_copy(1, chosen, near), own.unflatten(-1, (size, size))
        masks, weights = generator.composite(depths, None)
        seen = torch.stack([w[:, chosen].flatten(0, 1).gt(UNSEEN).any(0) for w in (weights, kept.weights)]).any(0)
        window = Window.around(seen.view(size, size), size // generator.render.min_size)
        coarse, patches = (2.0 * masks - 1.0).unflatten(-1, (size, size)), list[tuple[Tensor, Window, Tensor]]()
        if window:
            mixed = window.of(kept.x).clone()
            mixed[:, chosen] = window.of(x)
            own_weights = window.of(weights.unflatten(-1, (size, size))).flatten(2)
            fused = generator.local.blend(mixed.flatten(3), own_weights).view_as(window.of(kept.features))
            patches = [(kept.features, window, fused), *self._rendered(kept, window, fused, coarse)]
        out = kept.maps[-1][1]
        assert out is not None
        out, self.share = out.clone(), 0.0
        if window:
            _, place, value = patches[-1]
            place.of(out).copy_(value)
            self.share = place.share
        self._change = _Change(codes, regions, x, depths, weights, patches)
        return picture(out, coarse, depths)

    def _rendered(self, kept: _Kept, window: Window, fused: Tensor,
                  coarse: Tensor) -> list[tuple[Tensor, Window, Tensor]]:  # fmt: skip
        """The render net on what features ``fused`` in a window can reach; what each block's maps hold there then."""
        net, noise, first, patches = self.generator.render, self.generator.noise_maps("const", 1), window, []
        window = first.scaled(net.min_size)
        x: Tensor = F.adaptive_avg_pool2d(fused, (window.bottom - window.top, window.right - window.left))
        skip: Tensor | None = None
        for index, block in enumerate(net.blocks):
            old_x, old_skip = kept.maps[index]
            if window.side == net.coarse_size:
                x = torch.cat([x, first.replaced(kept.features, window, fused).to(x.dtype)], dim=1)
            crop = window.grown(REACH)
            patches.append((old_x, window, x))
            x = window.replaced(old_x, crop, x)
            if old_skip is not None and skip is not None:
                patches.append((old_skip, window, skip))
                skip = window.replaced(old_skip, crop, skip)
            side = 2 * window.side
            pair = (crop.scaled(side).of(noise[2 * index]), crop.scaled(side).of(noise[2 * index + 1]))
            made, made_skip = block(x, skip, pair)
            window = window.scaled(side).grown(REACH)
            if net.residual_refine and side == net.coarse_size:
                made_skip = refine(made_skip, crop.scaled(side).of(coarse))
            x, skip = (window.within(one, crop.scaled(side)) for one in (made, made_skip))
        out = kept.maps[-1][1]
        assert out is not None and skip is not None  # there is at least one block
        return [*patches, (out, window, skip)]


def differing(codes: Tensor, others: Tensor) -> list[int]:
    """Regions in which codes (B, R, L', D) are not the same."""
    found: list[int] = (codes != others).flatten(2).any(2).any(0).nonzero()[:, 0].tolist()
    return found


def picture(out: Tensor, coarse: Tensor, depths: Tensor) -> Synthesis:
    """What a render comes to, of the last skip (B, 3 + R, H, W), the coarse segmentation and depths (B, R, P)."""
    return Synthesis(out[:, :3], out[:, 3:], coarse, depths.unflatten(-1, coarse.shape[-2:]))
