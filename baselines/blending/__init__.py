"""Blending in space: activations or gradients of a reference, within a mask. What local edits are compared with."""

from baselines.blending.editors import (
    BlendingEditor,
    FeatureBlending,
    FeatureBlendingConfig,
    PoissonBlending,
    PoissonConfig,
    region_masks,
)
from baselines.blending.features import blend_features
from baselines.blending.poisson import blend_poisson
from baselines.blending.semantic import blend_semantic_features

__all__ = [
    "BlendingEditor",
    "FeatureBlending",
    "FeatureBlendingConfig",
    "PoissonBlending",
    "PoissonConfig",
    "blend_features",
    "blend_poisson",
    "blend_semantic_features",
    "region_masks",
]
