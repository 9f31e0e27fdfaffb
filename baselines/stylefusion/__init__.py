"""StyleFusion: several style codes become one, each of which rules a region of the picture."""

from baselines.stylefusion.checkpoint import load_fusion_net, save_fusion_net, to_official
from baselines.stylefusion.fusion_net import AlignedCode, FusionConfig, FusionNet, LatentBlender, layer_code
from baselines.stylefusion.hierarchy import PRESETS, TREES, Hierarchy
from baselines.stylefusion.objective import (
    SCHEDULES,
    Draw,
    FusionLossConfig,
    FusionStage,
    Scene,
    schedule,
    set_learning,
    stage_terms,
    total,
)
from baselines.stylefusion.regions import FusionRegions, LearntRegions, learn_regions

__all__ = [
    "PRESETS",
    "SCHEDULES",
    "TREES",
    "AlignedCode",
    "Draw",
    "FusionConfig",
    "FusionLossConfig",
    "FusionNet",
    "FusionRegions",
    "FusionStage",
    "Hierarchy",
    "LatentBlender",
    "LearntRegions",
    "Scene",
    "layer_code",
    "learn_regions",
    "load_fusion_net",
    "save_fusion_net",
    "schedule",
    "set_learning",
    "stage_terms",
    "to_official",
    "total",
]
