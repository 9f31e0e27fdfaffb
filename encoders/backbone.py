"""The ReStyle-pSp encoder (Alaluf et al. 2021, https://arxiv.org/abs/2104.02699): a trunk, and a head for each row.

It sees the target beside the current reconstruction (six channels) and puts out a residual for every row of a W+ code.
All heads read the same last map. Narrow ones are computed as one: the first convolution of all heads is a single one
with as many outputs, the others are grouped. Wide ones, where grouping is slower, are products of matrices, of their
patches and the weights as they lie: a convolution would first put the weights in order, which for such small maps takes
as long as itself. While they learn they are looped over, each on a slice of the stacked weights.
"""

import copy
import math
from typing import ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.config import Config
from semedit.networks.irse import IrTrunk, IrTrunkConfig, folded_trunk
from semedit.pictures.tensors import Enlarging


class EncoderConfig(Config):
    """Sizes of an encoder; the defaults are those of the official one for SemanticStyleGAN (28 rows).

    ``size`` is the input's side in px; ``widths`` and ``units`` are those of the IR-SE trunk (ResNet-34 has its own).
    ``enlarging`` is part of the network: it reads smaller pictures as it was trained to. Files that do not name it hold
    encoders that were trained on smoothly enlarged ones; official encoders pool.
    """

    noun: ClassVar[str] = "encoder configuration"

    trunk: Literal["ir-se", "resnet34"] = "ir-se"
    size: int = Field(256, ge=32, le=4096)
    rows: int = Field(28, ge=1, le=4096)
    style_dim: int = Field(512, ge=1)
    widths: tuple[int, ...] = (64, 128, 256, 512)
    units: tuple[int, ...] = (3, 4, 14, 3)
    enlarging: Enlarging = Field("bilinear", description="how pictures below size come to it: bilinear, or pool")

    @model_validator(mode="after")
    def _check(self) -> "EncoderConfig":
        side = self.size // 2 ** len(self.stages)
        if side < 2 or side & (side - 1) or side * 2 ** len(self.stages) != self.size:
            raise ValueError(f"size must leave the heads a map whose side is a power of two, not {self.size} px")
        return self

    @property
    def stages(self) -> tuple[int, ...]:
        return (64, 128, 256, 512) if self.trunk == "resnet34" else self.widths

    @property
    def map_side(self) -> int:
        """Side of the map that the heads read."""
        return self.size // 2 ** len(self.stages)


class ResNetTrunk(nn.Module):
    """ResNet-34 (He et al. 2016) without its first pooling, with PReLU after the first convolution."""

    def __init__(self, inputs: int):
        super().__init__()
        from torchvision.models.resnet import BasicBlock

        self.conv1 = nn.Conv2d(inputs, 64, 7, 2, 3, bias=False)
        self.bn1, self.relu = nn.BatchNorm2d(64), nn.PReLU(64)
        blocks, in_ch = [], 64
        for width, count in ((64, 3), (128, 4), (256, 6), (512, 3)):
            for index in range(count):
                stride = 2 if index == 0 and width != 64 else 1
                project = (
                    nn.Sequential(nn.Conv2d(in_ch, width, 1, stride, bias=False), nn.BatchNorm2d(width))
                    if in_ch != width
                    else None
                )
                blocks.append(BasicBlock(in_ch, width, stride, project))
                in_ch = width
        self.body = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(self.relu(self.bn1(self.conv1(x))))


#: Heads of fewer channels than this are computed as one.
GROUPED_BELOW = 256


