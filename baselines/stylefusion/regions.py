"""Regions of pictures, read off a generator's activations: Ward clusters of pixels (StyleFusion, section 4.1).

Each pixel is described by what every convolution reads there, normalised within the picture and brought to one size:
C numbers, the channels of the convolutions' styles. The clusters are found once, on some pixels of some pictures; a
pixel of a new picture belongs to the nearest centroid. The paper clusters all pixels at the generator's own size; here
a sample of them, at a smaller size, as Ward's method needs the square of their number.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from baselines.editing_in_style.contributions import normalised
from baselines.editing_in_style.learning import Overlap, shared_pixels
from baselines.stylegan2 import StyleActivations, StyleGAN2Generator
from semedit.errors import ConfigError, LatentError, UnknownName
from semedit.storage.content import reading, shaped
from semedit.storage.weights import Weights, load_weights, save_weights

KIND = "fusion-regions"


def brought_to(maps: Tensor, size: int) -> Tensor:
    """Maps (B, C, h, w) at ``size`` px: averaged down, or bilinearly up. Linear in the maps, channel by channel."""
    if maps.shape[-1] >= size:
        return F.adaptive_avg_pool2d(maps, size)
    return F.interpolate(maps, size=(size, size), mode="bilinear", align_corners=False)


def pixel_features(activations: StyleActivations, size: int) -> Tensor:
    """What describes each pixel: (B, C, size, size) of what all convolutions read."""
    return torch.cat([brought_to(normalised(layer), size) for layer in activations.conv], dim=1)


def ward_centroids(rows: Tensor, clusters: int) -> Tensor:
    """Centroids (k, C) of Ward's hierarchical clusters of rows (M, C); memory grows with M^2. Raises ConfigError."""
    from sklearn.cluster import AgglomerativeClustering

    if not 1 <= clusters <= len(rows):
        raise ConfigError(f"{clusters} clusters of {len(rows)} pixels")
    labels = AgglomerativeClustering(clusters, linkage="ward").fit_predict(rows.cpu().numpy())
    members = F.one_hot(torch.from_numpy(labels).long(), clusters).to(rows.cpu())  # (M, k)
    return (members.T @ rows.cpu()) / members.sum(0)[:, None]


@dataclass(frozen=True)
class _Facts:
    """What a file says of regions."""

    parts: dict[str, list[int]]
    size: int
    temperature: float
    fingerprint: str


