"""What ``semedit edit`` and ``semedit drag`` share: where they start from, what goes back into the photo, and how what
was done is reported."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semedit.cli import complete
from semedit.cli.console import Report
from semedit.cli.early import check_sources
from semedit.cli.shown import as_json, show_edit
from semedit.editing.requests.request import Outputs, Pasting
from semedit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from semedit.editing.model import Model
    from semedit.editing.requests.records import Failure, Watch
    from semedit.editing.results.subjects import Subject
    from semedit.editing.sessions.session import EditSession

#: Pictures edited at once, unless told otherwise.
BATCH = 16

SourcesArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Pictures, latents, folders of either, or globs; the latest inversion if left out."),
]
MeanOption = Annotated[bool, typer.Option("--mean", help="Edit the model's mean picture.", rich_help_panel="From")]
ContinueOption = Annotated[bool, typer.Option("--continue", help="Go on from the latest edit.", rich_help_panel="From")]
InvertMethodOption = Annotated[
    str | None,
    typer.Option(
        help="How pictures are inverted first: restyle, optimize, restyle+optimize (the default with an encoder) or "
        "pti.",
        rich_help_panel="From",
        autocompletion=complete.invert_methods,
    ),
]
FaceOption = Annotated[
    int | None,
    typer.Option(help="Which face, 1 being the largest, when there are several.", rich_help_panel="From"),
]
PasteOption = Annotated[
    bool,
    typer.Option(
        "--paste-back",
        help="Also put the change back into the full photo: pasted.png.",
        rich_help_panel="Back into the photo",
    ),
]
PhotoOption = Annotated[
    str | None,
    typer.Option(help="The photo for --paste-back, if its file has moved.", rich_help_panel="Back into the photo"),
]
BlendOption = Annotated[
    str,
    typer.Option(
        help="What --paste-back puts there: the difference that the edit made, replace (the edited regions "
        "themselves), or crop (all of it).",
        rich_help_panel="Back into the photo",
    ),
]
MaskOption = Annotated[
    Path | None,
    typer.Option(
        help="For --paste-back: a picture that is white where the photo may change.",
        rich_help_panel="Back into the photo",
    ),
]
SaveMaskOption = Annotated[
    bool,
    typer.Option(
        "--save-mask",
        help="Also write the edited regions as a mask: mask.png, pasted-mask.png.",
        rich_help_panel="Back into the photo",
    ),
]
AnywayOption = Annotated[
    bool,
    typer.Option(
        "--anyway",
        help="Paste back even where the picture lies outside what the model knows.",
        rich_help_panel="Back into the photo",
    ),
]
StripOption = Annotated[bool, typer.Option("--strip", help="Also write a row of strengths from -1 to 1.5.")]
BatchOption = Annotated[int, typer.Option(min=1, help="Pictures edited at once.")]


def check_start(source: list[str] | None, mean: bool, go_on: bool) -> None:
    """ConfigError for more than one place to start from."""
    if sum((bool(source), mean, go_on)) > 1:
        raise ConfigError("a SOURCE, --mean and --continue are three places to start from; give one of them")


def outputs_of(*, paste: bool, photo: str | None, blend: str, mask: Path | None, anyway: bool, strip: bool,
               save_mask: bool) -> Outputs:  # fmt: skip
    """What is written besides the edited picture. Raises ConfigError for options that go with --paste-back alone, and
    ImageError for a mask that is not there."""
    check_sources([str(mask)] if mask else [])
    if not paste and (photo or mask or anyway or blend != Pasting.how):
        raise ConfigError("--photo, --blend, --mask and --anyway go with --paste-back")
    pasting = Pasting(photo=Path(photo) if photo else None, how=blend, mask=mask, anyway=anyway) if paste else None
    return Outputs(strip=strip, mask=save_mask, paste=pasting)


def starting(model: "Model", source: list[str] | None, mean: bool, go_on: bool, out: Path, watch: "Watch | None",
             method: str | None, face: int | None) -> "Iterable[Subject | Failure]":  # fmt: skip
    """What is edited: the sources, pictures among them inverted first, or where none is named the mean code, the latest
    edit, or the latest inversion."""
    from semedit.editing.results import subjects
    from semedit.editing.sessions.inverting import subjects_of

    if source:
        return subjects_of(model, source, out, watch, method=method, face=face)
    if mean:
        return [subjects.mean_subject(model, out)]
    return [subjects.latest_edit(out) if go_on else subjects.latest(out)]


def carry_out(report: Report, session: "EditSession", model: "Model", found: "Iterable[Subject | Failure]",
              outputs: Outputs, batch: int = BATCH) -> None:  # fmt: skip
    """Edit what was found, ``batch`` at once, and report each result; what failed is named, and the rest goes on."""
    from semedit.editing.measuring.explained import explain_edit
    from semedit.editing.requests.records import Failure

    named = []
    for one in found:
        if isinstance(one, Failure):
            report.fail(one.input, one.error)
        else:
            named.append(one)
    for done in session.edit(named, batch=batch, outputs=outputs):
        if isinstance(done, Failure):
            report.fail(done.input, done.error)
        else:
            report.add(**done.to_json(), explained=as_json(explain_edit(done, model)))
            show_edit(report, done, model)
    if len(report.results) + len(report.failed) > 1:
        report.say(f"{len(report.results)} edited, {len(report.failed)} failed")
