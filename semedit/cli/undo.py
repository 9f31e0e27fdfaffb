"""``semedit undo``: take edits of a latent back."""

from pathlib import Path
from typing import Annotated

import typer

from semedit.cli.console import DeviceOption, JsonOption, ModelOption, NoMarkOption, OutOption, Report, check_device
from semedit.cli.early import check_sources


def undo(
    source: Annotated[str | None, typer.Argument(help="An edited latent; the latest edit in OUT if left out.")] = None,
    edits: Annotated[int, typer.Option("--edits", min=1, help="How many edits to take back.")] = 1,
    model: ModelOption = "portraits",
    out: OutOption = "semedit-out",
    no_mark: NoMarkOption = False,
    json: JsonOption = False,
    device: DeviceOption = "cpu",
) -> None:
    """Take the last edit of a latent back, bit for bit; writes what was before it beside the other edits."""
    check_sources([source] if source else [])

    from semedit.editing.loading import load
    from semedit.editing.results import subjects
    from semedit.editing.sessions.session import take_back
    from semedit.pictures.provenance import mark_pictures

    mark_pictures(not no_mark)
    folder = Path(out)
    subject = subjects.subject_of(Path(source), folder, set()) if source else subjects.latest_edit(folder)
    done, report = take_back(load(model).to(check_device(device)), subject, edits), Report(json)
    report.add(**done.to_json())
    left = f"{len(done.left)} left{': ' + ', '.join(done.left) if done.left else ''}"
    report.say(f"{edits} undone, {left} -> {done.folder}")
    report.finish()
