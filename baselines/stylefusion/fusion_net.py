"""FusionNet: two style codes become one, in which each rules a region and a third rules the layout.

Reference: Kafri et al., "StyleFusion: Disentangling Spatial Segments in StyleGAN-Generated Images", 2022,
https://arxiv.org/abs/2107.07437, sections 4.2 and 4.3; layer code, sizes and the order of inputs as in the released
weights. Two things follow the released networks rather than the main text: the blender that fuses sees the code of the
layout too, and the code of the layout reaches the first five layers of either list alone. Departures: batches, any
device, any widths.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, cast

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.stylegan2.style_code import StyleCode
from semedit.config import Config
from semedit.errors import ConfigError, LatentError
from semedit.networks.layers import EqualLinear
from semedit.networks.ops import SQRT2, leaky


class FusionConfig(Config):
    """Sizes of a FusionNet; the defaults are official, and have 37 million parameters.

    ``width``: what the vectors of all layers are brought to; ``hidden``: widths inside each blender; ``layers`` and
    ``repeats``: layers that a code can tell apart, and how often the code is repeated; ``common_layers``: layers of
    either list that the code of the layout reaches.
    """

    noun: ClassVar[str] = "FusionNet configuration"

    width: int = 512
    hidden: tuple[int, ...] = (2560, 2560, 2560, 512)
    layers: int = 18
    repeats: int = 10
    common_layers: int = 5

    @model_validator(mode="after")
    def _check(self) -> "FusionConfig":
        if min((self.width, self.layers, self.repeats, *self.hidden)) < 1 or self.common_layers < 0:
            raise ValueError("widths, layers and repeats are at least 1, and common_layers at least 0")
        return self

    @property
    def code_width(self) -> int:
        """Width of the code that tells a layer."""
        return (self.layers + 1) * self.repeats


def layer_code(layer: int, rgb: bool, config: FusionConfig) -> Tensor:
    """The vector (code_width,) that tells layer ``layer`` of the convolutions or, with ``rgb``, of the RGB heads.

    One-hot, with one more place for ``rgb``, and repeated. Raises ConfigError for a layer that it cannot tell.
    """
    if not 0 <= layer < config.layers:
        raise ConfigError(f"a blender tells layers 0..{config.layers - 1} apart, and knows no layer {layer}")
    code = torch.zeros(config.layers + 1)
    code[layer], code[-1] = 1.0, float(rgb)
    return code.repeat(config.repeats)


class LatentBlender(nn.Module):
    """Blends two vectors channel by channel: a + q (b - a), q = sigmoid(D(a, b, extra, layer)) (equation 2).

    ``extra`` says whether there is a third vector to look at.
    """

    def __init__(self, config: FusionConfig, *, extra: bool):
        super().__init__()
        self.config, self.extra = config, extra
        inputs = (3 if extra else 2) * config.width + config.code_width
        widths = (inputs, *config.hidden, config.width)
        self.layers = nn.Sequential(*(EqualLinear(i, o, lr_mul=0.01, activate=True) for i, o in pairwise(widths)))

    def gate(self, a: Tensor, b: Tensor, layer: int, *, rgb: bool = False, extra: Tensor | None = None) -> Tensor:
        """q (B, W) in (0, 1) of vectors (B, W); a blender built with ``extra`` takes zeros for None.

        Raises ConfigError for a vector that the blender was not built for.
        """
        if extra is not None and not self.extra:
            raise ConfigError("this blender looks at two vectors, and was given a third")
        third = [] if not self.extra else [torch.zeros_like(a) if extra is None else extra]
        code = layer_code(layer, rgb, self.config).to(a).expand(len(a), -1)
        x = torch.cat([a, b, *third, code], dim=1)
        for linear in cast("list[EqualLinear]", self.layers):
            x = activated(linear, x)
        return torch.sigmoid(x)

    def forward(self, a: Tensor, b: Tensor, layer: int, *, rgb: bool = False, extra: Tensor | None = None) -> Tensor:
        """The blend (B, W) of vectors (B, W); arguments as of :meth:`gate`."""
        return torch.lerp(a, b, self.gate(a, b, layer, rgb=rgb, extra=extra))


@dataclass(frozen=True, eq=False)
class AlignedCode:
    """A code brought to another's layout, and the gates (B, G, W) of the blends that did it, one each layer."""

    code: StyleCode
    gates: Tensor


