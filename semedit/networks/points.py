"""Local generators at points, as formulas: layers, pseudo-depth and blend (Shi et al. 2022, sections 3.2 and 3.3).

Shapes: B batch, R regions, L' local layers, C local channels, F coarse channels, P points.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from semedit.networks.ops import leaky

#: Depths (B, R, P) and what takes part -> masks and blending weights (B, R, P); see SemanticGenerator.composite.
Composite = Callable[[Tensor, Tensor | None], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Coarse:
    """Fused features (B, F, P), masks (B, R, P) and depths (B, R, P)."""

    features: Tensor
    masks: Tensor
    depths: Tensor


@dataclass(frozen=True)
class PointNetworks:
    """The local generators of a batch of codes as tensors, all scales and gains included.

    weights (L', B, R, C, C); biases (L', R, C); depth_heads (R, C) and depth_bias (R,), zero for the background;
    feature_heads (F, R C) and feature_bias (F, R). ``depth_layers`` stand in front of the depth heads; behind them the
    gradient of all regions from ``held`` on stops (R: of none).
    """

    weights: Tensor
    biases: Tensor
    depth_heads: Tensor
    depth_bias: Tensor
    feature_heads: Tensor
    feature_bias: Tensor
    depth_layers: int
    held: int

    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(value for field in fields(self) if isinstance(value := getattr(self, field.name), Tensor))

    def of(self, tensors: tuple[Tensor, ...]) -> "PointNetworks":
        """The same networks with other tensors."""
        names = [field.name for field in fields(self)][: len(tensors)]
        changed: dict[str, Any] = dict(zip(names, tensors, strict=True))
        return replace(self, **changed)

    def to(self, dtype: torch.dtype) -> "PointNetworks":
        """What products are made of, in ``dtype``; depths are summed up in float32 at least."""
        cast = [tensor if tensor is self.depth_bias else tensor.to(dtype) for tensor in self.tensors()]
        return self.of(tuple(cast))

    def depth(self, x: Tensor) -> Tensor:
        """Pseudo-depths (B, R, P), zero for the background, of features (B, R, C, P)."""
        depths = shared_bmm(self.depth_heads[:, None], x)[:, :, 0]
        return depths.to(self.depth_bias.dtype) + self.depth_bias[:, None]

    def layers(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, R, C, P) and depths (B, R, P) at embedded points (C, P) or (B, R or 1, C, P)."""
        # Taken apart at once: indexing would make a full-size gradient for every layer.
        weights, biases = self.weights.unbind(0), self.biases[..., None].unbind(0)
        batch, regions, channels, _ = weights[0].shape
        if points.dim() == 2:  # one picture of coordinates for everybody: the first layer is a single product
            x = torch.matmul(weights[0].reshape(-1, channels), points).view(batch, regions, channels, -1)
        else:
            x = torch.matmul(weights[0], points)
        x = leaky(x + biases[0])
        depths = self.depth(x) if self.depth_layers == 1 else None
        for layer in range(1, len(weights)):
            if layer == self.depth_layers and self.held < regions:
                x = torch.cat([x[:, : self.held], x[:, self.held :].detach()], dim=1)
            bias = biases[layer].expand(batch, -1, -1, -1).flatten(0, 1)  # (B R, C, 1)
            # In place before the view, not on it: autograd would copy the base for a change through a view.
            x = leaky(torch.baddbmm(bias, weights[layer].flatten(0, 1), x.flatten(0, 1))).view_as(x)
            if layer == self.depth_layers - 1:
                depths = self.depth(x)
        assert depths is not None  # depth_layers lies in 1..layers
        return x, depths

    def blend(self, x: Tensor, weights: Tensor) -> Tensor:
        """Fused features (B, F, P) = sum_k weights_k to_feat_k(x_k), of x (B, R, C, P) and weights (B, R, P)."""
        weights = weights.to(x.dtype)
        weighted = (x * weights[:, :, None]).flatten(1, 2)  # (B, R C, P)
        return shared_bmm(self.feature_heads, weighted) + shared_bmm(self.feature_bias, weights)

    def plain(self, points: Tensor, composite: Composite, taking_part: Tensor | None) -> Coarse:
        """Everything at all points at once."""
        x, depths = self.layers(points)
        masks, weights = composite(depths, taking_part)
        return Coarse(self.blend(x, weights), masks, depths)


def shared_bmm(weight: Tensor, x: Tensor) -> Tensor:
    """weight (..., I, J), shared by the batch, times x (B, ..., J, P), as one batched product.

    ``torch.matmul`` would fold the batch into a copy of ``x`` first.
    """
    expanded = weight.expand(*x.shape[: x.dim() - weight.dim()], *weight.shape)
    return torch.bmm(expanded.flatten(0, -3), x.flatten(0, -3)).unflatten(0, x.shape[:-2])
