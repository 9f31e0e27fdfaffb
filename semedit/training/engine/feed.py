"""The batches of a run, as its data configuration says: drawn by the domain's painter, or pictures from disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch
from pydantic import Field

from semedit.config import Config, Seed
from semedit.data.collection import open_collection
from semedit.data.disk import CollectionDataset, DiskSource, JointAugment
from semedit.data.drawn import Painter, cached_pool, draw_batch
from semedit.data.label_map import LabelMap
from semedit.data.source import Batch, Pool, Source
from semedit.domains import domain
from semedit.latents.regions import RegionTable
from semedit.training.engine.state import step_seed
from semedit.training.engine.team import Team


class DataConfig(Config):
    """Where training pictures come from: the domain's painter, or a folder or LMDB named by ``path``.

    ``style``, ``pool`` and ``seed`` are for drawn pictures, all below ``path`` for those from disk; ``mirror``,
    ``shift``, ``scale`` and ``rotate`` change picture and labels together.
    """

    noun: ClassVar[str] = "data configuration"

    domain: str = Field("portraits", description="kind of picture; the one that is drawn where no path is named")
    style: Literal["soft", "cel"] = Field("soft", description="style of drawn pictures")
    pool: int = Field(
        24_000, ge=0, description="pictures drawn once and sampled from; 0 draws every batch afresh, for fast devices"
    )
    seed: Seed = Field(1, description="seed of the pool, apart from the run's so that runs can share one")
    path: str = Field("", description="folder or LMDB of pictures; empty: they are drawn")
    label_map: str = Field("", description="YAML file that says what labels mean; empty: the domain's region indices")
    workers: int = Field(2, ge=0, description="processes that decode pictures")
    mirror: bool = Field(False, description="mirror half of the pictures")
    shift: float = Field(0.0, ge=0, le=0.5, description="share of the side, each way; the released code's 'aug' is 0.1")
    scale: float = Field(0.0, ge=0, lt=1, description="share, up and down; the released code's 'aug' is 0.2")
    rotate: float = Field(0.0, ge=0, le=180, description="degrees, each way; the released code's 'aug' is 15")
    differentiable: Literal["auto", "on", "off"] = Field(
        "auto", description="differentiable augmentation; auto: on below small_set pictures"
    )
    small_set: int = Field(5_000, ge=0, description="pictures below which a set is small")


@dataclass(frozen=True)
class Feed:
    """What a run takes from its data: batches of ``batch`` pictures of ``size`` px in all processes together, with
    masks of the regions that ``labels`` mean (None: pictures alone)."""

    data: DataConfig
    batch: int
    seed: int
    size: int
    labels: LabelMap | None
    team: Team

    @property
    def channels(self) -> int:
        """Masks of each picture."""
        return len(self.labels.table) if self.labels else 0


class PoolSource:
    """Batches drawn at random from a pool in memory."""

    def __init__(self, pool: Pool, feed: Feed):
        self.pool, self.feed = pool, feed

    @property
    def pictures(self) -> int:
        return len(self.pool)

    def stream(self, start: int) -> Iterator[Batch]:
        feed, step = self.feed, start
        while True:
            seed = step_seed(feed.seed, step)
            yield self.pool.batch(feed.batch, seed, feed.channels, feed.team.share)
            step += 1


class DrawnSource:
    """Pictures drawn afresh for every batch, on the device."""

    pictures = 0

    def __init__(self, painter: Painter, feed: Feed):
        self.painter, self.feed = painter, feed

    def stream(self, start: int) -> Iterator[Batch]:
        feed, step = self.feed, start
        while True:
            seed = step_seed(feed.seed, step) % 2**40
            yield draw_batch(
                self.painter, feed.batch, feed.size, seed, feed.data.style,
                regions=feed.channels, share=feed.team.share, device=feed.team.device,
            )  # fmt: skip
            step += 1


def joint_augment(data: DataConfig) -> JointAugment:
    return JointAugment(data.mirror, data.shift, data.scale, data.rotate)


def label_meaning(data: DataConfig, default: RegionTable) -> LabelMap:
    """What the run's labels mean: what its label map's file says, or that they are the domain's region indices."""
    return LabelMap.read(data.label_map) if data.label_map else LabelMap.identity(default)


def open_source(feed: Feed, folder: Path) -> Source:
    """The source of a run's batches; a pool that has to be drawn first is kept in ``folder``.

    Raises ConfigError for data that are not there.
    """
    data, team = feed.data, feed.team
    if data.path:
        collection = open_collection(data.path, feed.size, labelled=feed.labels is not None)
        dataset = CollectionDataset(collection, feed.size, feed.labels, joint_augment(data))
        return DiskSource(
            dataset, batch=feed.batch, seed=feed.seed, regions=feed.channels, share=team.share, workers=data.workers
        )
    painter = domain(data.domain).painter()
    if not data.pool:
        return DrawnSource(painter, feed)

    def pool() -> Pool:
        return cached_pool(painter, folder, data.pool, feed.size, data.seed, data.style)

    if team.primary:
        pool()
    team.barrier()
    return PoolSource(pool(), feed)


def sample_pictures(source: Source, count: int) -> Batch:
    """About ``count`` pictures of a source, the first of its stream, gathered for measurements."""
    parts: list[Batch] = []
    for batch in source.stream(0):
        parts.append(batch)
        if sum(len(part.images) for part in parts) >= count:
            break
    return Batch(torch.cat([p.images for p in parts])[:count], torch.cat([p.masks for p in parts])[:count])
