"""Latent -> edited latent. EDITORS is the registry of methods; tests, the command line and the README read it."""

from directions.contract import AttributeEditor, EditorLibrary
from directions.dragging import DragConfig, Dragging
from directions.ganspace import GANSpace, PrincipalDirection
from directions.interfacegan.editor import BoundaryReport, InterFaceGAN, manipulate, project, select_extremes
from directions.interfacegan.library import DirectionLibrary
from directions.labels import Labelled, LabelStore, label_samples, read_scores, true_labels
from directions.learning import learn_directions, learn_flow, measure
from directions.masking import RegionMasked, limit_to_regions
from directions.moving import RegionMove
from directions.probe import Probe
from directions.region_choice import choose_regions
from directions.study import Calibration, Effect, Measured, Study
from directions.styleclip import StyleClip, StyleClipConfig
from directions.styleflow.editor import FlowEditor
from directions.styleflow.library import FlowLibrary, FlowTraining
from directions.target import reach
from directions.transfer import RegionTransfer

#: Method -> the library of its editors, one for each attribute.
EDITORS: dict[str, type[EditorLibrary[AttributeEditor]]] = {
    "interfacegan": DirectionLibrary,
    "styleflow": FlowLibrary,
}

#: Methods whose edits are said in words.
TEXT_EDITORS: dict[str, type[StyleClip]] = {"styleclip": StyleClip}
#: All methods of editing by name.
METHODS: dict[str, type] = {
    **EDITORS,
    **TEXT_EDITORS,
    "transfer": RegionTransfer,
    "drag": Dragging,
    "ganspace": GANSpace,
}

__all__ = [
    "EDITORS",
    "METHODS",
    "TEXT_EDITORS",
    "AttributeEditor",
    "BoundaryReport",
    "Calibration",
    "DirectionLibrary",
    "DragConfig",
    "Dragging",
    "EditorLibrary",
    "Effect",
    "FlowEditor",
    "FlowLibrary",
    "FlowTraining",
    "GANSpace",
    "InterFaceGAN",
    "LabelStore",
    "Labelled",
    "Measured",
    "PrincipalDirection",
    "Probe",
    "RegionMasked",
    "RegionMove",
    "RegionTransfer",
    "Study",
    "StyleClip",
    "StyleClipConfig",
    "choose_regions",
    "label_samples",
    "learn_directions",
    "learn_flow",
    "limit_to_regions",
    "manipulate",
    "measure",
    "project",
    "reach",
    "read_scores",
    "select_extremes",
    "true_labels",
]
