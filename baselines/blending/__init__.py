"""Blending in space: activations or gradients of a reference, within a mask. What local edits are compared with."""

from baselines.blending.features import blend_features
from baselines.blending.poisson import blend_poisson

__all__ = ["blend_features", "blend_poisson"]
