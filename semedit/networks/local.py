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

from semedit.networks.ops import SQRT2, fourier_features, leaky

#: Points that a CPU takes through all local layers at once where it learns nothing.
TILE = 512


def shared_bmm(weight: Tensor, x: Tensor) -> Tensor:
    """weight (..., I, J), shared by the batch, times x (B, ..., J, P), as one batched product.

    ``torch.matmul`` would fold the batch into a copy of ``x`` first.
    """
    expanded = weight.expand(*x.shape[: x.dim() - weight.dim()], *weight.shape)
    return torch.bmm(expanded.flatten(0, -3), x.flatten(0, -3)).unflatten(0, x.shape[:-2])


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

    def forward(self, codes: Tensor, coords: Tensor) -> tuple[Tensor, Tensor]:
        """Texture features x (B, R, C, P) and depths (B, R, P) of an expanded code (B, R, L', D).

        ``coords`` is (2, h, w), shared, or (B, R, 2, h, w). Where no gradient is asked for, the CPU takes TILE points
        of many at a time through all layers: their activations stay in its caches.
        """
        # Taken apart at once: indexing would make a full-size gradient for every layer.
        weights, biases = self.modulated_weights(codes).unbind(0), (self.bias * SQRT2)[..., None].unbind(0)
        points = self.embed(coords)
        if points.shape[-1] < 4 * TILE or torch.is_grad_enabled() or points.device.type != "cpu":
            return self.layers(weights, biases, points)
        tiles = [self.layers(weights, biases, tile) for tile in points.split(TILE, dim=-1)]
        return torch.cat([x for x, _ in tiles], dim=-1), torch.cat([depths for _, depths in tiles], dim=-1)

    def layers(self, weights: tuple[Tensor, ...], biases: tuple[Tensor, ...], points: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, R, C, P) and depths (B, R, P) at embedded points ((B, R,) C, P), of the matrices (B, R, C, C)
        and biases (R, C, 1) of each layer."""
        batch, regions, channels, _ = weights[0].shape
        if points.dim() == 2:  # one picture of coordinates for everybody: the first layer is a single product
            x = torch.matmul(weights[0].reshape(-1, channels), points).view(batch, regions, channels, -1)
        else:
            x = torch.matmul(weights[0], points)
        x = leaky(x + biases[0].to(x.dtype))
        depths = self.depth(x) if self.depth_layers == 1 else None
        for layer in range(1, len(weights)):
            if layer == self.depth_layers and self.detach_texture:
                x = torch.cat([x[:, :1], x[:, 1:].detach()], dim=1)
            bias = biases[layer].expand(batch, -1, -1, -1).flatten(0, 1)  # (B R, C, 1)
            # In place before the view, not on it: autograd would copy the base for a change through a view.
            x = leaky(torch.baddbmm(bias, weights[layer].flatten(0, 1), x.flatten(0, 1))).view_as(x)
            if layer == self.depth_layers - 1:
                depths = self.depth(x)
        assert depths is not None  # depth_layers lies in 1..layers
        return x, depths

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

    def depth(self, x: Tensor) -> Tensor:
        """Pseudo-depth maps (B, R, P), zero for the background, of features (B, R, C, P)."""
        first = int(self.background)
        heads = self.depth_weight * self.depth_modulation / math.sqrt(x.shape[2])
        heads, bias = F.pad(heads, (0, 0, first, 0)), F.pad(self.depth_bias, (first, 0))  # (R, C), (R,)
        return shared_bmm(heads[:, None], x).float()[:, :, 0] + bias[:, None]

    def blend(self, x: Tensor, weights: Tensor) -> Tensor:
        """Fused features (B, F, P) = sum_k weights_k to_feat_k(x_k), of x (B, R, C, P) and weights (B, R, P)."""
        heads = self.feature_weight * (self.feature_modulation / math.sqrt(x.shape[2]))[:, None]  # (R, F, C)
        weighted = (x * weights[:, :, None].to(x.dtype)).flatten(1, 2)  # (B, R C, P)
        stacked = heads.transpose(0, 1).flatten(1)  # (F, R C)
        return shared_bmm(stacked, weighted) + shared_bmm(self.feature_bias.T, weights)
