"""The losses of a FusionNet (StyleFusion, section 4.3), each as a value (B,) for each picture.

The paper's supplement, with weights, powers of norms and the strength of perturbation, was not available; norms are
taken as written (their square root included), and gates by their mean instead of their sum.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from baselines.editing_in_style.contributions import Resize, normalised, resize_maps, shares
from baselines.stylegan2 import StyleActivations, StyleCode


def mask_loss(masks: Tensor, layout: Tensor) -> Tensor:
    """How far masks (B, G, h, w) are from those of the layout's picture, as a share of their area (equation 3)."""
    area = layout.abs().flatten(1).sum(1).clamp(min=1.0)
    return (masks - layout).abs().flatten(1).sum(1) / area


def local_loss(image: Tensor, first_changed: Tensor, second_changed: Tensor, masks: Tensor) -> Tensor:
    """What a small change of either code does in the other's region (equation 5).

    image: (B, 3, H, W) of the fused code; ``first_changed``, ``second_changed``: with that code perturbed; masks
    (B, 2, H, W) of the two regions in ``image``.
    """
    total = torch.zeros_like(image[:, 0, 0, 0])
    for changed, other in ((first_changed, masks[:, 1:]), (second_changed, masks[:, :1])):
        norm = torch.linalg.vector_norm((other * (image - changed)).flatten(1), dim=1)
        total = total + norm / other.flatten(1).sum(1).clamp(min=1.0)
    return total


def alignment_penalty(gates: Tensor) -> Tensor:
    """The mean of gates (B, G, W) in (0, 1), that the layout's code may not take over everything (equation 6)."""
    return gates.flatten(1).mean(1)


def channel_weights(contributions: StyleCode) -> StyleCode:
    """w (B, C_i) = 2 max(M, 1/2) - 1 of the contributions of each channel to a region (equation 8)."""
    return contributions.map(lambda m: 2 * m.clamp(min=0.5) - 1)


def fusion_loss(result: StyleCode, sources: Sequence[StyleCode], weights: Sequence[StyleCode]) -> Tensor:
    """How far the fused code is from each source in the channels that make up its region (equation 7)."""
    missed = [w.flat() * (result.flat() - source.flat()) for source, w in zip(sources, weights, strict=True)]
    return torch.stack([torch.linalg.vector_norm(one, dim=1) for one in missed]).sum(0)


def contributions_of(activations: StyleActivations, mask: Tensor, resize: Resize = "nearest") -> StyleCode:
    """M (B, C_i) of each channel of each layer, RGB heads included, to the region of a mask (B, 1, h, w), picture by
    picture (equation 1)."""

    def share(layer: Tensor) -> Tensor:
        maps = resize_maps(mask.to(layer), (layer.shape[2], layer.shape[3]), resize)
        return shares(normalised(layer), maps)[:, 0]

    return StyleCode(tuple(map(share, activations.conv)), tuple(map(share, activations.rgb)))
