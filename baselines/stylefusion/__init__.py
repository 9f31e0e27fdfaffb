"""StyleFusion: several style codes become one, each of which rules a region of the picture."""

from baselines.stylefusion.checkpoint import load_fusion_net, save_fusion_net, to_official
from baselines.stylefusion.config import OURS, FusionTrainConfig
from baselines.stylefusion.editor import FusionTransfer
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
from baselines.stylefusion.recipes import RECIPES, open_fusion, recipe_for
from baselines.stylefusion.regions import FusionRegions, LearntRegions, learn_regions
from baselines.stylefusion.stored import FILE, StoredFusion, load_fusion, save_fusion
from baselines.stylefusion.training import train_fusion

__all__ = [
    "FILE",
    "OURS",
    "PRESETS",
    "RECIPES",
    "SCHEDULES",
    "TREES",
    "AlignedCode",
    "Draw",
    "FusionConfig",
    "FusionLossConfig",
    "FusionNet",
    "FusionRegions",
    "FusionStage",
    "FusionTrainConfig",
    "FusionTransfer",
    "Hierarchy",
    "LatentBlender",
    "LearntRegions",
    "Scene",
    "StoredFusion",
    "layer_code",
    "learn_regions",
    "load_fusion",
    "load_fusion_net",
    "open_fusion",
    "recipe_for",
    "save_fusion",
    "save_fusion_net",
    "schedule",
    "set_learning",
    "stage_terms",
    "to_official",
    "total",
    "train_fusion",
]
