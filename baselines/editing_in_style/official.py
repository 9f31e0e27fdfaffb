"""Catalogues of others, as plain arrays.

The authors published pickles of their own classes, which are code and are not opened here. Where they are trusted,
their arrays can be written to an ``.npz``: ``centroids`` (k, C), ``annotations`` (JSON: label -> clusters), and the
contributions of each layer, (K, C_l), as ``M0``, ``M1``, ...
"""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch

from baselines.editing_in_style.catalogue import Catalogue
from semedit.errors import CheckpointError
from semedit.storage.content import check_file, parse_object, reading
from semedit.storage.pickled import check_archive
from semedit.storage.tensors import single


def read_official(path: str | Path, fingerprint: str = "", size: int = 32) -> Catalogue:
    """A catalogue of such an ``.npz``; ``size`` is that of the clustered layer, in px, ``fingerprint`` the generator's.

    Raises CheckpointError for a file that lacks something, or holds anything but arrays; ConfigError for contributions
    or annotations that do not go together.
    """
    check_archive(check_file(path))
    try:
        with reading(path), np.load(path, allow_pickle=False) as file:
            annotations = parse_object(str(file["annotations"]), path)
            found = {name: torch.from_numpy(file[name]) for name in file.files if name != "annotations"}
    except (EOFError, BadZipFile) as error:
        raise CheckpointError(f"{path}: cannot be read as the arrays of a catalogue ({error})") from None
    arrays = single(found, path)
    if "centroids" not in arrays or arrays["centroids"].dim() != 2:
        raise CheckpointError(f"{path}: a catalogue has 'centroids' (k, C)")
    layers = [arrays[name] for i in range(len(arrays)) if (name := f"M{i}") in arrays]
    about = {"size": size, "clusters": len(arrays["centroids"]), "source": Path(path).name}
    with reading(path):
        return Catalogue(arrays["centroids"], annotations, layers, fingerprint=fingerprint, about=about)
