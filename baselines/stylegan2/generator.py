"""The StyleGAN2 generator (Karras et al. 2020), in W, W+ and S.

Reference: "Analyzing and Improving the Image Quality of StyleGAN", https://arxiv.org/abs/1912.04958, configuration F
with skip connections; formulas as in the PyTorch port whose weight files are in common use. Departure in form, none in
value: styles scale activations instead of weights, and demodulation likewise.

Shapes: B batch, L = 2 log2(size) - 2 rows of a W+ code, D style width, S sum of all style widths, H W image size.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, cast

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from baselines.stylegan2.layers import StyledConv, ToRGB
from baselines.stylegan2.style_code import StyleCode
from semedit.errors import ConfigError, LatentError
from semedit.latents.latent import Latent, Past
from semedit.latents.layout import LatentLayout
from semedit.latents.regions import RegionTable
from semedit.networks.layers import official_channels
from semedit.networks.style_based import (
    MOST,
    MOST_LAYERS,
    MappingNetwork,
    Noise,
    StyleBasedConfig,
    StyleBasedGenerator,
    noise_maps,
)
from semedit.networks.synthesis import Rendering

#: What the mean code is called in weight files.
AVERAGE = "latent_avg"
#: The table of a generator that knows no regions.
NO_REGIONS = RegionTable(names=(), colours=())
#: Called before each convolution with its number, its input and the picture so far; gives back what takes their places.
Visit = Callable[[int, Tensor, Tensor | None], tuple[Tensor, Tensor | None]]


class StyleGAN2Config(StyleBasedConfig):
    """Sizes of a generator. The defaults are the official 256 px configuration.

    ``channels`` maps a resolution (4 ... size) to its width, for example ``{32: 64}``; others are the official table's.
    """

    noun: ClassVar[str] = "StyleGAN2 configuration"

    size: int = 256
    style_dim: int = 512
    mapping_layers: int = 8
    mapping_lr_mul: float = 0.01
    channels: dict[int, int] = {}
    channel_multiplier: int = 2

    @model_validator(mode="after")
    def _check(self) -> "StyleGAN2Config":
        if self.size < 4 or self.size & (self.size - 1):
            raise ValueError(f"size must be a power of two of at least 4, not {self.size}")
        if unknown := sorted(set(self.channels) - set(self.resolutions)):
            raise ValueError(f"channels of {unknown[0]} px, which a generator of {self.size} px does not have")
        widths = (self.size, self.style_dim, self.channel_multiplier, *self.channels.values())
        if min(widths) < 1 or max(widths) > MOST or not 0 <= self.mapping_layers <= MOST_LAYERS:
            raise ValueError(f"size and widths are at least 1, at most {MOST}, and mapping_layers 0 to {MOST_LAYERS}")
        return self

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, ..., size."""
        return tuple(2**power for power in range(2, int(math.log2(self.size)) + 1))

    @property
    def rows(self) -> int:
        """L, the rows of a W+ code."""
        return 2 * len(self.resolutions)

    def width(self, resolution: int) -> int:
        """Channels at a resolution."""
        return self.channels.get(resolution) or official_channels(resolution, self.channel_multiplier)

    @property
    def outputs(self) -> int:
        """Channels that the heads put out."""
        return 3

    @property
    def rgb_widths(self) -> tuple[int, ...]:
        """Widths of the styles of the RGB heads."""
        return tuple(self.width(resolution) for resolution in self.resolutions)

    @property
    def conv_widths(self) -> tuple[int, ...]:
        """Widths of the styles of the convolutions: the channels that each reads."""
        own = self.rgb_widths
        return (own[0], *(width for pair in pairwise(own) for width in pair))


@dataclass(frozen=True)
class StyleGAN2Synthesis(Rendering):
    """What one call puts out: image (B, 3, H, W), about [-1, 1]."""


