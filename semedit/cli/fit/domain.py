"""``semedit fit attributes``, ``features``, ``identity`` and ``clip``: train the portraits domain's own networks."""

from pathlib import Path
from typing import Annotated

import typer

from semedit.cli.console import (
    JsonOption,
    Report,
    SeedOption,
    SetOption,
    number,
    progress_bar,
)

PicturesOption = Annotated[int, typer.Option(min=64, help="Portraits to draw for training.")]
EpochsOption = Annotated[int, typer.Option(min=1, help="Passes over them.")]
HeldOutOption = Annotated[int, typer.Option(min=16, help="Further portraits to measure on.")]
FileOption = Annotated[str, typer.Option("--out", help="File to write (.safetensors).")]


def attributes(
    out: FileOption = "semedit-runs/portraits/attributes.safetensors",
    pictures: PicturesOption = 16_000,
    epochs: EpochsOption = 5,
    held_out: HeldOutOption = 2_000,
    json: JsonOption = False,
    seed: SeedOption = 11,
) -> None:
    """Train the portraits domain's attribute classifier on drawn portraits."""
    from semedit.checkpoints import zoo
    from semedit.domains.portraits.fitting.attributes import fit_attributes
    from semedit.domains.portraits.fitting.network import TrunkFitConfig

    with progress_bar("attribute classifier", json) as progress:
        scorer = fit_attributes(
            TrunkFitConfig(pictures=pictures, epochs=epochs, held_out=held_out, seed=seed), progress
        )
    scorer.save(out)
    zoo.write_domain_card(Path(out).parent, "portraits")
    report = Report(json)
    report.add(file=out, **scorer.card)
    accuracy = scorer.card["balanced_accuracy"]
    report.table(["attribute", "balanced accuracy"], [[name, number(value)] for name, value in accuracy.items()])
    report.say(f"-> {out}")
    report.finish()


def features(
    out: FileOption = "semedit-runs/portraits/features.safetensors",
    pictures: PicturesOption = 20_000,
    epochs: EpochsOption = 8,
    held_out: HeldOutOption = 2_000,
    lr: Annotated[float, typer.Option(help="Peak learning rate.")] = 2e-3,
    start: Annotated[str | None, typer.Option("--start", help="File of a feature network to train further.")] = None,
    json: JsonOption = False,
    seed: SeedOption = 11,
) -> None:
    """Train the portraits domain's feature network: perceptual distance, parser, Frechet features."""
    from semedit.checkpoints import zoo
    from semedit.domains.portraits.fitting.features import FEATURES, fit_features
    from semedit.metrics.features import DomainFeatures

    sizes = {"pictures": pictures, "epochs": epochs, "held_out": held_out, "seed": seed, "lr": lr}
    begin = DomainFeatures.load(start) if start else None
    with progress_bar("feature network", json) as progress:
        network = fit_features(FEATURES.model_copy(update=sizes), progress, begin)
    network.save(out)
    zoo.write_domain_card(Path(out).parent, "portraits")
    report = Report(json)
    report.add(file=out, **network.card)
    large, whole = network.card["parser_miou_large"], network.card["parser_miou"]
    report.say(f"parser mIoU {large:.3f} over the large regions ({whole:.3f} over all) on unseen portraits -> {out}")
    report.finish()


def identity(
    out: Annotated[str | None, typer.Option("--out", help="File to write (.safetensors).")] = None,
    role: Annotated[
        str, typer.Option(help="score, or loss: the network that losses use, of a seed of its own.")
    ] = "score",
    pictures: PicturesOption = 18_000,
    epochs: EpochsOption = 6,
    held_out: HeldOutOption = 4_000,
    json: JsonOption = False,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed (default: the role's, 31 or 32).")] = None,
) -> None:
    """Train an identity network of the portraits domain: the same person drawn in many scenes, many persons."""
    from semedit.checkpoints import zoo
    from semedit.domains.portraits.fitting.identity import FILES, SEEDS, IdentityFitConfig, fit_identity
    from semedit.errors import UnknownName

    if role not in SEEDS:
        raise UnknownName("role", role, SEEDS)
    sizes = {"pictures": pictures, "epochs": epochs, "held_out": held_out}
    config = IdentityFitConfig(**sizes, seed=SEEDS[role] if seed is None else seed)
    path = Path(out or f"semedit-runs/portraits/{FILES[role]}")
    with progress_bar(f"identity network ({role})", json) as progress:
        network = fit_identity(config, role, progress)
    network.save(path)
    zoo.write_domain_card(path.parent, "portraits")
    report = Report(json)
    report.add(file=str(path), **network.card)
    accuracy, persons = network.card["verification_accuracy"], network.card["held_out_persons"]
    report.say(f"verification accuracy {100 * accuracy:.1f} % on {persons} unseen persons -> {path}")
    report.finish()


def clip(
    out: FileOption = "semedit-runs/portraits/clip.safetensors",
    pictures: PicturesOption = 20_000,
    epochs: EpochsOption = 8,
    held_out: HeldOutOption = 2_000,
    start: Annotated[str | None, typer.Option("--start", help="File of a CLIP to train further.")] = None,
    set_: SetOption = None,
    json: JsonOption = False,
    seed: SeedOption = 41,
) -> None:
    """Train the portraits domain's CLIP on drawn portraits and their captions, with open_clip's classes."""
    from semedit.checkpoints import zoo
    from semedit.domains.portraits.fitting.clip import ClipFitConfig, fit_clip
    from semedit.metrics.clip import Clip

    config = ClipFitConfig(pictures=pictures, epochs=epochs, held_out=held_out, seed=seed).with_overrides(set_ or [])
    with progress_bar("drawing, then training", json) as progress:
        network = fit_clip(config, progress, Clip.load(start) if start else None)
    network.save(out, config.network)
    zoo.write_domain_card(Path(out).parent, "portraits")
    report = Report(json)
    report.add(file=out, **network.card)
    accuracy = network.card["zero_shot"]
    report.table(["property", "zero-shot accuracy"], [[name, number(value)] for name, value in accuracy.items()])
    report.say(f"-> {out}")
    report.finish()