class StyleHeads(nn.Module):
    """L heads, one for each row of a code: strided 3x3 convolutions down to 1x1, each with LeakyReLU(0.01), then an
    equalised linear layer. They are computed as one.

    Stacked weights: convs (L C, C, 3, 3), linear (L, D, C).
    """

    def __init__(self, rows: int, channels: int, dim: int, side: int):
        super().__init__()
        self.rows, self.channels = rows, channels
        layers = int(math.log2(side))
        bound = 1 / math.sqrt(9 * channels)
        self.weights = nn.ParameterList(
            torch.empty(rows * channels, channels, 3, 3).uniform_(-bound, bound) for _ in range(layers)
        )
        self.biases = nn.ParameterList(torch.empty(rows * channels).uniform_(-bound, bound) for _ in range(layers))
        self.linear_weight = nn.Parameter(torch.randn(rows, dim, channels))
        self.linear_bias = nn.Parameter(torch.zeros(rows, dim))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, side, side) -> (B, L, D)."""
        if self.channels < GROUPED_BELOW:
            return self.grouped(x)
        return self.looped(x.contiguous()) if torch.is_grad_enabled() else self.multiplied(x)

    def grouped(self, x: Tensor) -> Tensor:
        groups = 1
        for weight, bias in zip(self.weights, self.biases, strict=True):
            x = F.leaky_relu(F.conv2d(x, weight, bias, stride=2, padding=1, groups=groups), 0.01)
            groups = self.rows
        return self.styles(x.reshape(x.shape[0], self.rows, self.channels).transpose(0, 1))

    def multiplied(self, x: Tensor) -> Tensor:
        """Each convolution as a product for each head: P points of B maps by 9 C, times 9 C by C."""
        maps = x[:, None]  # (B, 1 or L, C, h, w)
        for weight, bias in zip(self.weights, self.biases, strict=True):
            count, own = maps.shape[1], bias.view(self.rows, 1, self.channels)
            side = (maps.shape[-1] + 1) // 2
            patches = F.unfold(maps.flatten(0, 1), 3, padding=1, stride=2)  # (B L, 9 C, P)
            rows = patches.unflatten(0, (-1, count)).permute(1, 0, 3, 2).flatten(1, 2)  # (1 or L, B P, 9 C)
            kernels = weight.reshape(self.rows, self.channels, -1)
            if count == 1:
                y = torch.stack([F.linear(rows[0], kernel) for kernel in kernels.unbind()]) + own
            else:
                y = torch.baddbmm(own, rows, kernels.mT)
            maps = F.leaky_relu(y, 0.01).view(self.rows, len(x), side, side, -1).permute(1, 0, 4, 2, 3)
        return self.styles(maps.flatten(2).transpose(0, 1))

    def looped(self, x: Tensor) -> Tensor:
        codes = []
        for row in range(self.rows):
            own, y = slice(row * self.channels, (row + 1) * self.channels), x
            for weight, bias in zip(self.weights, self.biases, strict=True):
                y = F.leaky_relu(F.conv2d(y, weight[own], bias[own], stride=2, padding=1), 0.01)
            codes.append(y.flatten(1))
        return self.styles(torch.stack(codes))

    def styles(self, flat: Tensor) -> Tensor:
        """The linear layers on (L, B, C) -> (B, L, D)."""
        weight = self.linear_weight.transpose(1, 2) / math.sqrt(self.channels)
        return (torch.bmm(flat, weight) + self.linear_bias[:, None]).transpose(0, 1)


class ResidualEncoder(nn.Module):
    """Target and reconstruction (B, 6, S, S) in [-1, 1] -> residual of a W+ code (B, L, D)."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.config = config
        self.trunk: nn.Module = (
            ResNetTrunk(6)
            if config.trunk == "resnet34"
            else IrTrunk(IrTrunkConfig(inputs=6, widths=config.widths, units=config.units))
        )
        self.heads = StyleHeads(config.rows, config.stages[-1], config.style_dim, config.map_side)

    def forward(self, x: Tensor) -> Tensor:
        return self.heads(self.trunk(x.to(self.heads.linear_bias.dtype)))

    def for_inference(self, dtype: torch.dtype = torch.float32) -> "ResidualEncoder":
        """A frozen copy with its batch norms folded, channels-last, its weights in ``dtype``."""
        made = ResidualEncoder.__new__(ResidualEncoder)
        nn.Module.__init__(made)
        made.config, made.trunk = self.config, folded_trunk(self.trunk)
        made.heads = self.heads if dtype == torch.float32 else copy.deepcopy(self.heads)
        return made.eval().requires_grad_(False).to(dtype)


def widen_input(trunk: IrTrunk, rgb: Tensor) -> None:
    """Give a six-channel trunk the first convolution (O, 3, 3, 3) of a face network.

    Channels 0-2 are the network's; 3-5 stay N(0, 1), as in the released code.
    """
    weight = trunk.input_layer[0].weight
    assert isinstance(weight, nn.Parameter)
    with torch.no_grad():
        weight.normal_()
        weight[:, :3] = rgb
