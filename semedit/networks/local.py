"""The local generators of SemanticStyleGAN (Shi et al. 2022, section 3.2), all R as one computation.

Departures in form, none in value: one batched product over stacked weights instead of a loop over regions; the feature
heads are applied after the blending weights (they are linear), so the B x R x F x h x w feature tensor never exists.

Shapes: B batch, R regions, L' local layers, D style width, C local channels, F coarse channels, P = h * w points.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.networks.ops import SQRT2, fourier_features
from semedit.networks.points import Coarse, Composite, PointNetworks, shared_bmm
from semedit.networks.precision import working_dtype
from semedit.networks.tiles import composed, layers


class LocalGenerators(nn.Module):
    """All R local generators as one: modulated 1x1 layers on Fourier features, with depth and feature heads.

    A 1x1 modulated layer is a matrix product, so the R networks are R slices of one stacked weight, and a layer of the
    whole batch is one batched product of (B R, C, C) by (B R, C, P). Modulating and demodulating the C x C matrices
    touches C^2 numbers a sample where modulating activations would touch C P; no grouped convolution is involved.
    Region 0 (background) owns no depth head: its depth is zero everywhere.

    ``regions`` R; ``layers`` L' of each, the first ``depth_layers`` in front of the depth heads; ``channels`` C;
    ``style_dim`` D; ``coarse_channels`` F, what the feature heads put out; ``frequencies`` octaves of the position
    embedding; ``detach_texture`` stops the gradient behind the depth heads, except in the background.
    """

    def __init__(
        self,
        *,
        regions: int,
        layers: int,
        depth_layers: int,
        channels: int,
        style_dim: int,
        coarse_channels: int,
        frequencies: int,
        detach_texture: bool,
    ):
        super().__init__()
        self.depth_layers, self.detach_texture, self.frequencies = depth_layers, detach_texture, frequencies
        #: Whether region 0, without a depth head, is among the regions.
        self.background = True
        inputs = 2 * (2 * frequencies + 1)
        self.embedding = nn.Parameter(torch.randn(channels, inputs))
        stack = (layers, regions)
        self.weight = nn.Parameter(torch.randn(*stack, channels, channels))
        self.style_weight = nn.Parameter(torch.randn(*stack, channels, style_dim))
        self.style_bias = nn.Parameter(torch.ones(*stack, channels))
        self.bias = nn.Parameter(torch.zeros(*stack, channels))
        self.feature_weight = nn.Parameter(torch.randn(regions, coarse_channels, channels))
        self.feature_modulation = nn.Parameter(torch.ones(regions, channels))
        self.feature_bias = nn.Parameter(torch.zeros(regions, coarse_channels))
        self.depth_weight = nn.Parameter(torch.randn(regions - 1, channels))
        self.depth_modulation = nn.Parameter(torch.ones(regions - 1, channels))
        self.depth_bias = nn.Parameter(torch.zeros(regions - 1))

    def embed(self, coords: Tensor) -> Tensor:
        """Position embedding (..., C, P) of coordinates (..., 2, h, w); shared by all regions."""
        features = fourier_features(coords, self.frequencies).flatten(-2)
        return torch.matmul(self.embedding / math.sqrt(self.embedding.shape[1]), features)

    def modulated_weights(self, codes: Tensor) -> Tensor:
        """Per-sample layer matrices (L', B, R, C, C) of an expanded code (B, R, L', D), gain sqrt(2) included."""
        rows = codes.permute(2, 1, 0, 3)  # (L', R, B, D)
        styles = torch.matmul(rows, self.style_weight.transpose(-1, -2) / math.sqrt(codes.shape[-1]))
        styles = (styles + self.style_bias[:, :, None]).transpose(1, 2)  # (L', B, R, C)
        scaled = self.weight / math.sqrt(self.weight.shape[-1])
        power = torch.matmul(styles.square()[..., None, :], scaled.square().transpose(-1, -2)[:, None])[..., 0, :]
        gain = SQRT2 * torch.rsqrt(power + 1e-8)  # (L', B, R, C), the demodulation of each output channel
        return scaled[:, None] * styles[..., None, :] * gain[..., None]

    def at(self, codes: Tensor) -> PointNetworks:
        """The networks of an expanded code (B, R, L', D), in the precision of autocast."""
        channels, first = self.weight.shape[-1], int(self.background)
        heads = self.depth_weight * self.depth_modulation / math.sqrt(channels)
        networks = PointNetworks(
            weights=self.modulated_weights(codes),
            biases=self.bias * SQRT2,
            depth_heads=F.pad(heads, (0, 0, first, 0)),
            depth_bias=F.pad(self.depth_bias, (first, 0)),
            feature_heads=self.feature_heads(),
            feature_bias=self.feature_bias.T,
            depth_layers=self.depth_layers,
            held=1 if self.detach_texture else self.bias.shape[1],
        )
        return networks.to(working_dtype(self.weight))

    def points(self, coords: Tensor) -> Tensor:
        """Embedded points (..., C, P) of coordinates (..., 2, h, w), in the precision of autocast."""
        return self.embed(coords).to(working_dtype(self.weight))

    def forward(self, codes: Tensor, coords: Tensor) -> tuple[Tensor, Tensor]:
        """Texture features x (B, R, C, P) and depths (B, R, P) of an expanded code (B, R, L', D).

        ``coords`` is (2, h, w), shared, or (B, R or 1, 2, h, w).
        """
        return layers(self.at(codes), self.points(coords))

    def composed(
        self, codes: Tensor, coords: Tensor, composite: Composite, taking_part: Tensor | None = None
    ) -> Coarse:
        """Fused features, masks and depths of an expanded code, likewise, put together by ``composite``;
        ``taking_part`` (B, R, P) or (B, R, 1) of 0 and 1."""
        return composed(self.at(codes), self.points(coords), composite, taking_part)

    def part(self, regions: Sequence[int]) -> "LocalGenerators":
        """The networks of some regions alone, ascending, with frozen copies of their weights."""
        chosen, foreground = list(regions), [region - 1 for region in regions if region]
        made = LocalGenerators.__new__(LocalGenerators)
        nn.Module.__init__(made)
        for name in ("depth_layers", "detach_texture", "frequencies"):
            setattr(made, name, getattr(self, name))
        made.background = self.background and 0 in chosen
        for name, parameter in self.named_parameters():
            if name == "embedding":
                own = parameter.detach()
            elif name.startswith("depth_"):
                own = parameter.detach()[foreground]
            else:
                own = parameter.detach()[chosen] if name.startswith("feature_") else parameter.detach()[:, chosen]
            setattr(made, name, nn.Parameter(own.clone(), requires_grad=False))
        return made.eval()

    def blend(self, x: Tensor, weights: Tensor) -> Tensor:
        """Fused features (B, F, P) = sum_k weights_k to_feat_k(x_k), of x (B, R, C, P) and weights (B, R, P)."""
        weighted = (x * weights[:, :, None].to(x.dtype)).flatten(1, 2)  # (B, R C, P)
        return shared_bmm(self.feature_heads(), weighted) + shared_bmm(self.feature_bias.T, weights)

    def feature_heads(self) -> Tensor:
        """The feature heads side by side, (F, R C)."""
        heads = self.feature_weight * (self.feature_modulation / math.sqrt(self.weight.shape[-1]))[:, None]
        return heads.transpose(0, 1).flatten(1)
