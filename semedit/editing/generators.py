"""Generators of every kind, opened by a model's name or from a file, which says of which kind it is; and what asks for
one that knows regions."""

from collections.abc import Callable, Mapping
from pathlib import Path

from baselines import stylegan2
from semedit.checkpoints import zoo
from semedit.checkpoints.official import save_official
from semedit.errors import CheckpointError, ConfigError
from semedit.latents.regions import WHOLE, RegionTable
from semedit.networks.generator import SemanticGenerator
from semedit.networks.style_based import StyleBasedGenerator
from semedit.storage.pickled import read_pickle
from semedit.storage.weights import kind_of
from semedit.training.gan.config import GanConfig, TrainConfig
from semedit.training.gan.trainer import GENERATOR

#: Kind of a native weight file -> what opens it, or the official file of such a generator.
OPENERS: Mapping[str, Callable[[Path], StyleBasedGenerator]] = {
    SemanticGenerator.KIND: zoo.load_generator,
    stylegan2.StyleGAN2Generator.KIND: stylegan2.load_generator,
    stylegan2.SemanticGAN.KIND: stylegan2.load_semantic_gan,
}
#: Kind of a generator -> the configuration of its training.
CONFIGS: Mapping[str, type[GanConfig]] = {
    SemanticGenerator.KIND: TrainConfig,
    stylegan2.StyleGAN2Generator.KIND: stylegan2.StyleGAN2TrainConfig,
    stylegan2.SemanticGAN.KIND: stylegan2.SemanticGANTrainConfig,
}
#: An entry that only an official StyleGAN2 has.
CONSTANT = "input.input"


def generator_kind(path: Path) -> str:
    """The kind of the generator in a native file or folder, or in an official one. Raises CheckpointError."""
    if path.suffix in (".pt", ".pth"):
        state = read_pickle(path).get("g_ema")
        of_whole = isinstance(state, dict) and CONSTANT in state
        return stylegan2.StyleGAN2Generator.KIND if of_whole else SemanticGenerator.KIND
    return stylegan2.StyleGAN2Generator.KIND if path.suffix == ".pkl" else kind_of(path)


def load_generator(name_or_path: str | Path) -> StyleBasedGenerator:
    """Open a generator: a model's name, a native folder or file, or an official ``.pt`` of a SemanticStyleGAN or a
    StyleGAN2.

    Returns it frozen, in eval mode, on the CPU, with its fingerprint set. Raises UnknownName, MissingWeights, or
    CheckpointError for a file that is corrupt or holds no generator.
    """
    path = zoo.generator_file(name_or_path)
    kind = generator_kind(path)
    if kind not in OPENERS:
        raise CheckpointError(f"{path}: holds a {kind}, not a generator")
    return OPENERS[kind](path)


def write_official(path: Path, generator: StyleBasedGenerator) -> None:
    """Write a generator as the official scripts of its kind read it. Raises CheckpointError for one that they cannot
    hold."""
    if isinstance(generator, SemanticGenerator):
        save_official(path, generator)
    elif isinstance(generator, stylegan2.StyleGAN2Generator) and not isinstance(generator, stylegan2.SemanticGAN):
        stylegan2.save_official(path, generator)
    else:
        raise CheckpointError(f"{path}: there is no official format of a {generator.KIND}")


def run_kind(folder: Path) -> type[GanConfig]:
    """The kind of the configuration of a training run, told from the generator that it has written."""
    file = folder / GENERATOR
    return CONFIGS.get(kind_of(file), TrainConfig) if file.exists() else TrainConfig


def semantic(generator: StyleBasedGenerator, what: str) -> SemanticGenerator:
    """The generator, for something that needs its regions; ConfigError, which says what, for one that has none."""
    if not isinstance(generator, SemanticGenerator):
        raise ConfigError(f"a {generator.KIND} has no regions, which {what} needs: its codes are of whole pictures")
    return generator


def check_regions(generator: StyleBasedGenerator, table: RegionTable, text: str) -> None:
    """UnknownName or ConfigError for a text of regions that a domain's table, or this generator, does not know."""
    table.select(text)
    if not generator.regions and text != WHOLE:
        raise ConfigError(
            f"a {generator.KIND} has no regions, so that '{text}' cannot be edited alone; --regions {WHOLE} edits the "
            f"whole picture"
        )
