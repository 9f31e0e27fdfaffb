"""Local generators at points, as a CPU computes them: tile by tile.

What comes out at a point depends on no other point. So a tile of them goes through layers, soft z-buffer and blend,
forward and backward, while its activations lie in the caches; the weighted features of all regions never exist as a
whole. The backward pass, in float32, is written by hand; where a second derivative is asked for, it is the plain
formulation's.

Shapes: B batch, R regions, L' local layers, C local channels, F coarse channels, P points, T those of a tile.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from semedit.networks.ops import leaky, leaky_backward
from semedit.networks.points import Coarse, Composite, PointNetworks

#: Bytes of a channel's values at the points that go through all layers at once.
TILE = 4096
#: Bytes of a number from which on a tile's gradients are its own: in bf16 products are so fast that what they wait for
#: is activations and sums, which take as long in tiles.
LEARNT_IN_TILES = 4


def composed(net: PointNetworks, points: Tensor, composite: Composite, taking_part: Tensor | None = None) -> Coarse:
    """Fused features, masks and depths at embedded points (C, P), or (B, R or 1, C, P).

    ``composite`` puts regions together; ``taking_part`` is (B, R, P) or (B, R, 1), of 0 and 1.
    """
    if not worth_tiles(points) or (torch.is_grad_enabled() and points.element_size() < LEARNT_IN_TILES):
        return net.plain(points, composite, taking_part)
    return Coarse(*_Tiled.apply(net, composite, taking_part, points, *net.tensors()))


def layers(net: PointNetworks, points: Tensor) -> tuple[Tensor, Tensor]:
    """The networks' :meth:`~PointNetworks.layers`, in tiles where a CPU is asked for no gradient."""
    if torch.is_grad_enabled() or not worth_tiles(points):
        return net.layers(points)
    (_, batch, regions, channels, _), count = net.weights.shape, points.shape[-1]
    x = net.weights.new_empty(batch, regions, channels, count)
    depths = net.depth_bias.new_empty(batch, regions, count)
    with torch.autocast("cpu", enabled=False):
        for tile in tiles(batch, points):
            made, depths[tile.index, :, tile.span] = tile_layers(net, tile, points)
            x[tile.index, :, :, tile.span] = made[-1]
    return x, depths


@dataclass(frozen=True)
class _Tile:
    """Points ``span`` of sample ``index``."""

    index: int
    span: slice

    def of(self, x: Tensor) -> Tensor:
        """That part of (B, ..., P)."""
        return x[self.index][..., self.span]

    def points(self, points: Tensor) -> Tensor:
        """Its embedded points, (C, T) where all regions share them, else (R, C, T)."""
        own = points[..., self.span] if points.dim() == 2 else self.of(points)
        return own[0] if own.dim() == 3 and len(own) == 1 else own

    def taking_part(self, given: Tensor | None) -> Tensor | None:
        if given is None:
            return None
        return given[self.index, None] if given.shape[-1] == 1 else self.of(given)[None]


def width(points: Tensor) -> int:
    """How many embedded points (..., P) a tile has."""
    return TILE // points.element_size()


def worth_tiles(points: Tensor) -> bool:
    """Whether embedded points are computed in tiles: several, on a CPU, by torch itself."""
    return points.device.type == "cpu" and points.shape[-1] >= 2 * width(points) and not torch.compiler.is_compiling()


def tiles(batch: int, points: Tensor) -> list[_Tile]:
    """All tiles of ``batch`` samples at embedded points (..., P)."""
    starts = range(0, points.shape[-1], width(points))
    spans = [slice(start, min(start + width(points), points.shape[-1])) for start in starts]
    return [_Tile(index, span) for index in range(batch) for span in spans]


