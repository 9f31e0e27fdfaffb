"""Making a catalogue of a StyleGAN2: activations are clustered, clusters are named by the label maps they overlap."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from baselines.editing_in_style.catalogue import Catalogue
from baselines.editing_in_style.clustering import SphericalKMeans
from baselines.editing_in_style.contributions import Resize, contributions, resize_maps
from baselines.stylegan2 import StyleActivations, StyleGAN2Generator
from semedit.errors import ConfigError


@dataclass(frozen=True)
class Overlap:
    """What clusters and regions have in common: intersection over union, ``table`` (k, R), over all pictures."""

    names: tuple[str, ...]
    table: Tensor

    @classmethod
    def of(cls, names: Sequence[str], shared: Tensor) -> "Overlap":
        """From the pixels (k, R) that each cluster shares with each region, where the regions make up the picture."""
        union = shared.sum(1, keepdim=True) + shared.sum(0, keepdim=True) - shared
        return cls(tuple(names), shared / union.clamp(min=1))

    def annotations(self) -> dict[str, list[int]]:
        """Region -> the clusters that overlap it more than any other; regions without any are left out."""
        best = [int(row.argmax()) if row.max() > 0 else -1 for row in self.table]
        found = {name: [k for k, region in enumerate(best) if region == i] for i, name in enumerate(self.names)}
        return {name: own for name, own in found.items() if own}

    def complete(self) -> dict[str, list[int]]:
        """The annotations, where a region without a cluster takes the one that overlaps it most, of those that do not
        leave another region without any. Raises ConfigError for fewer clusters than regions."""
        if len(self.table) < len(self.names):
            raise ConfigError(f"{len(self.table)} clusters for {len(self.names)} regions; each needs one of its own")
        owner = {k: name for name, own in self.annotations().items() for k in own}
        for place in self.table.max(0).values.argsort(descending=True, stable=True).tolist():
            name = self.names[place]
            if name in owner.values():
                continue
            held = list(owner.values())
            free = [k for k in range(len(self.table)) if k not in owner or held.count(owner[k]) > 1]
            owner[max(free, key=lambda k: float(self.table[k, place]))] = name
        return {name: sorted(k for k, own in owner.items() if own == name) for name in self.names}


def shared_pixels(clusters: Tensor, labels: Tensor, regions: int) -> Tensor:
    """Pixels (k, R) that one-hot maps (N, k, h, w) share with the regions of label maps (N, H, W)."""
    masks = F.one_hot(labels, regions).movedim(-1, 1).to(clusters)
    coarse = F.adaptive_avg_pool2d(masks, (clusters.shape[2], clusters.shape[3]))
    return torch.einsum("nkhw,nrhw->kr", clusters, coarse)


@dataclass(frozen=True)
class Learnt:
    """A catalogue, and the overlaps that named its clusters."""

    catalogue: Catalogue
    overlap: Overlap


@torch.no_grad()
def learn_catalogue(
    generator: StyleGAN2Generator,
    codes: Tensor,
    parse: Callable[[Tensor], Tensor],
    names: Sequence[str],
    *,
    size: int = 32,
    clusters: int = 18,
    rows: int = 100_000,
    resize: Resize = "nearest",
    batch: int = 8,
    seed: int = 0,
) -> Learnt:
    """Learn the catalogue of a generator from its pictures of codes (N, D) or (N, L, D).

    The first convolution that puts out ``size`` px is clustered, on at most ``rows`` pixels drawn from all pictures.
    ``parse`` gives label maps (B, H, W) of pictures (B, 3, H, W), whose labels are the places of ``names``. A label's
    contributions are the sums of its clusters', M being linear in memberships. Raises ConfigError without codes.
    """
    if not len(codes):
        raise ConfigError("a catalogue is learnt from at least one code")

    def passes() -> Iterator[StyleActivations]:
        return (generator.activations(part.to(generator.device)) for part in codes.split(batch))

    draw = torch.Generator().manual_seed(seed)
    share = min(1.0, rows / (len(codes) * size * size))
    pixels = []
    for seen in passes():
        flat = seen.first(size).movedim(1, -1).flatten(0, 2).cpu()
        pixels.append(flat[torch.randperm(len(flat), generator=draw)[: max(1, round(share * len(flat)))]])
    found = SphericalKMeans(clusters, seed=seed).fit(torch.cat(pixels))
    unnamed = Catalogue(found.centroids_, {str(k): [k] for k in range(clusters)})
    shared, layers = torch.zeros(clusters, len(names)), [torch.zeros(())] * len(generator.config.conv_widths)
    for seen in passes():
        maps, count = unnamed.clusters(seen.first(size)), len(seen.image)
        shared += shared_pixels(maps, parse(seen.image), len(names)).cpu()
        parts = contributions(seen.conv, maps, resize=resize)
        layers = [total + part.cpu() * (count / len(codes)) for total, part in zip(layers, parts, strict=True)]
    overlap = Overlap.of(names, shared)
    annotations = overlap.annotations()
    named = [torch.stack([layer[own].sum(0) for own in annotations.values()]) for layer in layers]
    about = {"size": size, "clusters": clusters, "pictures": len(codes), "resize": resize, "seed": seed}
    catalogue = Catalogue(found.centroids_, annotations, named, fingerprint=generator.fingerprint, about=about)
    return Learnt(catalogue, overlap)


def learn_for(
    generator: StyleGAN2Generator, parse: Callable[[Tensor], Tensor], names: Sequence[str], samples: int,
    *, clusters: int, size: int, seed: int = 0,
) -> Learnt:  # fmt: skip
    """The catalogue of ``samples`` pictures that a generator draws; arguments as of :func:`learn_catalogue`."""
    z = torch.randn(samples, generator.config.style_dim, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        codes = generator.mapping(z.to(generator.device))
    return learn_catalogue(generator, codes, parse, names, clusters=clusters, size=size, seed=seed)


def roi(catalogue: Catalogue, label: str, seen: StyleActivations, size: tuple[int, int]) -> Tensor:
    """The mask (N, 1, h, w) of a label in pictures, by the catalogue's own layer, brought to ``size``.

    Raises ConfigError for a catalogue that does not know its layer, UnknownName for another label.
    """
    if "size" not in catalogue.about:
        raise ConfigError("this catalogue does not know the size of the layer that it was made of")
    layer = seen.first(int(catalogue.about["size"]))
    row = catalogue.row(label)
    return resize_maps(catalogue.memberships(layer)[:, row : row + 1], size, "nearest")
