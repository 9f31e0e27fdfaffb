"""The adapter for InterFaceGAN's published boundaries: ``.npy`` files of a unit normal (1, D), float32 or float64."""

from pathlib import Path

import numpy as np

from directions.interfacegan.editor import Array, BoundaryReport, InterFaceGAN
from directions.study import Calibration
from semedit.errors import CheckpointError
from semedit.storage.arrays import read_array
from semedit.storage.atomic import replacing


def load_boundary(path: str | Path, attribute: str, regions: str = "all") -> InterFaceGAN:
    """A published boundary as an editor of ``regions``, whose strength 1 is a distance of 1 until it is calibrated.

    The intercept is no part of such files, nor how well the boundary separates. Raises CheckpointError for a file that
    holds no direction, or would have to be executed.
    """
    values = read_array(path)
    if values.dtype.kind != "f" or values.ndim not in (1, 2) or (values.ndim == 2 and len(values) != 1):
        raise CheckpointError(f"{path}: a boundary is (1, D) of floats, not {values.shape} of {values.dtype}")
    normal = values.reshape(-1).astype(np.float64)
    length = np.linalg.norm(normal)
    if not np.isfinite(length) or length < 1e-6:
        raise CheckpointError(f"{path}: the normal has no direction (length {length})")
    editor = InterFaceGAN(attribute, regions=regions)
    editor.direction_ = (normal / length).astype(np.float32)
    editor.report_ = BoundaryReport(0, 0, None, None)
    editor.calibration_ = Calibration(regions)
    editor.local_ = None
    return editor


def save_boundary(path: str | Path, direction: Array) -> None:
    """Write a unit normal (D,) as the official scripts read it, atomically."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.save(file, np.asarray(direction, np.float32)[None])
