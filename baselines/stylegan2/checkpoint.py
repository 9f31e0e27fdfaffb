"""StyleGAN2 files: native ones, and those of the common PyTorch layout. Nothing in a file is ever executed."""

from pathlib import Path

from torch import Tensor

from baselines.stylegan2.discriminator import StyleGAN2Discriminator, StyleGAN2DiscriminatorConfig
from baselines.stylegan2.generator import AVERAGE, StyleGAN2Config, StyleGAN2Generator
from baselines.stylegan2.official import (
    discriminator_entries,
    generator_entries,
    infer_config,
    infer_discriminator_config,
    to_official,
)
from semedit.checkpoints import native
from semedit.checkpoints.native import freeze
from semedit.checkpoints.official import to_native
from semedit.errors import CheckpointError
from semedit.storage.content import reading, shaped
from semedit.storage.pickled import read_pickle, state_of
from semedit.storage.tensors import write_torch
from semedit.storage.weights import load_state, load_weights, opened


def read_part(path: Path, part: str) -> tuple[dict[str, Tensor], object]:
    """The state dict under ``part`` of an official file, and the file's mean code, if it has one.

    Raises CheckpointError, for the pickles of StyleGAN2-ADA and StyleGAN3 without opening them.
    """
    if path.suffix == ".pkl":
        raise CheckpointError(
            f"{path}: a StyleGAN2-ADA pickle is a program, not data (it carries its authors' code), and is not run "
            f"here; convert it where you trust it to a .pt that holds the state dict 'g_ema', and open that"
        )
    content = read_pickle(path)
    state = content.get(part)
    if not isinstance(state, dict):
        found = ", ".join(sorted(map(str, content))[:8])
        raise CheckpointError(f"{path}: a StyleGAN2 checkpoint holds '{part}'; this one holds: {found}")
    return state_of(state, path), content.get(AVERAGE)


def save_generator(path: str | Path, generator: StyleGAN2Generator, *, half: bool = False) -> None:
    """Write a generator natively: a name that ends in .safetensors is a file, any other a folder."""
    native.save_generator(path, generator, half=half)


def load_generator(path: str | Path) -> StyleGAN2Generator:
    """Open a generator: a native folder or file, or an official ``.pt`` with ``g_ema``.

    Returns it frozen, in eval mode, on the CPU, with its fingerprint, and ``latent_avg`` (1, D) if the file has one.
    Raises CheckpointError for a file that is corrupt, of another kind, or would have to be executed.
    """
    path = Path(path)
    with reading(path):
        return _generator(path)


def _generator(path: Path) -> StyleGAN2Generator:
    if path.is_dir() or path.suffix == ".safetensors":
        weights = load_weights(path, StyleGAN2Generator.KIND)
        tensors = dict(weights.tensors)
        average: object = tensors.pop(AVERAGE, None)
        config = StyleGAN2Config.from_json(dict(weights.config))
        generator = opened(lambda: StyleGAN2Generator(config), tensors, path)
        generator.lineage = tuple(shaped(list[str], weights.extra.get("lineage", []), path))
    else:
        state, average = read_part(path, "g_ema")
        generator = StyleGAN2Generator(infer_config(state, path))
        load_state(generator, to_native(generator_entries(generator.config), state, generator.state_dict(), path), path)
    if isinstance(average, Tensor):
        if average.shape[-1:] != (generator.config.style_dim,):
            wanted = generator.config.style_dim
            raise CheckpointError(f"{path}: 'latent_avg' is {tuple(average.shape)} instead of ({wanted},)")
        generator.latent_avg = average.float().reshape(-1, average.shape[-1])[:1].clone()
    return freeze(generator)


def save_official(path: str | Path, generator: StyleGAN2Generator) -> None:
    """Write ``{g_ema}``, and ``latent_avg`` where it is known, in the common PyTorch layout, atomically."""
    mean = {} if generator.latent_avg is None else {AVERAGE: generator.latent_avg[0]}
    write_torch(path, {"g_ema": to_official(generator), **mean})


def load_discriminator(path: str | Path) -> StyleGAN2Discriminator:
    """A discriminator from a native file, or ``d`` of an official training checkpoint, of any size and widths.

    Raises CheckpointError.
    """
    if Path(path).suffix == ".safetensors":
        weights = load_weights(path, StyleGAN2Discriminator.KIND)
        with reading(path):
            config = StyleGAN2DiscriminatorConfig.from_json(dict(weights.config))
        return opened(lambda: StyleGAN2Discriminator(config), weights.tensors, path)
    state, _ = read_part(Path(path), "d")
    with reading(path):
        discriminator = StyleGAN2Discriminator(infer_discriminator_config(state, path))
        native = to_native(discriminator_entries(discriminator.config), state, discriminator.state_dict(), path)
        load_state(discriminator, native, path)
    return discriminator
