"""Editing in Style: a catalogue of what a generator's channels do, and edits of parts by interpolating styles."""

from baselines.editing_in_style.catalogue import FILE, Catalogue
from baselines.editing_in_style.clustering import SphericalKMeans
from baselines.editing_in_style.contributions import contributions, normalised, resize_maps, shares
from baselines.editing_in_style.editor import CatalogueTransfer, CatalogueTransferConfig, queries
from baselines.editing_in_style.learning import Learnt, Overlap, learn_catalogue, learn_for, roi
from baselines.editing_in_style.official import read_official
from baselines.editing_in_style.queries import everywhere, interpolate, sequential, sequential_layers, simultaneous
from baselines.editing_in_style.transfer import transfer_styles

__all__ = [
    "FILE",
    "Catalogue",
    "CatalogueTransfer",
    "CatalogueTransferConfig",
    "Learnt",
    "Overlap",
    "SphericalKMeans",
    "contributions",
    "everywhere",
    "interpolate",
    "learn_catalogue",
    "learn_for",
    "normalised",
    "queries",
    "read_official",
    "resize_maps",
    "roi",
    "sequential",
    "sequential_layers",
    "shares",
    "simultaneous",
    "transfer_styles",
]
