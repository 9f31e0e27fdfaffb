"""Latent -> edited latent. EDITORS is the registry of methods; tests, the command line and the README read it."""

from directions.interfacegan import BoundaryReport, InterFaceGAN, manipulate, project, select_extremes
from directions.learning import calibrate, gains, label_samples, learn_directions
from directions.library import DirectionLibrary
from directions.masking import RegionMasked, limit_to_regions

EDITORS: dict[str, type[InterFaceGAN]] = {"interfacegan": InterFaceGAN}

__all__ = [
    "EDITORS",
    "BoundaryReport",
    "DirectionLibrary",
    "InterFaceGAN",
    "RegionMasked",
    "calibrate",
    "gains",
    "label_samples",
    "learn_directions",
    "limit_to_regions",
    "manipulate",
    "project",
    "select_extremes",
]
