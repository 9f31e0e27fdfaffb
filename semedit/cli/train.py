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
from semedit.cli.early import COURSES, RECIPES, STYLES, UNLABELLED, check_data, check_model, check_names
from semedit.errors import ConfigError

if TYPE_CHECKING:
    from semedit.data.label_map import LabelMap
    from semedit.training.gan.config import GanConfig
    from semedit.training.gan.trainer import Run
    from semedit.training.teaching.config import CourseConfig

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
        str, typer.Argument(help="A recipe's name, such as portraits-adversarial.", autocompletion=complete.recipes)
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
    check_names([recipe], RECIPES, "recipe")
    if recipe in COURSES and (data or label_map):
        raise ConfigError(f"{recipe} is a course; --set lessons.path, lessons.label_map and the like")
    if recipe in UNLABELLED and label_map:
        raise ConfigError(f"{recipe} looks at pictures alone, so that there is nothing for --label-map to say")
    check_data(data, label_map)
    if start:
        check_model(start)

    from baselines import stylegan2
    from semedit.config import assigned
    from semedit.data.label_map import LabelMap
    from semedit.training.gan import recipes
    from semedit.training.teaching.recipes import COURSES as OWN_COURSES

    courses = {**OWN_COURSES, **stylegan2.COURSES}
    if recipe in courses:
        changes = assigned({"start": start, "adversarial.images": images, "seed": seed}, set_)
        return execute_course(courses[recipe]().with_overrides(changes), out, dry_run, json, device)
    named_options = {"data.path": data, "data.label_map": label_map, "start": start, "images": images, "seed": seed}
    rivals = {**stylegan2.RECIPES, **stylegan2.SEMANTIC_RECIPES}
    if recipe in rivals:
        rival = rivals[recipe]().with_overrides(assigned(named_options, set_))
        own = stylegan2.StyleGAN2Run if recipe in stylegan2.RECIPES else stylegan2.SemanticGANRun
        return execute(rival, out, dry_run, json, device, kind=own)
    labels = None if label_map is None else LabelMap.read(label_map)
    config = recipes.recipe(recipe).with_overrides([*regions_of(labels), *assigned(named_options, set_)])
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
    if (data is None) == (style is None):
        raise ConfigError("name the pictures to adapt to: --data FOLDER, or --style cel for drawn portraits")
    check_names([style] if style else [], STYLES, "drawing style")
    check_data(data)
    check_model(start)

    from semedit.config import assigned
    from semedit.training.gan.starting import adaptation_of

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
    config: "GanConfig", out: str | None, dry_run: bool, as_json: bool, device: str, labels: "LabelMap | None" = None,
    kind: "type[Run] | None" = None,
) -> None:  # fmt: skip
    """Run a configuration in this process's place of its team; ``kind`` is the run of one of another generator."""
    from semedit.training.gan.memory import estimate

    if dry_run:
        stdout.print_json(json_module.dumps(config.to_json()))
        complain(estimate(config).summary())
        return
    from semedit.domains import domain
    from semedit.training.engine.team import join_team
    from semedit.training.gan.trainer import GENERATOR, Run
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
                kind=kind or Run,
            )
        if not team.primary:
            return
    report.add(run=folder, steps=state.step, images=state.step * config.batch, generator=f"{folder}/{GENERATOR}")
    report.say(f"done: {state.step} steps; the averaged generator is {folder}/{GENERATOR}")
    report.finish()


def execute_course(config: "CourseConfig", out: str | None, dry_run: bool, as_json: bool, device: str) -> None:
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
