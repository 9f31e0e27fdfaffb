"""Catalogues of others, as plain arrays.

The authors published pickles of their own classes, which are code and are not opened here. Where they are trusted,
their arrays can be written to an ``.npz``: ``centroids`` (k, C), ``annotations`` (JSON: label -> clusters), and the
contributions of each layer, (K, C_l), as ``M0``, ``M1``, ...
"""

import json
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch

from baselines.editing_in_style.catalogue import Catalogue
from semedit.errors import CheckpointError


def read_official(path: str | Path, fingerprint: str = "", size: int = 32) -> Catalogue:
    """A catalogue of such an ``.npz``; ``size`` is that of the clustered layer, in px, ``fingerprint`` the generator's.

    Raises CheckpointError for a file that lacks something, or holds anything but arrays; ConfigError for contributions
    or annotations that do not go together.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
            annotations = json.loads(str(arrays["annotations"]))
            centroids = torch.from_numpy(arrays["centroids"]).float()
            if centroids.dim() != 2 or not isinstance(annotations, dict):
                raise ValueError("centroids are (k, C), and annotations a JSON object")
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise CheckpointError(f"{path}: cannot be read as the arrays of a catalogue ({error})") from None
    layers = [torch.from_numpy(arrays[name]).float() for i in range(len(arrays)) if (name := f"M{i}") in arrays]
    about = {"size": size, "clusters": len(centroids), "source": Path(path).name}
    return Catalogue(centroids, annotations, layers, fingerprint=fingerprint, about=about)
