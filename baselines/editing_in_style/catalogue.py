"""The semantic catalogue of a generator: clusters of its activations, named, and what each channel does to each.

Reference: Collins et al., "Editing in Style: Uncovering the Local Semantics of GANs", CVPR 2020,
https://arxiv.org/abs/2004.14367, section 3.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from baselines.editing_in_style.contributions import Resize, resize_maps
from baselines.editing_in_style.queries import Convention, one_each, sequential, sequential_layers
from semedit.errors import CheckpointError, ConfigError, LatentError, UnknownName
from semedit.storage.arrays import read_arrays
from semedit.storage.atomic import replacing
from semedit.storage.content import parse_object, reading
from semedit.storage.tensors import single
from semedit.storage.weights import Weights, load_weights, save_weights

KIND = "catalogue"
#: The name of the file beside its generator.
FILE = "catalogue.safetensors"


def read_parts(path: str | Path, text: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What an ``.npz`` holds: the JSON of its entry ``text``, and all others as arrays of float32.

    Raises CheckpointError for a file that holds anything but arrays of floats, or lacks ``text``.
    """
    arrays = read_arrays(path)
    with reading(path):
        said = parse_object(str(arrays.pop(text)), path)
        return said, single({name: torch.from_numpy(array) for name, array in arrays.items()}, path, whole=False)


class Catalogue:
    """Clusters of one layer's activations, with names.

    centroids: (k, C); annotations: label -> its clusters, whose order is that of ``labels``; contributions: M of each
    layer, (K, C_l), one row a label; fingerprint: of the generator; about: what else is known of how it was made, as
    JSON, such as the ``size`` of the layer. Raises ConfigError for arrays of other shapes or types, a cluster that is
    not there, or contributions of another number of rows.
    """

    def __init__(
        self,
        centroids: Tensor,
        annotations: Mapping[str, list[int]],
        contributions: Sequence[Tensor] = (),
        *,
        fingerprint: str = "",
        about: Mapping[str, Any] | None = None,
    ):
        self.centroids, self.contributions = centroids, tuple(contributions)
        self.annotations = {label: [int(cluster) for cluster in own] for label, own in annotations.items()}
        self.fingerprint, self.about = fingerprint, dict(about or {})
        if not isinstance(size := self.about.get("size", 1), int) or size < 1:
            raise ConfigError(f"the size of the layer is a number of px, not {size!r:.40}")
        if centroids.dim() != 2 or not all(one.is_floating_point() for one in (centroids, *contributions)):
            raise ConfigError(f"centroids are (k, C) of floats, not {tuple(centroids.shape)} of {centroids.dtype}")
        for label, own in self.annotations.items():
            if wrong := [cluster for cluster in own if not 0 <= cluster < len(centroids)]:
                raise ConfigError(f"'{label}' names cluster {wrong[0]}; there are clusters 0..{len(centroids) - 1}")
        if any(layer.dim() != 2 or len(layer) != len(self.labels) for layer in self.contributions):
            raise ConfigError(f"contributions need a row for each of the {len(self.labels)} labels")

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.annotations)

    def clusters(self, activations: Tensor) -> Tensor:
        """One-hot maps (N, k, H, W) of the nearest centroid, by cosine, of activations (N, C, H, W).

        Raises LatentError for activations of another width.
        """
        if activations.dim() != 4 or activations.shape[1] != self.centroids.shape[1]:
            wanted = self.centroids.shape[1]
            raise LatentError(f"activations of shape {tuple(activations.shape)}; (N, {wanted}, H, W) is wanted")
        unit = F.normalize(self.centroids.to(activations), dim=1)
        nearest = torch.einsum("kc,nchw->nkhw", unit, activations).argmax(1)
        return F.one_hot(nearest, len(unit)).movedim(-1, 1).to(activations)

    def memberships(
        self, activations: Tensor, size: tuple[int, int] | None = None, *, resize: Resize = "nearest"
    ) -> Tensor:
        """Maps U (N, K, h, w) of the labels: the sum of each one's clusters, at ``size`` or as the activations are."""
        picked = self.centroids.new_zeros(len(self.labels), len(self.centroids))
        for row, own in enumerate(self.annotations.values()):
            picked[row, own] = 1.0
        maps = torch.einsum("lk,nkhw->nlhw", picked.to(activations), self.clusters(activations))
        return maps if size is None else resize_maps(maps, size, resize)

    def row(self, label: str) -> int:
        """The place of a label. Raises UnknownName."""
        if label not in self.annotations:
            raise UnknownName("label of this catalogue", label, self.labels)
        return self.labels.index(label)

    def query(
        self, label: str, layer: int, *, rho: float | Sequence[float], epsilon: float | Sequence[float]
    ) -> Tensor:
        """The sequential query q (C_l,) of a label in a layer; rho and epsilon are numbers, or one for each layer.

        Raises UnknownName for another label, ConfigError for a layer without contributions.
        """
        row, count = self.row(label), len(self.contributions)
        if not 0 <= layer < count:
            raise ConfigError(f"this catalogue has contributions of {count} layers, and none of layer {layer}")
        limits = one_each(rho, count)[layer], one_each(epsilon, count)[layer]
        return sequential(self.contributions[layer][row], *limits)

    def queries(
        self, label: str, *, rho: float | Sequence[float], epsilon: float | Sequence[float],
        convention: Convention = "code",
    ) -> tuple[Tensor, ...]:  # fmt: skip
        """The sequential queries (C_l,) of a label in all layers. Raises UnknownName for another label."""
        row = self.row(label)
        own = [layer[row] for layer in self.contributions]
        return sequential_layers(own, rho, epsilon, convention=convention)

    def save(self, path: str | Path) -> None:
        """Write the catalogue to a ``.npz``, or to a ``.safetensors`` with everything known of it, atomically.

        Raises ConfigError for another ending.
        """
        path = Path(path)
        layers = {f"contributions.{i}": layer for i, layer in enumerate(self.contributions)}
        tensors = {"centroids": self.centroids, **layers}
        config = {"annotations": self.annotations, "fingerprint": self.fingerprint}
        if path.suffix == ".safetensors":
            save_weights(path, Weights(KIND, config, tensors, self.about))
        elif path.suffix == ".npz":
            arrays: dict[str, Any] = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
            header = np.array(json.dumps({**config, "about": self.about}))
            with replacing(path) as temporary, open(temporary, "wb") as file:
                np.savez(file, header=header, **arrays)
        else:
            raise ConfigError(f"{path}: a catalogue is written as .npz or .safetensors")

    @classmethod
    def load(cls, path: str | Path) -> "Catalogue":
        """Read a file written by :meth:`save`; arrays and JSON only. Raises CheckpointError for anything else."""
        path = Path(path)
        if path.suffix == ".safetensors":
            weights = load_weights(path, KIND)
            tensors, header = dict(weights.tensors), {**weights.config, "about": weights.extra}
        else:
            header, tensors = read_parts(path, "header")
        if "centroids" not in tensors or "annotations" not in header:
            raise CheckpointError(f"{path}: not a catalogue (it has no centroids or no annotations)")
        layers = [tensors[name] for i in range(len(tensors)) if (name := f"contributions.{i}") in tensors]
        with reading(path):
            return cls(tensors["centroids"], header["annotations"], layers, fingerprint=header.get("fingerprint", ""),
                       about=header.get("about"))  # fmt: skip
