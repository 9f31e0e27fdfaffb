"""``semedit fit attributes``, ``features``, ``identity`` and ``clip``: train the portraits domain's own networks."""

from pathlib import Path
from typing import Annotated

import typer

from semedit.checkpoints import zoo
from semedit.cli.console import DeviceOption, JsonOption, Report, SetOption, number, option, progress_bar
from semedit.cli.fit.faces import fit_face_attributes
from semedit.cli.fit.learnt import weights_file
from semedit.domains import domain as find_domain
from semedit.domains.portraits.fitting import attributes as classifiers
from semedit.domains.portraits.fitting import clip as clips
from semedit.domains.portraits.fitting import features as feature_networks
from semedit.domains.portraits.fitting.identity import FILES, SEEDS, IdentityFitConfig, fit_identity
from semedit.domains.portraits.fitting.network import FitConfig
from semedit.errors import ConfigError, UnknownName
from semedit.metrics.clip import Clip
from semedit.metrics.features import DomainFeatures
from semedit.metrics.roles import GUIDE, file_name

PicturesOption = Annotated[int, option(FitConfig, "pictures", "Portraits to draw for training.")]
EpochsOption = Annotated[int, option(FitConfig, "epochs", "Passes over them.")]
HeldOutOption = Annotated[int, option(FitConfig, "held_out", "Further portraits to measure on.")]
#: The configurations that the options change; those of a judge have a seed and sizes of their own.
ATTRIBUTES, FEATURES, CLIP = classifiers.ROLES[GUIDE], feature_networks.ROLES[GUIDE], clips.ROLES[GUIDE]
IDENTITY = IdentityFitConfig()
FileOption = Annotated[str | None, typer.Option("--out", help="File to write (.safetensors).")]
RoleOption = Annotated[
    str, typer.Option(help="guide (labels samples, stands in losses), or judge: scores, and nothing learns from it.")
]
RoleSeedOption = Annotated[int | None, typer.Option("--seed", help="Seed (default: the role's own).")]


def _file(out: str | None, kind: str, role: str) -> Path:
    return weights_file(out or f"semedit-runs/portraits/{file_name(kind, role)}")


def _seed(seed: int | None) -> dict[str, int]:
    return {} if seed is None else {"seed": seed}


def attributes(
    out: FileOption = None,
    role: RoleOption = GUIDE,
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
    seed: RoleSeedOption = None,
) -> None:
    """Train a domain's attribute classifier: on drawn portraits, or of faces the papers' ResNet-50 on CelebA."""
    own = {"data": data, "mapping": mapping, "start": start, "steps": steps, "set": set_}
    if find_domain(domain).draw is None:
        if role != GUIDE:
            raise ConfigError(
                "--role is for domains that are drawn; elsewhere train with another --seed into another --out"
            )
        named = {"mapping": mapping, "start": start, "steps": steps, "seed": seed}
        fit_face_attributes(domain, data, out, named, set_, json, device)
        return
    if given := [name for name, value in own.items() if value is not None]:
        raise ConfigError(
            f"--{given[0]} is for domains of photographs (--domain faces); pictures of '{domain}' are drawn"
        )
    path = _file(out, "attributes", role)
    config = classifiers.ROLES[role].replace(pictures=pictures, epochs=epochs, held_out=held_out, **_seed(seed))
    with progress_bar(f"attribute classifier ({role})", json) as progress:
        scorer = classifiers.fit_attributes(config, progress, role)
    scorer.save(path)
    zoo.write_domain_card(path.parent, "portraits")
    report = Report(json)
    report.add(file=str(path), **scorer.card)
    accuracy = scorer.card["balanced_accuracy"]
    report.table(["attribute", "balanced accuracy"], [[name, number(value)] for name, value in accuracy.items()])
    report.say(f"-> {path}")
    report.finish()


def features(
    out: FileOption = None,
    role: RoleOption = GUIDE,
    pictures: PicturesOption = FEATURES.pictures,
    epochs: EpochsOption = FEATURES.epochs,
    held_out: HeldOutOption = FEATURES.held_out,
    lr: Annotated[float, typer.Option(help="Peak learning rate.")] = FEATURES.lr,
    start: Annotated[str | None, typer.Option("--start", help="File of a feature network to train further.")] = None,
    json: JsonOption = False,
    seed: RoleSeedOption = None,
) -> None:
    """Train a feature network of the portraits domain: perceptual distance, parser, Frechet features."""

    path = _file(out, "features", role)
    config = feature_networks.ROLES[role].replace(
        pictures=pictures, epochs=epochs, held_out=held_out, lr=lr, **_seed(seed)
    )
    begin = DomainFeatures.load(start) if start else None
    with progress_bar(f"feature network ({role})", json) as progress:
        network = feature_networks.fit_features(config, progress, begin, role)
    network.save(path)
    zoo.write_domain_card(path.parent, "portraits")
    report = Report(json)
    report.add(file=str(path), **network.card)
    large, whole = network.card["parser_miou_large"], network.card["parser_miou"]
    report.say(f"parser mIoU {large:.3f} over the large regions ({whole:.3f} over all) on unseen portraits -> {path}")
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
    seed: RoleSeedOption = None,
) -> None:
    """Train an identity network of the portraits domain: the same person drawn in many scenes, many persons."""

    if role not in SEEDS:
        raise UnknownName("role", role, SEEDS)
    chosen = SEEDS[role] if seed is None else seed
    config = IDENTITY.replace(pictures=pictures, epochs=epochs, held_out=held_out, seed=chosen)
    path = weights_file(out or f"semedit-runs/portraits/{FILES[role]}")
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
    out: FileOption = None,
    role: RoleOption = GUIDE,
    pictures: PicturesOption = CLIP.pictures,
    epochs: EpochsOption = CLIP.epochs,
    held_out: HeldOutOption = CLIP.held_out,
    start: Annotated[str | None, typer.Option("--start", help="File of a CLIP to train further.")] = None,
    set_: SetOption = None,
    json: JsonOption = False,
    seed: RoleSeedOption = None,
) -> None:
    """Train a CLIP of the portraits domain on drawn portraits and their captions, with open_clip's classes."""

    path = _file(out, "clip", role)
    config = clips.ROLES[role].replace(pictures=pictures, epochs=epochs, held_out=held_out, **_seed(seed))
    config = config.with_overrides(set_ or [])
    with progress_bar("drawing, then training", json) as progress:
        network = clips.fit_clip(config, progress, Clip.load(start) if start else None, role)
    network.save(path, config.network)
    zoo.write_domain_card(path.parent, "portraits")
    report = Report(json)
    report.add(file=str(path), **network.card)
    accuracy = network.card["zero_shot"]
    report.table(["property", "zero-shot accuracy"], [[name, number(value)] for name, value in accuracy.items()])
    report.say(f"-> {path}")
    report.finish()
