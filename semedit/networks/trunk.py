"""A small residual trunk, shared by the domain networks that look at pictures (attributes, features, parser)."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.config import Config
from semedit.pictures.tensors import fit


class TrunkConfig(Config):
    """Sizes of a trunk; the defaults are those of the attribute classifier that ships."""

    noun: ClassVar[str] = "network configuration"

    size: int = Field(64, ge=1, description="side in px at which pictures are looked at")
    widths: tuple[int, ...] = Field((32, 64, 96, 128), description="channels of each stage, which halves the side")


class TrunkStage(nn.Module):
    """(B, ``in_ch``, H, W) -> (B, ``out_ch``, H/2, W/2): two 3x3 convolutions with batch norm, the first with stride 2,
    beside a strided 1x1 shortcut."""

    def __init__(self, in_ch: int, out_ch: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_ch, out_ch, 3, stride=2, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_ch)
        self.conv2 = nn.Conv2d(out_ch, out_ch, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_ch)
        self.shortcut = nn.Conv2d(in_ch, out_ch, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(h)) + self.shortcut(x))


class Trunk(nn.Module):
    """Pictures (B, 3, H, W) in [-1, 1] -> feature maps, one for each stage, finest first.

    ``config`` has the sizes. Pictures of another size are resized to ``config.size`` first (area when shrinking,
    bilinear when growing: all networks of this trunk are trained so, and none is read from others' files).
    """

    def __init__(self, config: TrunkConfig):
        super().__init__()
        self.config = config
        self.stem = nn.Conv2d(3, config.widths[0], 3, padding=1)
        inputs = (config.widths[0], *config.widths[:-1])
        self.stages = nn.ModuleList(TrunkStage(a, b) for a, b in zip(inputs, config.widths, strict=True))

    def forward(self, images: Tensor) -> list[Tensor]:
        x = F.relu(self.stem(fit(images, self.config.size).contiguous(memory_format=torch.channels_last)))
        maps = [x]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps
