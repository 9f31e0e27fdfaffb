"""From a training run's folder to a model's: small weights, and a card of where they come from."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from semedit.checkpoints import zoo
from semedit.checkpoints.native import save_discriminator, save_generator
from semedit.checkpoints.readme import write_readme
from semedit.errors import CheckpointError
from semedit.networks.style_based import StyleBasedGenerator
from semedit.storage.atomic import make_folder
from semedit.storage.content import read_object, shaped
from semedit.storage.ownership import claiming, sha256
from semedit.storage.weights import load_weights
from semedit.training.engine.run import CONFIG
from semedit.training.engine.state import STATE
from semedit.training.gan.config import GanConfig, TrainConfig
from semedit.training.gan.health import BEST
from semedit.training.gan.state import read_critic
from semedit.training.gan.trainer import GENERATOR


def images_before(config: dict[str, Any]) -> int:
    """Pictures that the networks had seen when a run with this configuration started from them."""
    start = Path(config.get("start", ""))
    if not config.get("start") or not (start / CONFIG).exists():
        return 0
    return images_of(start / GENERATOR) + images_before(read_object(start / CONFIG))


def images_of(path: Path) -> int:
    """How many pictures a run had seen when it wrote a generator. Raises CheckpointError for another file."""
    return shaped(int, load_weights(path).extra.get("images"), f"{path}: images")


def pack(run: Path, folder: Path, domain: str, *, best: bool = False, facts: Mapping[str, Any] | None = None,
         kind: type[GanConfig] = TrainConfig,
         opener: Callable[[Path], StyleBasedGenerator] = zoo.load_generator) -> zoo.ModelFolder:  # fmt: skip
    """Make a model folder of a run's averaged generator and, if it has one, its discriminator (which others start
    from), in float16, with a card of their provenance. ``best`` takes the generator of the smallest Frechet distance;
    ``facts`` go into the card too, before those that the run's folder tells.

    ``kind`` is the kind of the run's configuration, and ``opener`` opens its generators. Raises CheckpointError if the
    run has no generator yet, OutputError for a folder with files of these names that is no model's.
    """
    with claiming(folder) if zoo.read_card(folder) else nullcontext():
        entry = _packed(run / (BEST if best else GENERATOR), folder, domain, facts or {}, kind, opener)
    write_readme(entry)
    return entry


def _packed(source: Path, folder: Path, domain: str, facts: Mapping[str, Any], kind: type[GanConfig],
            opener: Callable[[Path], StyleBasedGenerator]) -> zoo.ModelFolder:  # fmt: skip
    run = source.parent
    if not source.exists():
        raise CheckpointError(f"{run}: no {source.name}; train further, or name a run's folder")
    seen = images_of(source)
    config = read_object(run / CONFIG)
    make_folder(folder)
    save_generator(folder / zoo.GENERATOR, opener(source), half=True)
    if (run / STATE).exists() and (critic := read_critic(run / STATE, kind)) is not None:
        save_discriminator(folder / zoo.DISCRIMINATOR, critic, half=True)
    generator = opener(folder / zoo.GENERATOR)
    old = zoo.read_card(folder)
    keep = {"quality": old["quality"]} if old.get("fingerprint") == generator.fingerprint and "quality" in old else {}
    card = {
        "name": folder.name,
        "domain": domain,
        "generator": zoo.GENERATOR,
        "size": generator.config.size,
        "fingerprint": generator.fingerprint,
        "recipe": config["name"],
        "seed": config["seed"],
        "images": seen,
        "images_before": images_before(config),
        "data_sha256": {path.name: sha256(path) for path in sorted(run.glob("pool-*.safetensors"))},
        "config": config,
        "licence": "Apache-2.0",
        **facts,
        **keep,
    }
    entry = zoo.ModelFolder(folder.name, folder, card)
    zoo.refresh_card(entry)
    return entry
