"""How good a generator's samples are, beside what real pictures themselves reach."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from benchmarks.rows import Row
from semedit.data.chunks import chunk_seed
from semedit.data.collection import Collection, prepare
from semedit.data.drawn import Painter
from semedit.domains import Domain
from semedit.domains.judges import OPTIMISED, Judge, attribute_panel, feature_panel, named_by
from semedit.editing.model import Model
from semedit.errors import ConfigError, MissingWeights
from semedit.metrics.features import DomainFeatures
from semedit.metrics.inception import LegacyInception, embedders
from semedit.metrics.labels import LARGE, iou_counts, iou_of_counts
from semedit.metrics.sets import SPLITS, Embedder, set_measures
from semedit.pictures.tensors import fit, quantise, to_images

CHUNK = 256
#: Samples to measure, and the seed of the first chunk of them.
COUNT, SEED = 10_000, 660_001
Progress = Callable[[int, int], None]


class RealPictures(Protocol):
    """Two disjoint sets of real pictures, the second of which gives the floor of every measure."""

    def chunks(self, which: int, count: int, size: int) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Pictures (B, 3, S, S) in [-1, 1] of set 0 or 1, with their true attributes (B, A) where those are known."""
        ...

    def released(self, count: int, size: int) -> Iterator[tuple[Tensor, Tensor | None]]:
        """What SemanticStyleGAN's released tools compare with: all pictures, however many samples there are."""
        ...

    def total(self, count: int) -> int:
        """How many :meth:`released` ones there are."""
        ...


@dataclass(frozen=True)
class DrawnPictures:
    """Drawn pictures of seeds that no training set and no held-out set uses."""

    painter: Painter
    SEEDS: ClassVar = (880_001, 880_002)

    def chunks(self, which: int, count: int, size: int) -> Iterator[tuple[Tensor, Tensor | None]]:
        for k, start in enumerate(range(0, count, CHUNK)):
            seed = chunk_seed(self.SEEDS[which], k)
            drawn = self.painter(min(CHUNK, count - start), size, seed, self.painter.styles[0])
            yield quantise(drawn.images), drawn.attributes

    def released(self, count: int, size: int) -> Iterator[tuple[Tensor, Tensor | None]]:
        """There is no end of drawn pictures: as many as there are samples."""
        return self.chunks(0, count, size)

    def total(self, count: int) -> int:
        return count


@dataclass(frozen=True)
class StoredPictures:
    """Every second picture of a collection for either set; all of it for the released protocol."""

    collection: Collection

    def chunks(self, which: int, count: int, size: int) -> Iterator[tuple[Tensor, Tensor | None]]:
        return self._read(range(which, len(self.collection), 2)[:count], size)

    def released(self, count: int, size: int) -> Iterator[tuple[Tensor, Tensor | None]]:  # noqa: ARG002
        return self._read(range(len(self.collection)), size)

    def total(self, count: int) -> int:  # noqa: ARG002
        return len(self.collection)

    def _read(self, chosen: range, size: int) -> Iterator[tuple[Tensor, Tensor | None]]:
        for start in range(0, len(chosen), CHUNK):
            part = [prepare(self.collection.read(i), size, None)[0] for i in chosen[start : start + CHUNK]]
            yield to_images(torch.stack(part)), None


def fidelity(
    model: Model,
    count: int = COUNT,
    seed: int = SEED,
    size: int | None = None,
    real: RealPictures | None = None,
    progress: Progress | None = None,
) -> list[Row]:
    """Set measures of untruncated samples, and of real against real (the floor); where the domain can tell, agreement
    of label maps with its parser, and attribute rates. Judges score; see :mod:`semedit.domains.judges`.

    Pictures are measured as 8-bit, at ``size`` px (default: the generator's), which is part of every id. ``ssg-legacy``
    takes samples unrounded, with random noise, and compares them with all real pictures, as the released tools do; its
    ids say so, and how many there are of both. Its floor is that of every second real picture against the others.
    Without ``real`` pictures the domain's painter draws them. Raises ConfigError if it has
    none, or if no network is there to measure with.
    """
    real = real or DrawnPictures(model.domain.painter())
    size, own = size or model.generator.config.size, own_networks(model.domain)
    features = own[0].network if own else None
    found = [*(one.network for one in own), *embedders(None)]
    marks = {one.network.protocol: f" ({OPTIMISED})" for one in own if one.optimised}
    if not found:
        raise ConfigError("no network to measure with; 'semedit doctor' says which Inception files are missing")
    legacy = [e for e in found if e.protocol == LegacyInception.protocol]
    others = [e for e in found if e.protocol != LegacyInception.protocol]
    passed = Passed(3 * count + (real.total(count) if legacy else 0), progress)
    fake, rows = Samples(model, found, features, count, seed, size, passed), list[Row]()

    def add(metric: str, value: float, protocol: str, n: int = count, std: float | None = None,
            of: str = "generator") -> None:  # fmt: skip
        rows.append(
            Row(task="fidelity", method=of, model=model.name, metric=metric, value=value, n=n, protocol=protocol,
                std=std)
        )  # fmt: skip

    sets = [embed_real(others, real.chunks(which, count, size), passed) for which in range(2)]
    for embedder in others:
        name = embedder.protocol
        for suffix, made in (("", fake.features[name]), ("_floor", sets[1].features[name])):
            for metric, (value, std, protocol) in set_measures(embedder, made, sets[0].features[name]).items():
                by = sized(protocol, size) + marks.get(name, "")
                add(named_by(metric + suffix, by), value, by, len(made), std)
    for embedder in legacy:
        name = embedder.protocol
        whole = embed_real(legacy, real.released(count, size), passed).features[name]
        for suffix, made, against, said in (
            ("", fake.features[name], whole, f"fake={len(fake.features[name])},real={len(whole)},psi=1,noise=random"),
            ("_floor", whole[1::2], whole[::2], f"real={len(whole[1::2])},real={len(whole[::2])}"),
        ):
            if suffix and len(made) < SPLITS:
                continue  # too few for a score of their own
            for metric, (value, std, protocol) in set_measures(embedder, made, against).items():
                add(metric + suffix, value, f"{protocol.removesuffix(')')},{said})@{size}", len(made), std)
    if features is not None and model.generator.regions:
        parser = f"miou({features.protocol} parser, area>0.5%){marks.get(features.protocol, '')}"
        add(named_by("mask_agreement", parser), iou_of_counts(fake.overlap, LARGE), parser)
        both, either, _ = fake.overlap
        for name, overlap in zip(model.generator.regions.names, (both / either).tolist(), strict=True):
            by = f"iou({features.protocol} parser){marks.get(features.protocol, '')}"
            add(named_by(f"agreement_{name}", by), overlap, by)
    if sets[0].truth is not None:
        real_rates = sets[0].truth.mean(0)
        for i, name in enumerate(model.domain.attribute_names):
            add(f"rate_{name}", fake.rates[i].item(), f"{model.domain.name}-{fake.scored}")
            add(f"real_rate_{name}", real_rates[i].item(), "ground truth", of="data")
    return rows


