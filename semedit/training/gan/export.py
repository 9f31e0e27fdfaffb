"""From a training run's folder to a model's: small weights, and a card of where they come from."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from semedit.checkpoints import zoo
from semedit.checkpoints.native import build_generator, save_discriminator, save_generator
from semedit.errors import CheckpointError
from semedit.storage.atomic import make_folder
from semedit.storage.content import read_object
from semedit.storage.ownership import claiming, sha256
from semedit.storage.weights import load_weights
from semedit.training.engine.run import CONFIG
from semedit.training.engine.state import STATE
from semedit.training.gan.health import BEST
from semedit.training.gan.state import read_networks
from semedit.training.gan.trainer import GENERATOR


def images_before(config: dict[str, Any]) -> int:
    """Pictures that the networks had seen when a run with this configuration started from them."""
    start = Path(config.get("start", ""))
    if not config.get("start") or not (start / CONFIG).exists():
        return 0
    seen: int = load_weights(start / GENERATOR, "generator").extra["images"]
    return seen + images_before(read_object(start / CONFIG))


def pack(run: Path, folder: Path, domain: str, *, best: bool = False) -> zoo.ModelFolder:
    """Make a model folder of a run's averaged generator and its discriminator (which others start from), in
    float16, with a card of their provenance. ``best`` takes the generator of the smallest Frechet distance.

    Raises CheckpointError if the run has no generator yet, OutputError for a folder with files of these names that is
    no model's.
    """
    with claiming(folder) if zoo.read_card(folder) else nullcontext():
        return _packed(run, folder, domain, best)


def _packed(run: Path, folder: Path, domain: str, best: bool) -> zoo.ModelFolder:
    source = run / (BEST if best else GENERATOR)
    if not source.exists():
        raise CheckpointError(f"{run}: no {source.name}; train further, or name a run's folder")
    weights = load_weights(source, "generator")
    config = read_object(run / CONFIG)
    make_folder(folder)
    save_generator(folder / zoo.GENERATOR, build_generator(weights, source), half=True)
    if (run / STATE).exists():
        save_discriminator(folder / zoo.DISCRIMINATOR, read_networks(run / STATE)[1], half=True)
    generator = build_generator(load_weights(folder / zoo.GENERATOR, "generator"), folder)
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
        "images": weights.extra["images"],
        "images_before": images_before(config),
        "data_sha256": {path.name: sha256(path) for path in sorted(run.glob("pool-*.safetensors"))},
        "config": config,
        "licence": "Apache-2.0",
        **keep,
    }
    entry = zoo.ModelFolder(folder.name, folder, card)
    zoo.refresh_card(entry)
    return entry
