"""Where a run begins: fresh networks, or trained ones taken over, grown if the run is at a larger size.

Growing doubles the size: mapping, local generators and render blocks carry over; a new render block and a new first
discriminator block join. The grown generator's pictures are at first the old ones, enlarged.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from semedit import zoo
from semedit.checkpoint import load_discriminator
from semedit.discriminator import DiscriminatorConfig, DualDiscriminator
from semedit.errors import CheckpointError, ConfigError
from semedit.generator import SemanticGenerator
from semedit.official import load_official, load_official_discriminator
from semedit.regions import RegionTable
from semedit.training.gan import GanState, initial_state, state_of
from semedit.training.recipes import DataConfig, TrainConfig, adaptation
from semedit.training.state_file import STATE, read_networks, read_state

#: Options that may differ between a generator and the one it is grown from.
GROWING = ("size", "render_channels", "channels")


@dataclass(frozen=True)
class Networks:
    """A trained generator, its average, and its discriminator and the options of its training if those are known."""

    generator: SemanticGenerator
    average: SemanticGenerator
    discriminator: DualDiscriminator | None
    config: TrainConfig | None = None


def open_networks(source: str | Path) -> Networks:
    """The networks of a run folder, a model's name, a native generator file, or an official ``.pt`` checkpoint.

    A source that holds the average alone gives a copy of it as the trained generator. Raises CheckpointError or
    UnknownName.
    """
    path = Path(source)
    if (path / STATE).is_file():
        own = TrainConfig.from_json(read_state(path / STATE)[0]["config"])
        return Networks(*read_networks(path / STATE), own)
    average = zoo.load_generator(source)
    if path.suffix in (".pt", ".pth"):
        trained, discriminator = _try(lambda: load_official(path, "g")), _try(lambda: load_official_discriminator(path))
        return Networks(trained or copy.deepcopy(average), average, discriminator)
    folder = path.parent if path.exists() else zoo.find(str(source)).folder
    file, card = folder / zoo.DISCRIMINATOR, zoo.read_card(folder)
    config = TrainConfig.from_json(card["config"]) if "config" in card else None
    return Networks(copy.deepcopy(average), average, load_discriminator(file) if file.exists() else None, config)


T = TypeVar("T")


def _try(load: Callable[[], T]) -> T | None:
    try:
        return load()
    except CheckpointError:
        return None


def starting_state(
    config: TrainConfig,
    device: torch.device,
    regions: RegionTable,
    say: Callable[[str], None] = lambda _: None,
) -> GanState:
    """The state at step 0 of the run that ``config`` describes.

    ``say`` is told what was taken over. Raises ConfigError if the start's networks are of other sizes than the run's.
    """
    if not config.start:
        return initial_state(config, device, regions)
    start = open_networks(config.start)
    torch.manual_seed(config.seed)
    trained = grown_generator(start.generator, config)
    torch.manual_seed(config.seed)  # the new blocks of both begin alike
    average = grown_generator(start.average, config)
    if not config.masks and start.average.fingerprint:
        average.lineage = (start.average.fingerprint, *start.average.lineage)
    if start.discriminator is None:
        say(f"{config.start} has no discriminator; a fresh one is trained, which takes longer and forgets more")
        discriminator = DualDiscriminator(config.discriminator)
    else:
        discriminator = grown_discriminator(start.discriminator, config)
    say(f"starting from {config.start} ({start.average.config.size} px)")
    return state_of(config, device, trained.requires_grad_(True).train(), discriminator, average)


def adaptation_of(start: str, assignments: list[str]) -> TrainConfig:
    """The configuration that adapts the networks of ``start`` to other pictures.

    Sizes are those of the networks. A model that this library trained is adapted with its own R1 weight and precision,
    which its discriminator is used to; any other with the official ones.
    """
    networks = open_networks(start)
    discriminator = networks.discriminator
    sizes = networks.average.config
    config = discriminator.config if discriminator else DiscriminatorConfig(size=sizes.size, regions=sizes.regions)
    own = networks.config
    kept = [f"r1_image={own.r1_image}", f"precision={own.precision}"] if own else []
    return adaptation(start, sizes, config, DataConfig(mirror=True)).with_overrides([*kept, *assignments])


def check_same(old: dict[str, object], new: dict[str, object], what: str) -> None:
    """ConfigError naming the options in which a run's network differs from its start's, besides those of growing."""
    if changed := sorted(name for name in new if name not in GROWING and old.get(name) != new[name]):
        raise ConfigError(f"the start's {what} differs from the run's in {', '.join(changed)}")


def doublings(old: int, new: int) -> int:
    """How often ``old`` doubles to ``new``; ConfigError if it does not."""
    if new < old:
        raise ConfigError(f"a {old} px start cannot be shrunk to {new} px")
    return int(math.log2(new // old))


def grown_generator(source: SemanticGenerator, config: TrainConfig) -> SemanticGenerator:
    """``source`` at the run's size: unchanged, or with new render blocks whose heads begin at zero."""
    target = config.generator
    check_same(source.config.to_json(), target.to_json(), "generator")
    if not doublings(source.config.size, target.size):
        return copy.deepcopy(source)
    grown = SemanticGenerator(target, source.regions)
    state, old = grown.state_dict(), source.state_dict()
    # Octaves are appended at the end; the weight's equalised scale depends on their number.
    columns, before = state["local.embedding"].shape[1], old["local.embedding"].shape[1]
    embedding = torch.zeros_like(state["local.embedding"])
    embedding[:, :before] = old["local.embedding"] * math.sqrt(columns / before)
    carry(state, old, "generator")
    state["local.embedding"] = embedding
    for b in range(len(source.render.blocks), len(grown.render.blocks)):
        for name in (n for n in state if n.startswith(f"render.blocks.{b}.") and "to_" in n and n.endswith("weight")):
            state[name] = torch.zeros_like(state[name])
    grown.load_state_dict(state)
    return grown


def grown_discriminator(source: DualDiscriminator, config: TrainConfig) -> DualDiscriminator:
    """``source`` at the run's size: unchanged, or with new first blocks in both branches."""
    target = config.discriminator
    check_same(source.config.to_json(), target.to_json(), "discriminator")
    steps = doublings(source.config.size, target.size)
    if not steps:
        return copy.deepcopy(source)
    grown = DualDiscriminator(target)
    state, old = grown.state_dict(), {}
    for name, value in source.state_dict().items():
        branch, _, rest = name.partition(".")
        if not branch.endswith("_branch"):
            old[name] = value
        elif not rest.startswith("0."):  # the input convolution is made anew
            block, _, rest = rest.partition(".")
            old[f"{branch}.{int(block) + steps}.{rest}"] = value
    carry(state, old, "discriminator")
    grown.load_state_dict(state)
    return grown


def carry(state: dict[str, Tensor], old: dict[str, Tensor], what: str) -> None:
    """Put the tensors of ``old`` into ``state``; ConfigError for one of another shape."""
    for name, value in old.items():
        if name == "local.embedding":
            continue
        if name not in state or state[name].shape != value.shape:
            raise ConfigError(f"the start's {what} does not fit the run's: '{name}' is {tuple(value.shape)}")
        state[name] = value.clone()
