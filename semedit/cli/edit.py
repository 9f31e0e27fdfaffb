"""``semedit edit`` and ``semedit undo``: change chosen regions by attributes, words or parts, and take it back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semedit.cli.console import (
    DeviceOption,
    JsonOption,
    ModelOption,
    OutOption,
    Report,
    SeedOption,
    SetOption,
    check_device,
    check_model,
    check_present,
    names,
    watching,
)
from semedit.cli.shown import show_choices, show_edit
from semedit.editing.request import METHOD, EditRequest
from semedit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from semedit.editing.model import Model
    from semedit.editing.records import Failure, Watch
    from semedit.editing.subjects import Subject


def edit(
    source: Annotated[
        list[str] | None,
        typer.Argument(help="Pictures, latents, folders of either, or globs; the latest inversion if left out."),
    ] = None,
    attr: Annotated[
        list[str] | None,
        typer.Option(help="The attribute to change, or NAME=STRENGTH. Several are applied one after the other."),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(help="Instead: what the picture should show. Several are applied one after the other."),
    ] = None,
    regions: Annotated[
        list[str] | None,
        typer.Option(
            help="Regions or groups, comma separated, each with :shape or :texture; 'all' is unmasked; 'auto' the "
            "fewest that keep 90 % of the gain. Once for all edits, or once for each."
        ),
    ] = None,
    strength: Annotated[
        float, typer.Option(help="How far; 1 is a clear change, negative removes, 0 changes nothing.")
    ] = EditRequest.strength,
    to: Annotated[
        float | None, typer.Option(min=0, max=1, help="Instead: the score that the attribute should come to.")
    ] = None,
    from_image: Annotated[
        str | None, typer.Option(help="Instead of --attr: take --regions over from this picture or latent.")
    ] = None,
    preserve: Annotated[str, typer.Option(help="Attributes to keep as they are, comma separated.")] = "",
    mean: Annotated[bool, typer.Option("--mean", help="Edit the model's mean picture.")] = False,
    go_on: Annotated[bool, typer.Option("--continue", help="Go on from the latest edit.")] = False,
    paste: Annotated[
        bool, typer.Option("--paste-back", help="Also put the edited crop back into the full photo: pasted.png.")
    ] = False,
    photo: Annotated[str | None, typer.Option(help="The photo for --paste-back, if its file has moved.")] = None,
    strip: Annotated[bool, typer.Option("--strip", help="Also write a row of strengths from -1 to 1.5.")] = False,
    model: ModelOption = "portraits",
    method: Annotated[
        str,
        typer.Option(
            help="How attributes are edited: interfacegan or styleflow; or how --regions are taken over with "
            "--from-image: rows (the default there), stylefusion, editing-in-style, feature-blending or poisson."
        ),
    ] = METHOD,
    editors: Annotated[
        str | None,
        typer.Option(
            "--editors",
            help="A file of 'fit directions', 'fit flow', 'fit fusion' or 'fit catalog', not the model's own.",
        ),
    ] = None,
    clip: Annotated[
        str | None,
        typer.Option(help="For --text: an open_clip model, or a file of 'fit clip' (default: own)."),
    ] = None,
    clip_weights: Annotated[str | None, typer.Option(help="Weights of --clip: a file, or open_clip's tag.")] = None,
    set_: SetOption = None,
    batch: Annotated[int, typer.Option(min=1, help="Pictures edited at once.")] = 16,
    out: OutOption = "semedit-out",
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Edit pictures, latents or the latest inversion; writes OUT/<name>/edits/<edit>/ for each."""
    if sum((bool(source), mean, go_on)) > 1:
        raise ConfigError("a SOURCE, --mean and --continue are three places to start from; give one of them")
    request = EditRequest(
        attrs=tuple(attr or ()), texts=tuple(text or ()), reference=from_image, regions=tuple(regions or ()),
        strength=strength, target=to, preserve=names(preserve), method=method, clip=clip, clip_weights=clip_weights,
        options=tuple(set_ or ()),
    )  # fmt: skip
    check_model(model)
    report = Report(json)
    check_present(report, [item for item in source or () if not Path(item).is_dir()])

    import torch

    from semedit.editing.loading import load
    from semedit.editing.records import Failure
    from semedit.editing.session import EditSession
    from semedit.storage.atomic import make_folder

    torch.manual_seed(seed)
    folder = make_folder(out)
    loaded = load(model, editors={method: editors} if editors else None).to(check_device(device))
    with watching(json) as watch:
        session = EditSession(loaded, request, watch)
        show_choices(report, session)
        named = []
        for one in _sources(loaded, source, mean, go_on, folder, watch):
            if isinstance(one, Failure):
                report.fail(one.input, one.error)
            else:
                named.append(one)
        source_photo = Path(photo) if photo else None
        for done in session.edit(named, batch=batch, strip=strip, paste=paste, photo=source_photo):
            if isinstance(done, Failure):
                report.fail(done.input, done.error)
            else:
                report.add(**done.to_json())
                show_edit(report, done)
    if len(report.results) + len(report.failed) > 1:
        report.say(f"{len(report.results)} edited, {len(report.failed)} failed")
    report.finish()


def _sources(model: "Model", sources: list[str] | None, mean: bool, go_on: bool, out: Path,
             watch: "Watch") -> "Iterable[Subject | Failure]":  # fmt: skip
    """What is edited: sources that are named, the mean code, the latest edit, or the latest inversion."""
    from semedit.editing import subjects
    from semedit.editing.inverting import subjects_of

    if sources:
        return subjects_of(model, sources, out, watch)
    if mean:
        return [subjects.mean_subject(model, out)]
    return [subjects.latest_edit(out) if go_on else subjects.latest(out)]


def undo(
    source: Annotated[str | None, typer.Argument(help="An edited latent; the latest edit in OUT if left out.")] = None,
    edits: Annotated[int, typer.Option("--edits", min=1, help="How many edits to take back.")] = 1,
    model: ModelOption = "portraits",
    out: OutOption = "semedit-out",
    json: JsonOption = False,
    device: DeviceOption = "cpu",
) -> None:
    """Take the last edit of a latent back, bit for bit; writes what was before it beside the other edits."""
    from semedit.editing import subjects
    from semedit.editing.loading import load
    from semedit.editing.session import take_back

    folder = Path(out)
    subject = subjects.subject_of(Path(source), folder, set()) if source else subjects.latest_edit(folder)
    done, report = take_back(load(model).to(check_device(device)), subject, edits), Report(json)
    report.add(**done.to_json())
    left = f"{len(done.left)} left{': ' + ', '.join(done.left) if done.left else ''}"
    report.say(f"{edits} undone, {left} -> {done.folder}")
    report.finish()
