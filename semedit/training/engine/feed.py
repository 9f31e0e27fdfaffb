"""The batches of a run, as its data configuration says: drawn portraits, or pictures from disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch
from pydantic import Field

from semedit.config import Config
from semedit.data.collection import open_collection
from semedit.data.disk import CollectionDataset, DiskSource, JointAugment
from semedit.data.label_map import LabelMap
from semedit.data.source import Batch, Pool, Source
from semedit.domains.portraits.pool import cached_pool, draw_batch
from semedit.errors import ConfigError
from semedit.latents.regions import CELEBAMASK, RegionTable
from semedit.training.engine.state import step_seed
from semedit.training.engine.team import Team


class DataConfig(Config):
    """Where training pictures come from: drawn portraits, or a folder or LMDB named by ``path``.

    Drawn: ``pool`` pictures are drawn once and sampled from; 0 draws every batch afresh (for devices that draw faster
    than they train). From disk: ``label_map`` is a YAML file that says what the labels mean (default: they are the
    domain's region indices); ``mirror``, ``shift``, ``scale`` and ``rotate`` change picture and labels together. Drawn
    portraits are left as they are.
    """

    noun: ClassVar[str] = "data configuration"

    domain: str = "portraits"
    style: Literal["soft", "cel"] = "soft"
    pool: int = Field(24_000, ge=0)
    seed: int = 1
    path: str = ""
    label_map: str = ""
    workers: int = Field(2, ge=0, description="processes that decode pictures")
    mirror: bool = Field(False, description="mirror half of the pictures")
    shift: float = Field(0.0, ge=0, le=0.5, description="share of the side, each way; the released code's 'aug' is 0.1")
    scale: float = Field(0.0, ge=0, lt=1, description="share, up and down; the released code's 'aug' is 0.2")
    rotate: float = Field(0.0, ge=0, le=180, description="degrees, each way; the released code's 'aug' is 15")
    differentiable: Literal["auto", "on", "off"] = Field(
        "auto", description="differentiable augmentation; auto: on below small_set pictures"
    )
    small_set: int = Field(5_000, ge=0)


@dataclass(frozen=True)
class Feed:
    """What a run takes from its data: batches of ``batch`` pictures of ``size`` px in all processes together, with
    masks of ``regions`` (None: pictures alone)."""

    data: DataConfig
    batch: int
    seed: int
    size: int
    regions: RegionTable | None
    team: Team

    @property
    def channels(self) -> int:
        return len(self.regions) if self.regions else len(CELEBAMASK)


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
    """Portraits drawn afresh for every batch, on the device."""

    pictures = 0

    def __init__(self, feed: Feed):
        self.feed = feed

    def stream(self, start: int) -> Iterator[Batch]:
        feed, step = self.feed, start
        while True:
            seed = step_seed(feed.seed, step) % 2**40
            yield draw_batch(feed.batch, feed.size, seed, feed.data.style, feed.team.share, feed.team.device)
            step += 1


def joint_augment(data: DataConfig) -> JointAugment:
    return JointAugment(data.mirror, data.shift, data.scale, data.rotate)


def region_table(data: DataConfig, default: RegionTable) -> RegionTable:
    """The regions that the run's labels mean: the label map's, or the domain's."""
    return LabelMap.read(data.label_map).table if data.label_map else default


def open_source(feed: Feed, folder: Path) -> Source:
    """The source of a run's batches; a pool that has to be drawn first is kept in ``folder``.

    Raises ConfigError for data that are not there.
    """
    data, team = feed.data, feed.team
    if data.path:
        labels = None
        if feed.regions:
            labels = LabelMap.read(data.label_map) if data.label_map else LabelMap.identity(feed.regions)
        collection = open_collection(data.path, feed.size, labelled=labels is not None)
        dataset = CollectionDataset(collection, feed.size, labels, joint_augment(data))
        return DiskSource(
            dataset, batch=feed.batch, seed=feed.seed, regions=feed.channels, share=team.share, workers=data.workers
        )
    if data.domain != "portraits":
        raise ConfigError(f"pictures of the domain '{data.domain}' cannot be drawn; name them with --data")
    if not data.pool:
        return DrawnSource(feed)
    if team.primary:
        cached_pool(folder, data.pool, feed.size, data.seed, data.style)
    team.barrier()
    return PoolSource(cached_pool(folder, data.pool, feed.size, data.seed, data.style), feed)


def sample_pictures(source: Source, count: int) -> Batch:
    """About ``count`` pictures of a source, the first of its stream, gathered for measurements."""
    parts: list[Batch] = []
    for batch in source.stream(0):
        parts.append(batch)
        if sum(len(part.images) for part in parts) >= count:
            break
    return Batch(torch.cat([p.images for p in parts])[:count], torch.cat([p.masks for p in parts])[:count])
