"""NumPy files of others, read as data: arrays of numbers and texts, never objects, which would be code."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semedit.errors import CheckpointError
from semedit.storage.content import check_file
from semedit.storage.pickled import check_archive


def read_array(path: str | Path) -> NDArray[Any]:
    """The array in an ``.npy`` file. Raises CheckpointError for anything else."""
    found = _loaded(path)
    if "" not in found:
        raise CheckpointError(f"{path}: holds several arrays (.npz) where one (.npy) is expected")
    return found[""]


def read_arrays(path: str | Path) -> dict[str, NDArray[Any]]:
    """The arrays in an ``.npz`` file, by name. Raises CheckpointError for anything else."""
    found = _loaded(path)
    if "" in found:
        raise CheckpointError(f"{path}: holds one array (.npy) where several (.npz) are expected")
    return found


def _loaded(path: str | Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file by name; that of an ``.npy`` file has none."""
    check_archive(check_file(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = np.load(path, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return {"": loaded}
            with loaded:
                return {str(name): loaded[name] for name in loaded.files}
    except Exception as error:  # a broken header is parsed as Python's literals are, and fails in as many ways
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise CheckpointError(f"{path}: cannot be read as NumPy's arrays of numbers ({reason})") from None
