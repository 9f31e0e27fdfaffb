"""StyleFusion: several style codes become one, each of which rules a region of the picture."""

from baselines.stylefusion.checkpoint import load_fusion_net, save_fusion_net, to_official
from baselines.stylefusion.fusion_net import Alignment, FusionConfig, FusionNet, LatentBlender, layer_code
from baselines.stylefusion.hierarchy import PRESETS, TREES, Hierarchy

__all__ = [
    "PRESETS",
    "TREES",
    "Alignment",
    "FusionConfig",
    "FusionNet",
    "Hierarchy",
    "LatentBlender",
    "layer_code",
    "load_fusion_net",
    "save_fusion_net",
    "to_official",
]
