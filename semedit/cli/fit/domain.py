"""``semedit fit attributes``, ``features``, ``identity`` and ``clip``: train the portraits domain's own networks."""

from pathlib import Path
from typing import Annotated

import typer

from semedit.checkpoints import zoo
from semedit.cli.console import DeviceOption, JsonOption, Report, SeedOption, SetOption, number, option, progress_bar
from semedit.cli.fit.faces import fit_face_attributes
from semedit.domains import domain as find_domain
from semedit.domains.portraits.fitting.attributes import fit_attributes
from semedit.domains.portraits.fitting.clip import ClipFitConfig, fit_clip
from semedit.domains.portraits.fitting.features import FEATURES, fit_features
from semedit.domains.portraits.fitting.identity import FILES, SEEDS, IdentityFitConfig, fit_identity
from semedit.domains.portraits.fitting.network import FitConfig, TrunkFitConfig
from semedit.errors import UnknownName
from semedit.metrics.clip import Clip
from semedit.metrics.features import DomainFeatures

PicturesOption = Annotated[int, option(FitConfig, "pictures", "Portraits to draw for training.")]
EpochsOption = Annotated[int, option(FitConfig, "epochs", "Passes over them.")]
HeldOutOption = Annotated[int, option(FitConfig, "held_out", "Further portraits to measure on.")]
#: The configurations that the options change.
ATTRIBUTES, IDENTITY, CLIP = TrunkFitConfig(), IdentityFitConfig(), ClipFitConfig()
FileOption = Annotated[str, typer.Option("--out", help="File to write (.safetensors).")]


def attributes(
    out: Annotated[str | None, typer.Option("--out", help="File to write (default: the domain's own place).")] = None,
    domain: Annotated[str, typer.Option(help="Kind of picture: one that is drawn, or faces.")] = "portraits",
    data: Annotated[str | None, typer.Option("--data", help="For faces: CelebA's folder, as it is downloaded.")] = None,
    mapping: Annotated[
        str | None, typer.Option(help="For faces: CelebAMask-HQ's mapping file (default: in --data); none: no check.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--start", help="For faces: torchvision's ResNet-50 to begin with (default: scratch).")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="For faces: optimiser steps in all.")] = None,
    set_: SetOption = None,
    device: DeviceOption = "cpu",
    pictures: PicturesOption = ATTRIBUTES.pictures,
    epochs: EpochsOption = ATTRIBUTES.epochs,
    held_out: HeldOutOption = ATTRIBUTES.held_out,
    json: JsonOption = False,
    seed: SeedOption = ATTRIBUTES.seed,
) -> None:
    """Train a domain's attribute classifier: on drawn portraits, or of faces the papers' ResNet-50 on CelebA."""
    if find_domain(domain).draw is None:
        named = {"mapping": mapping, "start": start, "steps": steps, "seed": seed}
        fit_face_attributes(domain, data, out, named, set_, json, device)
        return
    out = out or "semedit-runs/portraits/attributes.safetensors"
    config = ATTRIBUTES.replace(pictures=pictures, epochs=epochs, held_out=held_out, seed=seed)
    with progress_bar("attribute classifier", json) as progress:
        scorer = fit_attributes(config, progress)
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
    pictures: PicturesOption = FEATURES.pictures,
    epochs: EpochsOption = FEATURES.epochs,
    held_out: HeldOutOption = FEATURES.held_out,
    lr: Annotated[float, typer.Option(help="Peak learning rate.")] = FEATURES.lr,
    start: Annotated[str | None, typer.Option("--start", help="File of a feature network to train further.")] = None,
    json: JsonOption = False,
    seed: SeedOption = FEATURES.seed,
) -> None:
    """Train the portraits domain's feature network: perceptual distance, parser, Frechet features."""

    config = FEATURES.replace(pictures=pictures, epochs=epochs, held_out=held_out, seed=seed, lr=lr)
    begin = DomainFeatures.load(start) if start else None
    with progress_bar("feature network", json) as progress:
        network = fit_features(config, progress, begin)
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
    pictures: PicturesOption = IDENTITY.pictures,
    epochs: EpochsOption = IDENTITY.epochs,
    held_out: HeldOutOption = IDENTITY.held_out,
    json: JsonOption = False,
    seed: Annotated[int | None, typer.Option("--seed", help=f"Seed (default: the role's, {SEEDS}).")] = None,
) -> None:
    """Train an identity network of the portraits domain: the same person drawn in many scenes, many persons."""

    if role not in SEEDS:
        raise UnknownName("role", role, SEEDS)
    chosen = SEEDS[role] if seed is None else seed
    config = IDENTITY.replace(pictures=pictures, epochs=epochs, held_out=held_out, seed=chosen)
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
    pictures: PicturesOption = CLIP.pictures,
    epochs: EpochsOption = CLIP.epochs,
    held_out: HeldOutOption = CLIP.held_out,
    start: Annotated[str | None, typer.Option("--start", help="File of a CLIP to train further.")] = None,
    set_: SetOption = None,
    json: JsonOption = False,
    seed: SeedOption = CLIP.seed,
) -> None:
    """Train the portraits domain's CLIP on drawn portraits and their captions, with open_clip's classes."""

    config = CLIP.replace(pictures=pictures, epochs=epochs, held_out=held_out, seed=seed).with_overrides(set_ or [])
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