class _Tiled(torch.autograd.Function):
    """All of :func:`composed` as one step of autograd."""

    @staticmethod
    def forward(ctx: Any, networks: PointNetworks, composite: Composite, taking_part: Tensor | None, points: Tensor,
                *tensors: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        net = networks.of(tensors)
        (_, batch, regions, _, _), count = net.weights.shape, points.shape[-1]
        features = net.weights.new_empty(batch, count, len(net.feature_heads))
        masks, depths = (net.depth_bias.new_empty(batch, regions, count) for _ in range(2))
        learns, kept = any(ctx.needs_input_grad), list[Tensor]()
        with torch.autocast("cpu", enabled=False):
            for tile in tiles(batch, points):
                made, depth = tile_layers(net, tile, points)
                mask, weights = composite(depth[None], tile.taking_part(taking_part))
                weighted = made[-1] * weights[0, :, None].to(made[-1].dtype)
                features[tile.index, tile.span] = blended(net, weighted, weights[0])
                masks[tile.index, :, tile.span], depths[tile.index, :, tile.span] = mask[0], depth
                kept += made if learns else []
        if learns:
            ctx.networks, ctx.composite, ctx.taking_part = networks, composite, taking_part
            ctx.save_for_backward(points, *tensors, depths, *kept)
        return features.transpose(1, 2), masks, depths

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        networks, wanted = ctx.networks, ctx.needs_input_grad[3:]
        points, *saved = ctx.saved_tensors
        count = len(networks.tensors())
        inputs, depths, kept = (points, *saved[:count]), saved[count], saved[count + 1 :]
        if torch.is_grad_enabled():
            found = _plain_gradients(ctx, inputs, gradients, wanted)
        else:
            with torch.autocast("cpu", enabled=False):
                back = _Backward(networks.of(inputs[1:]), points, wanted)
                for number, tile in enumerate(tiles(len(depths), points)):
                    own = kept[number * len(networks.weights) : (number + 1) * len(networks.weights)]
                    back.tile(tile, own, depths, ctx.composite, tile.taking_part(ctx.taking_part), gradients)
                found = back.gradients()
        return None, None, None, *found


def _plain_gradients(ctx: Any, inputs: tuple[Tensor, ...], gradients: tuple[Tensor, ...],
                     wanted: tuple[bool, ...]) -> tuple[Tensor | None, ...]:  # fmt: skip
    """The gradients of the plain formulation, themselves differentiable."""
    leaves = [tensor.view_as(tensor) for tensor in inputs]
    with torch.autocast("cpu", enabled=False):
        coarse = ctx.networks.of(tuple(leaves[1:])).plain(leaves[0], ctx.composite, ctx.taking_part)
        chosen = [leaf for leaf, asked in zip(leaves, wanted, strict=True) if asked]
        outputs = coarse.features, coarse.masks, coarse.depths
        found = iter(torch.autograd.grad(outputs, chosen, gradients, create_graph=True, allow_unused=True))
    return tuple(next(found) if asked else None for asked in wanted)


def tile_layers(net: PointNetworks, tile: _Tile, points: Tensor) -> tuple[list[Tensor], Tensor]:
    """The features (R, C, T) that each layer puts out at a tile, and its depths (R, T)."""
    weights, own = net.weights[:, tile.index], tile.points(points)
    regions, channels = net.biases.shape[1:]
    if own.dim() == 2:
        x = torch.mm(weights[0].reshape(-1, channels), own).view(regions, channels, -1)
    else:
        x = torch.bmm(weights[0], own)
    made = [leaky(x.add_(net.biases[0, :, :, None]))]
    for layer in range(1, len(weights)):
        made.append(leaky(torch.baddbmm(net.biases[layer, :, :, None], weights[layer], made[-1])))
    depths = torch.bmm(net.depth_heads[:, None], made[net.depth_layers - 1])[:, 0]
    return made, depths.to(net.depth_bias.dtype) + net.depth_bias[:, None]


def blended(net: PointNetworks, weighted: Tensor, weights: Tensor) -> Tensor:
    """Fused features (T, F) of weighted ones (R, C, T) and weights (R, T)."""
    fused = torch.mm(weighted.flatten(0, 1).T, net.feature_heads.T)
    return fused.addmm_(weights.T.to(fused.dtype), net.feature_bias.T)


class _Backward:
    """Sums of gradients over tiles, of points and of a PointNetworks' tensors where ``wanted`` says so."""

    def __init__(self, net: PointNetworks, points: Tensor, wanted: tuple[bool, ...]):
        self.net, self.points, self.wanted = net, points, wanted
        self.inputs = (points, *net.tensors())
        self.sums = [
            torch.zeros_like(x, dtype=net.depth_bias.dtype) if asked else x.new_empty(0)
            for x, asked in zip(self.inputs, wanted, strict=True)
        ]

    def gradients(self) -> tuple[Tensor | None, ...]:
        found = zip(self.sums, self.inputs, self.wanted, strict=True)
        return tuple(total.to(x.dtype) if asked else None for total, x, asked in found)

    def tile(self, tile: _Tile, kept: list[Tensor], depths: Tensor, composite: Composite, taking_part: Tensor | None,
             gradients: tuple[Tensor, ...]) -> None:  # fmt: skip
        """Add a tile's, of the features that its layers put out, all depths, and the outputs' gradients."""
        net, last = self.net, kept[-1]
        for_features, for_masks, for_depths = (tile.of(gradient) for gradient in gradients)
        depth = tile.of(depths)[None].detach().requires_grad_()
        with torch.enable_grad():
            masks, weights = composite(depth, taking_part)
        own = weights.detach()[0].to(last.dtype)
        # The blend: what reaches the weighted features, from there the weights and the features.
        g = torch.mm(net.feature_heads.T, for_features).view_as(last)  # (R, C, T)
        for_weights = torch.mm(net.feature_bias.T, for_features).to(depth.dtype) + (g * last).sum(1, dtype=depth.dtype)
        if self.wanted[5]:
            weighted = (last * own[:, None]).flatten(0, 1)
            self.sums[5] += torch.mm(for_features, weighted.T)
            self.sums[6] += torch.mm(for_features, own.T)
        (for_depth,) = torch.autograd.grad((masks, weights), depth, (for_masks[None], for_weights[None]))
        self.layers(tile, kept, g.mul_(own[:, None]), for_depth[0] + for_depths)

    def layers(self, tile: _Tile, kept: list[Tensor], g: Tensor, for_depth: Tensor) -> None:
        """From the gradients of the last layer's features (R, C, T) and of depths (R, T) down to the points."""
        net, weights = self.net, self.net.weights[:, tile.index]
        for layer in range(len(kept) - 1, -1, -1):
            x = kept[layer]
            if layer == net.depth_layers - 1:
                if layer < len(kept) - 1:
                    g[net.held :] = 0
                low = for_depth.to(x.dtype)[:, None]  # (R, 1, T)
                g = torch.baddbmm(g, net.depth_heads[:, :, None], low)
                if self.wanted[3]:
                    self.sums[3] += torch.bmm(x, low.mT)[:, :, 0]
                    self.sums[4] += for_depth.sum(-1)
            g = leaky_backward(g, x)
            if self.wanted[2]:
                self.sums[2][layer] += g.sum(-1)
            if layer:
                self.sums[1][layer, tile.index] += torch.bmm(g, kept[layer - 1].mT)
                g = torch.bmm(weights[layer].mT, g)
        self.first(tile, g, weights[0])

    def first(self, tile: _Tile, g: Tensor, weight: Tensor) -> None:
        """The first layer, of the gradient (R, C, T) in front of its activation."""
        points, total = tile.points(self.points), self.sums[1][0, tile.index]
        if points.dim() == 2:
            flat, stacked = g.flatten(0, 1), weight.flatten(0, 1)
            total += torch.mm(flat, points.T).view_as(weight)
            below = torch.mm(stacked.T, flat) if self.wanted[0] else None
        else:
            total += torch.bmm(g, points.mT)
            below = torch.bmm(weight.mT, g) if self.wanted[0] else None
        if below is not None:
            tile.points(self.sums[0]).add_(below)