@dataclass(frozen=True, eq=False)
class FusionRegions:
    """Named clusters of pixels.

    centroids (k, C); parts: name -> its clusters; size: of the maps; temperature: of soft masks, in units of the mean
    squared difference of a channel; fingerprint: of the generator. Raises ConfigError for a cluster that is not there,
    and for numbers that make no maps.
    """

    centroids: Tensor
    parts: Mapping[str, Sequence[int]]
    size: int
    temperature: float = 0.05
    fingerprint: str = ""

    def __post_init__(self) -> None:
        if self.centroids.dim() != 2 or not self.centroids.is_floating_point():
            raise ConfigError(f"centroids are (k, C) of floats, not {tuple(self.centroids.shape)}")
        count = len(self.centroids)
        if wrong := [cluster for own in self.parts.values() for cluster in own if not 0 <= cluster < count]:
            raise ConfigError(f"a part names cluster {wrong[0]}; there are clusters 0..{count - 1}")
        if self.size < 1 or not self.temperature > 0:
            raise ConfigError(f"maps of {self.size} px at temperature {self.temperature}; both are above 0")

    def nearness(self, activations: StyleActivations) -> Tensor:
        """How near each pixel is to each centroid, (B, k, size, size): minus the mean squared difference of a channel,
        up to a number that is the same for all centroids of a pixel.

        Projections on the centroids are resized instead of the channels, which is the same, resizing being linear.
        Raises LatentError for activations of other widths.
        """
        widths, channels = [layer.shape[1] for layer in activations.conv], self.centroids.shape[1]
        if sum(widths) != channels:
            raise LatentError(f"activations of {sum(widths)} channels, where the clusters have {channels}")
        centroids = self.centroids.to(activations.conv[0])
        total = -centroids.square().sum(1)[None, :, None, None]
        for layer, own in zip(activations.conv, centroids.split(widths, dim=1), strict=True):
            projected = torch.einsum("kc,bchw->bkhw", own, normalised(layer))
            total = total + 2 * brought_to(projected, self.size)
        return total / channels

    def masks(self, activations: StyleActivations, groups: Sequence[Sequence[str]], *, soft: bool) -> Tensor:
        """Masks (B, G, size, size) of groups of parts: 0 or 1, or ``soft`` in (0, 1) and differentiable.

        Soft ones are the shares of their clusters in a softmax of nearness. Raises UnknownName for another part.
        """
        nearness = self.nearness(activations)
        if soft:
            shares = (nearness / self.temperature).softmax(1)
        else:
            shares = F.one_hot(nearness.argmax(1), nearness.shape[1]).movedim(-1, 1).to(nearness)
        picked = shares.new_zeros(len(groups), shares.shape[1])
        for row, group in enumerate(groups):
            for part in group:
                if part not in self.parts:
                    raise UnknownName("part of these regions", part, self.parts)
                picked[row, list(self.parts[part])] = 1.0
        return torch.einsum("gk,bkhw->bghw", picked, shares)

    def save(self, path: str | Path) -> None:
        """Write the regions to a ``.safetensors`` file or a folder, atomically."""
        save_weights(path, Weights(KIND, self.to_json(), {"centroids": self.centroids}))

    def to_json(self) -> dict[str, Any]:
        """Everything but the centroids."""
        return {"parts": {name: list(own) for name, own in self.parts.items()}, "size": self.size,
                "temperature": self.temperature, "fingerprint": self.fingerprint}  # fmt: skip

    @classmethod
    def from_json(cls, data: object, centroids: Tensor, source: str | Path) -> "FusionRegions":
        """What :meth:`to_json` gave, with the centroids. Raises CheckpointError for anything else, or ConfigError."""
        return cls(centroids, **vars(shaped(_Facts, data, f"{source}: regions")))

    @classmethod
    def load(cls, path: str | Path) -> "FusionRegions":
        """Read what :meth:`save` wrote. Raises CheckpointError for anything else."""
        weights = load_weights(path, KIND)
        with reading(path):
            return cls.from_json(weights.config, weights.tensors["centroids"], path)


@dataclass(frozen=True, eq=False)
class LearntRegions:
    """Regions, and the overlaps that named their clusters."""

    regions: FusionRegions
    overlap: Overlap


@torch.no_grad()
def learn_regions(
    generator: StyleGAN2Generator,
    codes: Tensor,
    parse: Callable[[Tensor], Tensor],
    names: Sequence[str],
    *,
    clusters: int = 20,
    size: int = 32,
    pixels: int = 4096,
    temperature: float = 0.05,
    batch: int = 8,
    seed: int = 0,
    complete: bool = False,
) -> LearntRegions:
    """Find clusters in the pictures of codes (N, D) or (N, L, D), and name them by the label maps they overlap.

    ``pixels`` are drawn from all pictures for Ward's method. ``parse`` gives label maps (B, H, W) of pictures, whose
    labels are the places of ``names``, the leaves of a hierarchy. ``complete`` gives every name a cluster (see
    :meth:`Overlap.complete`). Raises ConfigError without codes.
    """
    if not len(codes):
        raise ConfigError("regions are found in the pictures of at least one code")
    draw = torch.Generator().manual_seed(seed)
    each = -(-pixels // len(codes))
    rows = []
    for part in codes.split(batch):
        found = pixel_features(generator.activations(part.to(generator.device)), size).flatten(2).cpu()  # (B, C, P)
        for picture in found:
            rows.append(picture[:, torch.randperm(size * size, generator=draw)[:each]].T)
    centroids = ward_centroids(torch.cat(rows)[:pixels], clusters)
    unnamed = FusionRegions(centroids, {str(k): [k] for k in range(clusters)}, size)
    shared = torch.zeros(clusters, len(names))
    for part in codes.split(batch):
        seen = generator.activations(part.to(generator.device))
        maps = unnamed.masks(seen, [[str(k)] for k in range(clusters)], soft=False)
        shared += shared_pixels(maps, parse(seen.image), len(names)).cpu()
    overlap = Overlap.of(names, shared)
    parts = overlap.complete() if complete else overlap.annotations()
    named = FusionRegions(centroids, parts, size, temperature, generator.fingerprint)
    return LearntRegions(named, overlap)
