"""Generators and discriminators to and from this library's own weight files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from semedit.latents.regions import RegionTable
from semedit.networks.discriminator import Discriminator, DiscriminatorConfig, DualDiscriminator
from semedit.networks.generator import GeneratorConfig, SemanticGenerator
from semedit.networks.style_based import StyleBasedGenerator
from semedit.storage.content import reading, shaped
from semedit.storage.weights import Weights, fingerprint, load_weights, opened, save_weights

Network = TypeVar("Network", bound=nn.Module)


def save_generator(
    path: str | Path, generator: StyleBasedGenerator, *, half: bool = False, extra: Mapping[str, Any] | None = None
) -> None:
    """Write a generator natively; ``extra`` is free JSON, such as the name of its domain."""
    header = {"regions": generator.label_table.to_json(), "lineage": list(generator.lineage), **(extra or {})}
    weights = Weights(generator.KIND, generator.config.to_json(), generator.stored(), header)
    save_weights(path, weights, half=half)


def save_discriminator(path: str | Path, discriminator: Discriminator, *, half: bool = False) -> None:
    """Write a discriminator natively, for runs that start from a trained model."""
    config = discriminator.config.to_json()
    save_weights(path, Weights(discriminator.KIND, config, discriminator.state_dict()), half=half)


def load_discriminator(path: str | Path) -> DualDiscriminator:
    """Read a file written by :func:`save_discriminator`; CheckpointError if it is anything else."""
    weights = load_weights(path, "discriminator")
    with reading(path):
        config = DiscriminatorConfig.from_json(dict(weights.config))
    return opened(lambda: DualDiscriminator(config), weights.tensors, path)


def build_generator(weights: Weights, source: str | Path) -> SemanticGenerator:
    """The generator in ``weights``, in eval mode, with gradients off and its fingerprint set.

    Raises CheckpointError, naming ``source``, for weights that are none.
    """
    with reading(source):
        regions = RegionTable.from_json(weights.extra["regions"])
        config = GeneratorConfig.from_json(dict(weights.config))
        generator = opened(lambda: SemanticGenerator(config, regions), weights.tensors, source)
        generator.lineage = tuple(shaped(list[str], weights.extra.get("lineage", []), source))
    return freeze(generator)


def freeze(generator: Network) -> Network:
    """Put a generator into eval mode without gradients, and set its fingerprint."""
    own: Any = generator.eval().requires_grad_(False)
    own.fingerprint = fingerprint(own, own.config.model_dump(mode="json", exclude_defaults=True))
    return generator
