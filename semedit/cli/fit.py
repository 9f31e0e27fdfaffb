"""``semedit fit``: train what stands around a generator: the domain's networks, an encoder, and its editors."""

from pathlib import Path
from typing import Annotated

import typer

from semedit.cli import fit_editors
from semedit.cli.console import (
    DeviceOption,
    JsonOption,
    ModelOption,
    Report,
    SeedOption,
    SetOption,
    check_device,
    number,
    progress_bar,
)

app = typer.Typer(
    help="Train the domain's networks (attributes, features, identity, clip), an encoder, directions or a flow.",
    no_args_is_help=True,
)
fit_editors.register(app)

PicturesOption = Annotated[int, typer.Option(min=64, help="Portraits to draw for training.")]
EpochsOption = Annotated[int, typer.Option(min=1, help="Passes over them.")]
HeldOutOption = Annotated[int, typer.Option(min=16, help="Further portraits to measure on.")]
FileOption = Annotated[str, typer.Option("--out", help="File to write (.safetensors).")]


@app.command()
def attributes(
    out: FileOption = "semedit-runs/portraits/attributes.safetensors",
    pictures: PicturesOption = 16_000,
    epochs: EpochsOption = 5,
    held_out: HeldOutOption = 2_000,
    json: JsonOption = False,
    seed: SeedOption = 11,
) -> None:
    """Train the portraits domain's attribute classifier on drawn portraits."""
    from semedit import zoo
    from semedit.training.supervised import TrunkFitConfig, fit_attributes

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


@app.command()
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
    from semedit import zoo
    from semedit.perceptual import DomainFeatures
    from semedit.training.supervised import FEATURES, fit_features

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


@app.command()
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
    from semedit import zoo
    from semedit.errors import UnknownName
    from semedit.training.identities import FILES, SEEDS, IdentityFitConfig, fit_identity

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


@app.command()
def encoder(
    model: ModelOption = "portraits",
    data: Annotated[str | None, typer.Option("--data", help="Folder or LMDB of pictures (default: as recipe).")] = None,
    start: Annotated[
        str | None, typer.Option("--start", help="Encoder to train further, or a model_ir_se50.pth to begin with.")
    ] = None,
    out: Annotated[str | None, typer.Option("--out", help="Run folder (default: semedit-runs/MODEL-encoder).")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimisation steps in all.")] = None,
    install: Annotated[
        bool, typer.Option("--install/--no-install", help="Put the finished encoder beside its model.")
    ] = True,
    set_: SetOption = None,
    json: JsonOption = False,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of the run (default: the recipe's).")] = None,
    device: DeviceOption = "cpu",
) -> None:
    """Train a ReStyle-pSp encoder for a generator. The same command resumes a run that was stopped, or killed.

    Several processes: torchrun --nproc-per-node N -m semedit fit encoder
    """
    from semedit import zoo
    from semedit.config import assigned
    from semedit.model import load
    from semedit.siblings import sibling
    from semedit.training.team import join_team

    loaded, encoders = load(model), sibling("encoders")
    named = {"data.path": data, "start": start, "steps": steps, "seed": seed}
    config = encoders.recipes.recipe_for(loaded.generator, loaded.domain.name).with_overrides(assigned(named, set_))
    folder = Path(out or f"semedit-runs/{loaded.name}-encoder")
    report = Report(json)
    with join_team(check_device(device)) as team:
        if team.primary:
            report.say(f"{config.name}: {config.steps} steps of {config.batch} pictures -> {folder}")
        with progress_bar("training the encoder", json or not team.primary) as progress:
            encoders.training.train_encoder(
                config, folder, loaded.generator, domain=loaded.domain, team=team, progress=progress
            )
        if not team.primary:
            return
    file = folder / encoders.training.ENCODER
    if install and loaded.entry:
        stored = encoders.load_encoder(file)
        encoders.checkpoint.save_encoder(loaded.entry.folder / zoo.ENCODERS[0], stored, half=True)
        zoo.refresh_card(loaded.entry)
    report.add(run=str(folder), steps=config.steps, encoder=str(file), installed=bool(install and loaded.entry))
    report.say(f"done: {config.steps} steps; the encoder is {file}")
    report.finish()


@app.command()
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
    from semedit import zoo
    from semedit.clip import Clip
    from semedit.training.captioned import ClipFitConfig, fit_clip

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
