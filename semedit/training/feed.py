"""The batches of a run, as its data configuration says: drawn portraits, or pictures from disk."""

from collections.abc import Iterator
from pathlib import Path

import torch

from semedit.data.files import open_collection
from semedit.data.label_map import LabelMap
from semedit.data.loading import CollectionDataset, DiskSource, JointAugment
from semedit.data.source import Batch, Pool, Source
from semedit.domains.portraits.pool import cached_pool, draw_batch
from semedit.errors import ConfigError
from semedit.regions import RegionTable
from semedit.training.augment import POLICIES
from semedit.training.recipes import DataConfig, TrainConfig
from semedit.training.state_file import step_seed
from semedit.training.team import Team


class PoolSource:
    """Batches drawn at random from a pool in memory."""

    def __init__(self, pool: Pool, config: TrainConfig, team: Team):
        self.pool, self.config, self.team = pool, config, team

    @property
    def pictures(self) -> int:
        return len(self.pool)

    def stream(self, start: int) -> Iterator[Batch]:
        config, step = self.config, start
        while True:
            seed = step_seed(config.seed, step)
            yield self.pool.batch(config.batch, seed, config.generator.regions, self.team.share)
            step += 1


class DrawnSource:
    """Portraits drawn afresh for every batch, on the device."""

    pictures = 0

    def __init__(self, config: TrainConfig, team: Team):
        self.config, self.team = config, team

    def stream(self, start: int) -> Iterator[Batch]:
        config, step = self.config, start
        while True:
            seed = step_seed(config.seed, step) % 2**40
            yield draw_batch(
                config.batch, config.generator.size, seed, config.data.style, self.team.share, self.team.device
            )
            step += 1


def joint_augment(data: DataConfig) -> JointAugment:
    return JointAugment(data.mirror, data.shift, data.scale, data.rotate)


def region_table(data: DataConfig, default: RegionTable) -> RegionTable:
    """The regions that the run's labels mean: the label map's, or the domain's."""
    return LabelMap.read(data.label_map).table if data.label_map else default


def open_source(config: TrainConfig, folder: Path, regions: RegionTable, team: Team) -> Source:
    """The source of a run's batches; a pool that has to be drawn first is kept in ``folder``.

    Raises ConfigError for data that are not there, or whose regions are not the generator's.
    """
    data = config.data
    if len(regions) != config.generator.regions:
        raise ConfigError(f"the data have {len(regions)} regions, the generator {config.generator.regions}")
    if data.path:
        labels = (
            (LabelMap.read(data.label_map) if data.label_map else LabelMap.identity(regions)) if config.masks else None
        )
        collection = open_collection(data.path, config.generator.size, labelled=config.masks)
        used = labels if config.masks else None
        dataset = CollectionDataset(collection, config.generator.size, used, joint_augment(data))
        return DiskSource(
            dataset, batch=config.batch, seed=config.seed, regions=config.generator.regions, share=team.share,
            workers=data.workers,
        )  # fmt: skip
    if data.domain != "portraits":
        raise ConfigError(f"pictures of the domain '{data.domain}' cannot be drawn; name them with --data")
    if not data.pool:
        return DrawnSource(config, team)
    if team.primary:
        cached_pool(folder, data.pool, config.generator.size, data.seed, data.style)
    team.barrier()
    return PoolSource(cached_pool(folder, data.pool, config.generator.size, data.seed, data.style), config, team)


def differentiable_policies(data: DataConfig, pictures: int) -> tuple[str, ...]:
    """The differentiable augmentations of a run on so many pictures (0: without end)."""
    small = 0 < pictures < data.small_set
    return POLICIES if data.differentiable == "on" or (data.differentiable == "auto" and small) else ()


def sample_pictures(source: Source, count: int) -> Batch:
    """About ``count`` pictures of a source, the first of its stream, gathered for measurements."""
    parts: list[Batch] = []
    for batch in source.stream(0):
        parts.append(batch)
        if sum(len(part.images) for part in parts) >= count:
            break
    return Batch(torch.cat([p.images for p in parts])[:count], torch.cat([p.masks for p in parts])[:count])
