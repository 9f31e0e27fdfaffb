"""``semedit train`` and ``semedit adapt``: run or resume the GAN trainer, alone or under torchrun."""

import json as json_module
from typing import TYPE_CHECKING, Annotated

import typer

from semedit.cli import complete
from semedit.cli.console import (
    DeviceOption,
    JsonOption,
    Report,
    SetOption,
    check_device,
    complain,
    progress_bar,
    stdout,
)

if TYPE_CHECKING:
    from semedit.data.label_map import LabelMap
    from semedit.training.gan.config import TrainConfig
    from semedit.training.teaching.config import TeachConfig

RunOption = Annotated[str | None, typer.Option("--out", help="Run folder (default: semedit-runs/NAME).")]
ImagesOption = Annotated[int | None, typer.Option(min=1, help="Pictures to train on in all.")]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Seed of the run (default: the recipe's).")]
DataOption = Annotated[str | None, typer.Option("--data", help="Folder or LMDB of training pictures.")]
LabelMapOption = Annotated[str | None, typer.Option("--label-map", help="YAML file that says what the labels mean.")]
StartOption = Annotated[
    str | None, typer.Option("--start", help="Run folder, model or official .pt to start from; a smaller one is grown.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print configuration and memory estimate, and stop.")]


def train(
    recipe: Annotated[
        str, typer.Argument(help="A recipe's name, such as portraits-64.", autocompletion=complete.recipes)
    ],
    data: DataOption = None,
    label_map: LabelMapOption = None,
    start: StartOption = None,
    out: RunOption = None,
    images: ImagesOption = None,
    seed: SeedOption = None,
    set_: SetOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    device: DeviceOption = "cpu",
) -> None:
    """Train a generator: from its adversary alone, or by a course of lessons and then its adversary.

    The same command resumes a run that was stopped, or killed, in the stage where it was.
    Several processes: torchrun --nproc-per-node N -m semedit train RECIPE
    """
    from semedit.config import assigned
    from semedit.data.label_map import LabelMap
    from semedit.errors import ConfigError, UnknownName
    from semedit.training.gan.recipes import RECIPES
    from semedit.training.teaching.recipes import COURSES

    if recipe in COURSES:
        if data or label_map:
            raise ConfigError(f"{recipe} is a course; --set lessons.path, lessons.label_map and the like")
        changes = assigned({"start": start, "adversarial.images": images, "seed": seed}, set_)
        return execute_course(COURSES[recipe]().with_overrides(changes), out, dry_run, json, device)
    if recipe not in RECIPES:
        raise UnknownName("recipe", recipe, [*COURSES, *RECIPES])
    labels = None if label_map is None else LabelMap.read(label_map)
    named_options = {"data.path": data, "data.label_map": label_map, "start": start, "images": images, "seed": seed}
    config = RECIPES[recipe]().with_overrides([*regions_of(labels), *assigned(named_options, set_)])
    return execute(config, out, dry_run, json, device, labels)


def adapt(
    data: DataOption = None,
    style: Annotated[str | None, typer.Option(help="Instead of --data: draw portraits in this style (cel).")] = None,
    start: Annotated[str, typer.Option("--model", help="Model, run folder or official .pt to adapt.")] = "portraits",
    freeze_local: Annotated[
        str | None,
        typer.Option(
            help="off; ema_only (as the released code, and by default); or true_freeze, to keep shapes.",
        ),
    ] = None,
    out: RunOption = None,
    images: ImagesOption = None,
    seed: SeedOption = None,
    set_: SetOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    device: DeviceOption = "cpu",
) -> None:
    """Adapt a trained generator to pictures of another look, without labels. Codes keep their meaning.

    With frozen local generators a code in W+ keeps its coarse segmentation bit for bit.
    """
    from semedit.config import assigned
    from semedit.errors import ConfigError
    from semedit.training.gan.starting import adaptation_of

    if (data is None) == (style is None):
        raise ConfigError("name the pictures to adapt to: --data FOLDER, or --style cel for drawn portraits")
    named_options = {
        "data.path": data,
        "data.style": style,
        "images": images,
        "seed": seed,
        "freeze_local": freeze_local,
    }
    config = adaptation_of(start, assigned(named_options, set_))
    execute(config, out, dry_run, json, device)


def regions_of(labels: "LabelMap | None") -> list[str]:
    """The options that give both networks the regions of a label map."""
    if labels is None:
        return []
    table = labels.table
    transparent = list(table.transparent_indices)
    counts = [f"{network}.regions={len(table)}" for network in ("generator", "discriminator")]
    return [*counts, f"generator.transparent={transparent}"]


def execute(
    config: "TrainConfig", out: str | None, dry_run: bool, as_json: bool, device: str, labels: "LabelMap | None" = None
) -> None:
    """Run a configuration in this process's place of its team."""
    from semedit.training.gan.memory import estimate

    if dry_run:
        stdout.print_json(json_module.dumps(config.to_json()))
        complain(estimate(config).summary())
        return
    from semedit.domains import domain
    from semedit.training.engine.team import join_team
    from semedit.training.gan.trainer import GENERATOR
    from semedit.training.gan.trainer import train as run

    folder = out or f"semedit-runs/{config.name}"
    report = Report(as_json)
    with join_team(check_device(device)) as team:
        quiet = as_json or not team.primary
        if team.primary:
            report.say(f"{config.name}: {config.steps} steps of {config.batch} pictures -> {folder}")
        with progress_bar("training", quiet) as progress:
            state = run(
                config,
                folder,
                domain=domain(config.data.domain),
                labels=labels,
                team=team,
                progress=progress,
                say=complain,
            )
        if not team.primary:
            return
    report.add(run=folder, steps=state.step, images=state.step * config.batch, generator=f"{folder}/{GENERATOR}")
    report.say(f"done: {state.step} steps; the averaged generator is {folder}/{GENERATOR}")
    report.finish()


def execute_course(config: "TeachConfig", out: str | None, dry_run: bool, as_json: bool, device: str) -> None:
    """Run a course in this process's place of its team."""
    if dry_run:
        stdout.print_json(json_module.dumps(config.to_json()))
        return
    from semedit.domains import domain
    from semedit.training.engine.team import join_team
    from semedit.training.teaching.course import teach

    folder = out or f"semedit-runs/{config.name}"
    report = Report(as_json)
    with join_team(check_device(device)) as team:
        quiet = as_json or not team.primary
        with progress_bar(f"{config.name} -> {folder}", quiet) as progress:
            generator = teach(
                config, folder, domain=domain(config.lessons.domain), team=team, progress=progress, say=complain
            )
        if not team.primary:
            return
    report.add(run=folder, generator=generator.fingerprint)
    report.say(f"done: the course is in {folder}, the last stage's averaged generator with it")
    report.finish()
