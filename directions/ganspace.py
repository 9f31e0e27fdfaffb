"""GANSpace: principal components of a latent space as directions of editing, learnt without scores or words.

Reference: Harkonen et al., "GANSpace: Discovering Interpretable GAN Controls", 2020, https://arxiv.org/abs/2004.02546:
PCA of codes in W, and edits w + sigma_k v_k x in chosen layers. Here the layers are the rows of regions. Beyond the
paper, components may be learnt from W+ codes in the rows of some regions alone, where those vary on their own.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from directions.learnt_file import load_learnt
from directions.masking import limit_to_regions
from semedit.config import check_strength
from semedit.errors import CheckpointError, ConfigError, LatentError, NotFitted, UnknownName
from semedit.latents.latent import Latent
from semedit.storage.content import reading, shaped
from semedit.storage.weights import Weights, save_weights

KIND = "ganspace"


class Sampled(Protocol):
    """What a generator needs for its W to be sampled."""

    @property
    def device(self) -> torch.device: ...

    @property
    def config(self) -> Any: ...

    def mapping(self, z: Tensor) -> Tensor: ...

    def latent(self, data: Tensor) -> Latent: ...


class PrincipalDirection:
    """One component as an editor.

    ``direction_`` (1, D), the same for all rows, or (L, D), zero outside the rows that it was learnt in, unit norm;
    ``scale_`` what strength 1 means, by default one standard deviation of the codes along it; ``explained_`` its share
    of their variance; ``regions_`` the default regions of edits.
    """

    def __init__(self, name: str, direction: Tensor, scale: float, explained: float, regions: str = "all"):
        self.attribute, self.direction_, self.scale_ = name, direction, scale
        self.explained_, self.regions_ = explained, regions

    def with_scale(self, scale: float) -> "PrincipalDirection":
        """The same component with another meaning of strength 1."""
        return PrincipalDirection(self.attribute, self.direction_, scale, self.explained_, self.regions_)

    def edit(self, latent: Latent, strength: float, regions: str | None = None) -> Latent:
        """Move the rows of ``regions`` (default: its own) along the component; all others stay bit-identical.

        Raises LatentError for a latent of another width or number of rows.
        """
        check_strength(strength)
        regions, wplus = regions or self.regions_, latent.wplus()
        rows, dim = self.direction_.shape
        if wplus.data.shape[2] != dim or rows not in (1, wplus.data.shape[1]):
            shape = tuple(wplus.data.shape)
            raise LatentError(f"a latent of shape {shape} and a component of {rows} rows of width {dim}")
        offset = strength * self.scale_ * self.direction_.to(wplus.data)
        moved = wplus if strength == 0 else latent.with_rows(wplus.data + offset, tuple(range(latent.layout.rows)))
        event: dict[str, Any] = {"method": "ganspace", "attr": self.attribute, "strength": strength, "regions": regions}
        return limit_to_regions(latent, moved, regions).edited_from(latent, **event)


class GANSpace(Mapping[str, PrincipalDirection]):
    """The first ``components`` principal components of a generator's codes, by name: ``pc0``, ``pc1``, ...

    After ``fit``: ``directions_`` (K, rows, D), ``deviations_`` (K,), ``explained_`` (K,), ``regions_``,
    ``fingerprint``.
    """

    FILE: ClassVar[str] = "ganspace.safetensors"

    def __init__(self, components: int = 20):
        self.components = components

    @classmethod
    def of_generator(cls, generator: Sampled, components: int = 20, samples: int = 10_000, seed: int = 0) -> "GANSpace":
        """The components of W, from samples of the mapping."""
        z = torch.randn(samples, generator.config.style_dim, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            return cls(components).fit(generator.latent(generator.mapping(z.to(generator.device))))

    def fit(self, latent: Latent, regions: str = "all") -> "GANSpace":
        """Learn from codes in W (M, D); or from W+ codes (M, L, D), whose rows of ``regions`` are taken together.

        ``regions`` become the default of the edits. Raises ConfigError for fewer codes or numbers than components,
        LatentError for codes in other spaces.
        """
        from sklearn.decomposition import PCA

        if latent.space not in ("w", "w+"):
            raise LatentError(f"components are learnt from codes in 'w' or 'w+', not in '{latent.space}'")
        rows = list(latent.rows(regions))
        codes = latent.data if latent.space == "w" else latent.data[:, rows].flatten(1)
        if not 1 <= self.components <= min(codes.shape[0] - 1, codes.shape[1]):
            raise ConfigError(f"{self.components} components of {codes.shape[0]} codes of {codes.shape[1]} numbers")
        found = PCA(self.components, random_state=0).fit(codes.detach().cpu().double().numpy())
        components = torch.from_numpy(found.components_.astype(np.float32))
        if latent.space == "w":
            self.directions_ = components[:, None]
        else:
            self.directions_ = torch.zeros(self.components, latent.layout.rows, latent.data.shape[2])
            self.directions_[:, rows] = components.unflatten(1, (len(rows), -1))
        self.deviations_ = torch.from_numpy(np.sqrt(found.explained_variance_).astype(np.float32))
        self.explained_ = torch.from_numpy(found.explained_variance_ratio_.astype(np.float32))
        self.regions_, self.fingerprint = regions, latent.fingerprint
        return self

    def check_fitted(self) -> None:
        if not hasattr(self, "directions_"):
            raise NotFitted("the components are used before fit or load")

    def __getitem__(self, name: str) -> PrincipalDirection:
        if name not in tuple(self):
            raise UnknownName("component", name, self)
        index = int(name.removeprefix("pc"))
        scale, explained = float(self.deviations_[index]), float(self.explained_[index])
        return PrincipalDirection(name, self.directions_[index], scale, explained, self.regions_)

    def __iter__(self) -> Iterator[str]:
        self.check_fitted()
        return (f"pc{index}" for index in range(len(self.directions_)))

    def __len__(self) -> int:
        self.check_fitted()
        return len(self.directions_)

    def described(self) -> dict[str, Any]:
        """What is known of each component, as JSON."""
        rows = {name: {"scale": one.scale_, "explained": one.explained_} for name, one in self.items()}
        return {"regions": self.regions_, "components": rows}

    def save(self, path: str | Path) -> None:
        self.check_fitted()
        tensors = {"directions": self.directions_, "deviations": self.deviations_, "explained": self.explained_}
        save_weights(path, Weights(KIND, {"fingerprint": self.fingerprint}, tensors, {"regions": self.regions_}))

    @classmethod
    def load(cls, path: str | Path, fingerprint: str = "", *others: str) -> "GANSpace":
        """Read a file; LatentError if it was learnt for a generator other than those named."""
        weights = load_learnt(path, KIND, fingerprint, *others)
        with reading(path):
            found = [weights.tensors[name] for name in ("directions", "deviations", "explained")]
            directions, *each = found
            if directions.dim() != 3 or any(one.shape != directions.shape[:1] for one in each):
                shapes = ", ".join(str(tuple(one.shape)) for one in found)
                raise CheckpointError(f"components of shapes {shapes}; (K, rows, D), (K,) and (K,) are wanted")
            self = cls(len(directions))
            self.directions_, self.deviations_, self.explained_ = found
            self.regions_ = shaped(str, weights.extra["regions"], f"{path}: regions")
            self.fingerprint = weights.config["fingerprint"]
        return self
