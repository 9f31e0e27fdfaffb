"""Catalogues of others, as plain arrays.

The authors published pickles of their own classes, which are code and are not opened here. Where they are trusted,
their arrays can be written to an ``.npz``: ``centroids`` (k, C), ``annotations`` (JSON: label -> clusters), and the
contributions of each layer, (K, C_l), as ``M0``, ``M1``, ...
"""

from pathlib import Path

from baselines.editing_in_style.catalogue import Catalogue, read_parts
from semedit.errors import CheckpointError
from semedit.storage.content import reading


def read_official(path: str | Path, fingerprint: str = "", size: int = 32) -> Catalogue:
    """A catalogue of such an ``.npz``; ``size`` is that of the clustered layer, in px, ``fingerprint`` the generator's.

    Raises CheckpointError for a file that lacks something, or holds anything but arrays; ConfigError for contributions
    or annotations that do not go together.
    """
    annotations, arrays = read_parts(path, "annotations")
    if "centroids" not in arrays or arrays["centroids"].dim() != 2:
        raise CheckpointError(f"{path}: a catalogue has 'centroids' (k, C)")
    layers = [arrays[name] for i in range(len(arrays)) if (name := f"M{i}") in arrays]
    about = {"size": size, "clusters": len(arrays["centroids"]), "source": Path(path).name}
    with reading(path):
        return Catalogue(arrays["centroids"], annotations, layers, fingerprint=fingerprint, about=about)