@dataclass(frozen=True, eq=False)
class StyleActivations:
    """What the layers of one call read, before their styles scale it, and the picture that came of it.

    Entry i of ``conv`` (B, C_i, h_i, w_i), and of ``rgb``, has the channels of entry i of a StyleCode. The first is the
    constant that all pictures begin with. What a head reads is the same tensor as what the next convolution reads.
    """

    conv: tuple[Tensor, ...]
    rgb: tuple[Tensor, ...]
    image: Tensor

    def first(self, size: int) -> Tensor:
        """The first activation (B, C, size, size) that a convolution put out at a size. Raises ConfigError."""
        outputs = (*self.conv[1:], self.rgb[-1])
        found = next((x for x in outputs if x.shape[-1] == size), None)
        if found is None:
            sizes = ", ".join(str(x.shape[-1]) for x in self.rgb)
            raise ConfigError(f"no convolution of this generator puts out {size} px (choose from: {sizes})")
        return found


class StyleGAN2Generator(StyleBasedGenerator):
    """The complete generator; see the module's docstring."""

    KIND: ClassVar[str] = "stylegan2"
    PARTS: ClassVar[tuple[str, ...]] = ("constant", "convs", "heads")
    config: StyleGAN2Config
    latent_avg: Tensor | None

    def __init__(self, config: StyleGAN2Config):
        super().__init__()
        self.config, self.regions = config, NO_REGIONS
        self.layout = LatentLayout.plain(config.rows)
        self.mapping = MappingNetwork(config.style_dim, config.mapping_layers, config.mapping_lr_mul)
        self.constant = nn.Parameter(torch.randn(config.width(4), 4, 4))
        outputs = [config.width(resolution) for resolution in config.resolutions for _ in range(2)][1:]
        self.convs = nn.ModuleList(
            StyledConv(width, out, config.style_dim, up=index % 2 == 1)
            for index, (width, out) in enumerate(zip(config.conv_widths, outputs, strict=True))
        )
        self.heads = nn.ModuleList(ToRGB(width, config.style_dim, config.outputs) for width in config.rgb_widths)
        sizes = [resolution for resolution in config.resolutions for _ in range(2)][1:]
        for index, size in enumerate(sizes):
            self.register_buffer(f"noise_{index}", torch.randn(1, 1, size, size))
        #: The mean code (1, D) that came with the weights, or None.
        self.register_buffer("latent_avg", None, persistent=False)
        self.gradient_checkpointing = False

    @property
    def device(self) -> torch.device:
        return self.constant.device

    def save_memory(self, on: bool) -> None:
        """Whether the convolutions are computed anew in the backward pass, instead of being kept."""
        self.gradient_checkpointing = on

    def noise_maps(self, noise: Noise, batch: int) -> list[Tensor]:
        """The maps, one a convolution, that ``noise`` stands for: buffers, fresh draws (B, 1, H, W), or those given."""
        return noise_maps(noise, [getattr(self, f"noise_{index}") for index in range(len(self.convs))], batch)

    def wplus(self, latent: Latent | Tensor) -> Tensor:
        """W+ rows (B, L, D) of a code in W or W+. Raises LatentError for anything else."""
        if isinstance(latent, Latent):
            self.check(latent)
            latent = latent.wplus().data
        rows, dim = self.config.rows, self.config.style_dim
        if latent.dim() not in (2, 3) or latent.shape[-1] != dim or (latent.dim() == 3 and latent.shape[1] != rows):
            raise LatentError(
                f"a latent of shape {tuple(latent.shape)}; this generator takes (B, {dim}), (B, {rows}, {dim}) "
                f"or a StyleCode"
            )
        return self.layout.wplus(latent)

    def styles(self, latent: Latent | Tensor | StyleCode, *, official_rgb_rows: bool = False) -> StyleCode:
        """The code in S: the modulations of all layers, bias included.

        Convolution i reads row i; head 0 row 1, head j >= 1 row 2j + 1, as in synthesis. ``official_rgb_rows`` gives
        head j row 2j instead, as StyleFusion's released code does: the picture of a W+ code then changes.
        Raises LatentError for a code of another shape, widths or generator.
        """
        if isinstance(latent, Latent) and latent.space == "s":
            self.check(latent)
            latent = StyleCode.from_flat(latent.data, self.config.conv_widths, self.config.rgb_widths)
        if isinstance(latent, StyleCode):
            latent.check_widths(self.config.conv_widths, self.config.rgb_widths)
            return latent
        rows, shift = self.wplus(latent), 0 if official_rgb_rows else 1
        convs, heads = cast("list[StyledConv]", self.convs), cast("list[ToRGB]", self.heads)
        conv = tuple(layer.style(rows[:, i]) for i, layer in enumerate(convs))
        rgb = tuple(head.style(rows[:, 2 * j + shift if j else 1]) for j, head in enumerate(heads))
        return StyleCode(conv, rgb)

    def run(self, code: StyleCode, noise: Noise = "const", visit: Visit | None = None) -> tuple[Tensor, Tensor]:
        """Synthesis layer by layer: the last activation (B, C, H, W) and the picture (B, 3, H, W).

        ``visit`` sees, and may replace, what each convolution reads and the picture so far, which is there from the
        second convolution on; at odd convolutions the two have the same size.
        """
        batch = code.conv[0].shape[0]  # not len(code), which a tracer would take for a constant
        maps = self.noise_maps(noise, batch)
        x, skip = self.constant.expand(batch, -1, -1, -1).contiguous(memory_format=torch.channels_last), None
        for index, conv in enumerate(self.convs):
            if visit:
                x, skip = visit(index, x, skip)
            if self.gradient_checkpointing and torch.is_grad_enabled():
                x = checkpoint(conv, x, code.conv[index], maps[index], use_reentrant=False)
            else:
                x = conv(x, code.conv[index], maps[index])
            if index % 2 == 0:
                skip = self.heads[index // 2](x, code.rgb[index // 2], skip)
        assert skip is not None  # there is at least one head
        return x, skip

    def forward(
        self, latent: Latent | Tensor | StyleCode, *, noise: Noise = "const", visit: Visit | None = None
    ) -> Rendering:
        """Synthesise the pictures of codes in W, W+ or S.

        latent: Latent, tensor (B, D) or (B, L, D), or StyleCode; LatentError otherwise.
        noise: "const" (the buffers), "random", or a list of maps broadcastable to (B, 1, H, W).
        visit: sees, and may replace, what each convolution reads; see :meth:`run`.
        """
        return StyleGAN2Synthesis(self.run(self.styles(latent), noise, visit)[1])

    def activations(self, latent: Latent | Tensor | StyleCode, *, noise: Noise = "const") -> StyleActivations:
        """What each layer reads on the way to the pictures of codes, and the pictures."""
        seen: list[Tensor] = []

        def record(_: int, x: Tensor, skip: Tensor | None) -> tuple[Tensor, Tensor | None]:
            seen.append(x)
            return x, skip

        last, image = self.run(self.styles(latent), noise, record)
        return StyleActivations(tuple(seen), (*seen[1::2], last), image[:, :3])

    def mix(self, first: Latent | Tensor, second: Latent | Tensor, crossover: int) -> Tensor:
        """Style mixing (B, L, D): the rows below ``crossover`` of the first code, the rest of the second.

        Raises ConfigError for a crossover outside 0..L.
        """
        if not 0 <= crossover <= self.config.rows:
            raise ConfigError(f"crossover lies in 0..{self.config.rows}, not at {crossover}")
        return torch.cat([self.wplus(first)[:, :crossover], self.wplus(second)[:, crossover:]], dim=1)

    def latent(self, data: Tensor | StyleCode, **metadata: object) -> Latent:
        """Wrap a code of this generator as a Latent: a StyleCode in S, a tensor in the space that its shape tells."""
        if isinstance(data, StyleCode):
            data.check_widths(self.config.conv_widths, self.config.rgb_widths)
            flat = data.flat()
            return Latent(flat, "s", self.layout, self.regions, self.fingerprint, (Past(metadata),) * len(flat))
        return super().latent(data, **metadata)

    def in_style_space(self, latent: Latent) -> Latent:
        """The same codes in S, with what is known of each."""
        if latent.space == "s":
            return latent
        return replace(latent, data=self.styles(latent).flat(), space="s")

    def stored(self) -> dict[str, Tensor]:
        """The weights, and the mean code that came with them."""
        mean = {} if self.latent_avg is None else {AVERAGE: self.latent_avg}
        return {**self.state_dict(), **mean}
