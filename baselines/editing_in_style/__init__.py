"""Editing in Style: a catalogue of what a generator's channels do, and edits of parts by interpolating styles."""

from baselines.editing_in_style.catalogue import Catalogue
from baselines.editing_in_style.clustering import SphericalKMeans
from baselines.editing_in_style.contributions import contributions, normalised, resize_maps, shares
from baselines.editing_in_style.learning import Learnt, Overlap, learn_catalogue, roi
from baselines.editing_in_style.queries import everywhere, interpolate, sequential, sequential_layers, simultaneous
from baselines.editing_in_style.transfer import transfer_styles

__all__ = [
    "Catalogue",
    "Learnt",
    "Overlap",
    "SphericalKMeans",
    "contributions",
    "everywhere",
    "interpolate",
    "learn_catalogue",
    "normalised",
    "resize_maps",
    "roi",
    "sequential",
    "sequential_layers",
    "shares",
    "simultaneous",
    "transfer_styles",
]