class FusionNet(nn.Module):
    """One node of a hierarchy: the codes of two regions, and its own of the layout, become one code.

    ``common`` brings each of the two to the layout; ``segments`` fuses what comes of it.
    """

    def __init__(self, config: FusionConfig | None = None):
        super().__init__()
        self.config = config or FusionConfig()
        self.common = LatentBlender(self.config, extra=False)
        self.segments = LatentBlender(self.config, extra=True)

    def forward(self, first: StyleCode, second: StyleCode | None, own: StyleCode | None) -> StyleCode:
        """Fuse codes of B pictures each.

        Without ``second``, ``first`` is brought to the layout of ``own``; without ``own``, the two are fused as they
        are. Raises ConfigError without either, LatentError for codes that do not go together.
        """
        if second is None and own is None:
            raise ConfigError("a FusionNet needs a second code to fuse with, or a code of the layout, or both")
        if second is None:
            return self.align(first, self._beside(own, first), flag_heads=True).code
        self._beside(second, first)
        if own is None:
            return self.fuse(first, second, None)
        self._beside(own, first)
        both = self.align(StyleCode.cat([first, second]), StyleCode.cat([own, own])).code
        return self.fuse(both[: len(first)], both[len(first) :], own)

    def align(self, code: StyleCode, own: StyleCode, *, flag_heads: bool = False) -> AlignedCode:
        """Bring a code to the layout of ``own`` in the first layers of either list; the others stay as they are.

        ``flag_heads`` tells the blender which vectors belong to RGB heads, as it is told where it works alone.
        """
        gates: list[Tensor] = []

        def blend(layer: int, rgb: bool, a: Tensor, b: Tensor) -> Tensor:
            if layer >= self.config.common_layers:
                return a
            wide_a, wide_b = self._widen(a), self._widen(b)
            gates.append(self.common.gate(wide_a, wide_b, layer, rgb=rgb and flag_heads))
            return narrow(torch.lerp(wide_a, wide_b, gates[-1]), a.shape[1])

        made = each_layer(blend, code, own)
        return AlignedCode(made, torch.stack(gates, dim=1) if gates else code.conv[0].new_zeros(len(code), 0, 1))

    def fuse(self, first: StyleCode, second: StyleCode, own: StyleCode | None) -> StyleCode:
        """Blend two codes; in the first layers the blender looks at ``own`` too."""

        def blend(layer: int, _: bool, a: Tensor, b: Tensor, layout: Tensor | None = None) -> Tensor:
            seen = None if layout is None or layer >= self.config.common_layers else self._widen(layout)
            return narrow(self.segments(self._widen(a), self._widen(b), layer, extra=seen), a.shape[1])

        return each_layer(blend, first, second, *([] if own is None else [own]))

    def _widen(self, x: Tensor) -> Tensor:
        """(B, C) -> (B, W), each element W / C times. Raises LatentError unless C divides W."""
        if self.config.width % x.shape[1]:
            raise LatentError(f"a style of {x.shape[1]} channels, which do not divide this net's {self.config.width}")
        return x.repeat_interleave(self.config.width // x.shape[1], dim=1)

    @staticmethod
    def _beside(code: StyleCode | None, other: StyleCode) -> StyleCode:
        """``code``, if it is there and has the batch and the widths of ``other``; LatentError otherwise."""
        assert code is not None  # the caller has looked
        other.check_widths(code.conv_widths, code.rgb_widths)
        if len(code) != len(other):
            raise LatentError(f"codes of {len(code)} and {len(other)} pictures cannot be fused")
        return code


def activated(layer: EqualLinear, x: Tensor) -> Tensor:
    """What the layer puts out, its scale put on the few numbers of ``x`` instead of on its many weights."""
    return leaky(F.linear(x * (layer.scale * SQRT2), layer.weight, layer.bias * (layer.lr_mul * SQRT2)))


def narrow(x: Tensor, width: int) -> Tensor:
    """(B, W) -> (B, C), the largest of each W / C neighbours."""
    return x if x.shape[1] == width else x.unflatten(1, (width, -1)).amax(-1)


def each_layer(change: Callable[..., Tensor], *codes: StyleCode) -> StyleCode:
    """``change(layer, rgb, *vectors)`` of every layer, numbered within its own list."""
    conv = enumerate(zip(*(code.conv for code in codes), strict=True))
    rgb = enumerate(zip(*(code.rgb for code in codes), strict=True))
    return StyleCode(
        tuple(change(layer, False, *vectors) for layer, vectors in conv),
        tuple(change(layer, True, *vectors) for layer, vectors in rgb),
    )
