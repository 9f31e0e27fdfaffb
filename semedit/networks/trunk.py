"""A small residual trunk, shared by the domain networks that look at pictures (attributes, features, parser)."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.config import Config
from semedit.pictures.tensors import fit


class TrunkConfig(Config):
    """Input size in px and the width of each stage; every stage halves the size."""

    noun: ClassVar[str] = "network configuration"

    size: int = 64
    widths: tuple[int, ...] = (32, 64, 96, 128)


class Stage(nn.Module):
    """Two 3x3 convolutions with batch norm, the first with stride 2, beside a strided 1x1 shortcut."""

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

    Pictures of another size are resized to ``config.size`` first (area when shrinking, bilinear when growing).
    """

    def __init__(self, config: TrunkConfig):
        super().__init__()
        self.config = config
        self.stem = nn.Conv2d(3, config.widths[0], 3, padding=1)
        inputs = (config.widths[0], *config.widths[:-1])
        self.stages = nn.ModuleList(Stage(a, b) for a, b in zip(inputs, config.widths, strict=True))

    def forward(self, images: Tensor) -> list[Tensor]:
        x = F.relu(self.stem(fit(images, self.config.size).contiguous(memory_format=torch.channels_last)))
        maps = [x]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps
