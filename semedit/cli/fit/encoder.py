"""``semedit fit encoder``: train an encoder for a generator."""

from pathlib import Path
from typing import Annotated

import typer

from semedit.cli.console import (
    DeviceOption,
    JsonOption,
    ModelOption,
    Report,
    SetOption,
    check_device,
    complain,
    progress_bar,
)


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
    import encoders
    from semedit.checkpoints import zoo
    from semedit.config import assigned
    from semedit.editing.loading import load
    from semedit.storage.ownership import claiming
    from semedit.training.engine.team import join_team

    loaded = load(model)
    named: dict[str, object] = {"data.path": data, "start": start, "steps": steps, "seed": seed}
    if data:  # nobody knows the codes of these pictures
        named |= {"lessons": "null", "code_weight": 0}
    config = encoders.recipes.recipe_for(loaded.generator, loaded.domain.name).with_overrides(assigned(named, set_))
    folder = Path(out or f"semedit-runs/{loaded.name}-encoder")
    report = Report(json)
    with join_team(check_device(device)) as team:
        if team.primary:
            report.say(f"{config.name}: {config.steps} steps of {config.batch} pictures -> {folder}")
        with progress_bar("training the encoder", json or not team.primary) as progress:
            encoders.training.train_encoder(
                config,
                folder,
                loaded.generator,
                domain=loaded.domain,
                team=team,
                progress=progress,
                say=complain if team.primary else lambda _: None,
            )
        if not team.primary:
            return
    file = folder / encoders.training.ENCODER
    if install and loaded.entry:
        stored = encoders.load_encoder(file)
        with claiming(loaded.entry.folder):
            encoders.checkpoint.save_encoder(loaded.entry.folder / zoo.ENCODERS[0], stored, half=True)
        zoo.refresh_card(loaded.entry)
    report.add(run=str(folder), steps=config.steps, encoder=str(file), installed=bool(install and loaded.entry))
    report.say(f"done: {config.steps} steps; the encoder is {file}")
    report.finish()
