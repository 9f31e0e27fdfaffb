"""IR and IR-SE networks: the residual trunk of ArcFace (Deng et al. 2019), with squeeze and excitation (Hu et al. 2018)
or without.

One trunk serves the ReStyle-pSp encoder (six input channels) and the face-identity networks (three): ArcFace's IR-SE50
and CurricularFace's IR-101 (Huang et al. 2020). Module names are those of the published weight files, so that these
load strictly.
"""

import copy
from pathlib import Path
from typing import ClassVar

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.config import Config
from semedit.errors import CheckpointError
from semedit.networks.winograd import WideConv2d
from semedit.storage.pickled import read_pickle
from semedit.storage.weights import load_state


class IrTrunkConfig(Config):
    """Sizes of a trunk: the defaults are IR-SE50. Each stage halves the size in its first unit."""

    noun: ClassVar[str] = "trunk configuration"

    inputs: int = Field(3, ge=1, description="channels of the input: 3 of a picture, 6 of two")
    widths: tuple[int, ...] = Field((64, 128, 256, 512), description="channels of each stage")
    units: tuple[int, ...] = Field((3, 4, 14, 3), description="units of each stage")
    squeeze: int = Field(16, ge=0, description="reduction of the squeeze-and-excitation layers; 0: there are none")

    @model_validator(mode="after")
    def _check(self) -> "IrTrunkConfig":
        if len(self.widths) != len(self.units) or min(self.units) < 1:
            raise ValueError("a trunk needs as many stages in units as in widths, each of at least one unit")
        if self.squeeze and any(width % self.squeeze for width in self.widths):
            raise ValueError(f"widths must be divisible by squeeze ({self.squeeze}), not {self.widths}")
        return self


#: IR-101 (Deng et al. 2019, ResNet-100 with improved residual units).
IR101 = IrTrunkConfig(units=(3, 13, 30, 3), squeeze=0)


class SqueezeExcite(nn.Module):
    """Weights ``channels`` by what the whole picture says of them, through a layer ``reduction`` times narrower."""

    def __init__(self, channels: int, reduction: int):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate = x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(gate))))


class Unit(nn.Module):
    """BN, conv, PReLU, strided conv, BN, squeeze-excite; beside it the input, subsampled or projected. No activation
    after the sum.

    (B, ``in_ch``, H, W) -> (B, ``out_ch``, H / ``stride``, W / ``stride``); ``squeeze`` is the reduction of its last
    layer, 0 where it has none.
    """

    def __init__(self, in_ch: int, out_ch: int, stride: int, squeeze: int):
        super().__init__()
        self.stride = stride
        self.shortcut_layer = (
            nn.Sequential(nn.Conv2d(in_ch, out_ch, 1, stride, bias=False), nn.BatchNorm2d(out_ch))
            if in_ch != out_ch
            else None
        )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(in_ch),
            nn.Conv2d(in_ch, out_ch, 3, 1, 1, bias=False),
            nn.PReLU(out_ch),
            nn.Conv2d(out_ch, out_ch, 3, stride, 1, bias=False),
            nn.BatchNorm2d(out_ch),
            *([SqueezeExcite(out_ch, squeeze)] if squeeze else []),
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.shortcut_layer is not None:
            return self.res_layer(x) + self.shortcut_layer(x)
        return self.res_layer(x) + (x if self.stride == 1 else x[..., :: self.stride, :: self.stride])


class IrTrunk(nn.Module):
    """Pictures (B, inputs, S, S) -> (B, C, S / 2^stages, S / 2^stages); ``config`` has the sizes."""

    def __init__(self, config: IrTrunkConfig):
        super().__init__()
        self.config = config
        first = config.widths[0]
        self.input_layer = nn.Sequential(
            nn.Conv2d(config.inputs, first, 3, 1, 1, bias=False), nn.BatchNorm2d(first), nn.PReLU(first)
        )
        units, in_ch = [], first
        for width, count in zip(config.widths, config.units, strict=True):
            units += [Unit(in_ch, width, 2, config.squeeze)]
            units += [Unit(width, width, 1, config.squeeze) for _ in range(count - 1)]
            in_ch = width
        self.body = nn.Sequential(*units)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(self.input_layer(x))


def folded_trunk(trunk: nn.Module) -> nn.Module:
    """A copy for inference, frozen and channels-last, with every batch norm that follows a convolution folded into it.

    The norm at a unit's entry stays: the convolution after it pads with zeros, so its shift cannot move into a bias.
    Wide convolutions are done by Winograd's filtering where that is faster.
    """
    copied = copy.deepcopy(trunk).eval().requires_grad_(False)
    for module in copied.modules():
        if isinstance(module, nn.Sequential):
            _fold_sequence(module)
    return copied.to(memory_format=torch.channels_last)


def _fold_sequence(sequence: nn.Sequential) -> None:
    for index in range(len(sequence) - 1):
        conv, norm = sequence[index], sequence[index + 1]
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            sequence[index] = nn.utils.fuse_conv_bn_eval(conv, norm)
            sequence[index + 1] = nn.Identity()
    for index, module in enumerate(sequence):
        if isinstance(module, nn.Conv2d) and WideConv2d.suits(module):
            sequence[index] = WideConv2d(module)


class IrSeFace(nn.Module):
    """A face network: crops (B, 3, 112, 112) in [-1, 1] -> unit vectors (B, 512).

    ``config`` has the trunk's sizes (default: IR-SE50's, those of ArcFace's published weights); ``affine`` says whether
    the embedding's batch norm is learnt (CurricularFace's is not).
    """

    SIZE = 112

    def __init__(self, config: IrTrunkConfig | None = None, *, affine: bool = True):
        super().__init__()
        config = config or IrTrunkConfig()
        trunk = IrTrunk(config)
        self.input_layer, self.body = trunk.input_layer, trunk.body
        width, side = config.widths[-1], self.SIZE // 2 ** len(config.widths)
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(width), nn.Dropout(), nn.Flatten(), nn.Linear(width * side**2, 512),
            nn.BatchNorm1d(512, affine=affine),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.output_layer(self.body(self.input_layer(x))), dim=1)

    @classmethod
    def load(cls, path: str | Path, config: IrTrunkConfig | None = None, *, affine: bool = True) -> "IrSeFace":
        """Open a ``model_ir_se50.pth``, or another file of these keys, strictly, with tensors only.

        Raises CheckpointError.
        """
        state = read_pickle(path)
        if "output_layer.3.weight" not in state:
            raise CheckpointError(f"{path}: not an IR face network ('output_layer.3.weight' is missing)")
        network = cls(config, affine=affine)
        load_state(network, state, path)
        return network.eval().requires_grad_(False)
