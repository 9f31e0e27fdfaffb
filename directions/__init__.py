"""Latent -> edited latent. EDITORS is the registry of methods; tests, the command line and the README read it."""

from directions.interfacegan import BoundaryReport, InterFaceGAN, manipulate, project, select_extremes
from directions.learning import calibrate, gains, label_samples, learn_directions, learn_flow
from directions.library import DirectionLibrary
from directions.masking import RegionMasked, limit_to_regions
from directions.styleflow import FlowEditor, FlowLibrary
from directions.transfer import RegionTransfer

#: Method -> the library of its editors, one for each attribute.
EDITORS: dict[str, type[DirectionLibrary] | type[FlowLibrary]] = {
    "interfacegan": DirectionLibrary,
    "styleflow": FlowLibrary,
}

__all__ = [
    "EDITORS",
    "BoundaryReport",
    "DirectionLibrary",
    "FlowEditor",
    "FlowLibrary",
    "InterFaceGAN",
    "RegionMasked",
    "RegionTransfer",
    "calibrate",
    "gains",
    "label_samples",
    "learn_directions",
    "learn_flow",
    "limit_to_regions",
    "manipulate",
    "project",
    "select_extremes",
]