def own_networks(domain: Domain) -> list[Judge[DomainFeatures]]:
    """The domain's feature networks, the one that scores first; none where it has none."""
    try:
        return list(feature_panel(domain, torch.device("cpu")))
    except MissingWeights:
        return []


@dataclass
class Passed:
    """How many pictures have passed through several loops, told as one progress."""

    total: int
    progress: Progress | None
    done: int = 0

    def __call__(self, pictures: int) -> None:
        self.done += pictures
        if self.progress:
            self.progress(min(self.done, self.total), self.total)


class Samples:
    """What is measured of a generator's samples.

    ``features`` by protocol, ``overlap`` of label maps with the parser's (counts), attribute ``rates``.
    """

    def __init__(self, model: Model, found: list[Embedder], network: DomainFeatures | None, count: int, seed: int,
                 size: int, passed: Passed):  # fmt: skip
        regions = len(model.generator.regions)
        scorer = attribute_panel(model.domain, torch.device("cpu")).first.network if network else None
        self.scored = scorer.protocol if scorer else "none"
        parts: dict[str, list[Tensor]] = {e.protocol: [] for e in found}
        self.overlap, scores = torch.zeros(3, regions), []
        for k, start in enumerate(range(0, count, CHUNK)):
            latent = model.sample(min(CHUNK, count - start), seed + k, psi=1.0)
            out = model.synthesise(latent)
            pictures = quantise(fit(out.image, size))
            for embedder in found:
                shown = pictures
                if embedder.protocol == LegacyInception.protocol:
                    torch.manual_seed(seed + k)
                    shown = fit(model.synthesise(latent, noise="random").image, size)
                parts[embedder.protocol].append(embedder.embed(shown))
            if network is not None and scorer is not None:
                scores.append(scorer.score(pictures))
                if out.labels is not None:
                    self.overlap += iou_counts(network.parse(quantise(out.image)), out.labels, regions)
            passed(len(pictures))
        self.features = {name: torch.cat(part) for name, part in parts.items()}
        self.rates = (torch.cat(scores) > 0.5).float().mean(0) if scores else torch.empty(0)


@dataclass(frozen=True)
class RealSet:
    """Features by protocol of one set of real pictures, and their true attributes (N, A) where known."""

    features: dict[str, Tensor]
    truth: Tensor | None


def sized(protocol: str, size: int) -> str:
    """A protocol's id with the side in px of the pictures, unless it names the size that it looks at itself.

    >>> sized("fid(inception-tf)", 256), sized("fd(portraits-features@64)", 128)
    ('fid(inception-tf)@256', 'fd(portraits-features@64)')
    """
    return protocol if "@" in protocol else f"{protocol}@{size}"


def embed_real(found: list[Embedder], pictures: Iterator[tuple[Tensor, Tensor | None]], passed: Passed) -> RealSet:
    """Features of real pictures, as they come."""
    parts: dict[str, list[Tensor]] = {e.protocol: [] for e in found}
    truth: list[Tensor] = []
    for images, known in pictures:
        for embedder in found:
            parts[embedder.protocol].append(embedder.embed(images))
        truth += [known] if known is not None else []
        passed(len(images))
    return RealSet({name: torch.cat(part) for name, part in parts.items()}, torch.cat(truth) if truth else None)
