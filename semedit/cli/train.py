"""``semedit train``: run or resume the GAN trainer on a named recipe."""

import json as json_module
from typing import Annotated

import typer

from semedit.cli.console import DeviceOption, JsonOption, Report, check_device, progress_bar, stdout


def train(
    recipe: Annotated[str, typer.Argument(help="A recipe's name, such as portraits-64.")],
    out: Annotated[str | None, typer.Option("--out", help="Run folder (default: semedit-runs/RECIPE).")] = None,
    images: Annotated[int | None, typer.Option(min=1, help="Pictures to train on in all.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of the run (default: the recipe's).")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Override an option: --set generator.local_channels=24.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the full configuration and stop.")] = False,
    json: JsonOption = False,
    device: DeviceOption = "cpu",
) -> None:
    """Train a generator. The same command resumes a run that was stopped, or killed."""
    from semedit.training.recipes import recipe as named

    changes = [
        *(set_ or []),
        *([f"images={images}"] if images else []),
        *([f"seed={seed}"] if seed is not None else []),
    ]
    config = named(recipe).with_overrides(changes)
    if dry_run:
        stdout.print_json(json_module.dumps(config.to_json()))
        return
    from semedit.domains import domain
    from semedit.training.loop import GENERATOR
    from semedit.training.loop import train as run

    folder = out or f"semedit-runs/{config.name}"
    report = Report(json)
    report.say(f"{config.name}: {config.steps} steps of {config.batch} pictures -> {folder}")
    with progress_bar("training", json) as progress:
        state = run(
            config,
            folder,
            regions=domain(config.data.domain).regions,
            device=check_device(device),
            progress=lambda step, steps, _: progress(step, steps),
        )
    report.add(run=folder, steps=state.step, images=state.step * config.batch, generator=f"{folder}/{GENERATOR}")
    report.say(f"done: {state.step} steps; the averaged generator is {folder}/{GENERATOR}")
    report.finish()
