"""``semedit edit``: change chosen regions by attributes, words or parts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semedit.cli import complete
from semedit.cli.console import (
    DeviceOption,
    IdentityOption,
    JsonOption,
    ModelOption,
    NoMarkOption,
    OutOption,
    PerceptualOption,
    Report,
    SeedOption,
    SetOption,
    check_device,
    check_present,
    left_out,
    names,
    watching,
)
from semedit.cli.early import check_sources
from semedit.cli.shown import as_json, show_choices, show_edit
from semedit.editing.requests.request import METHOD, EditRequest, Outputs, Pasting
from semedit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from semedit.editing.model import Model
    from semedit.editing.requests.records import Failure
    from semedit.editing.results.subjects import Subject
    from semedit.editing.sessions.session import EditSession

#: Pictures edited at once, unless told otherwise.
BATCH = 16


def edit(
    source: Annotated[
        list[str] | None,
        typer.Argument(help="Pictures, latents, folders of either, or globs; the latest inversion if left out."),
    ] = None,
    attr: Annotated[
        list[str] | None,
        typer.Option(
            help="The attribute to change, or NAME=STRENGTH. Several are applied one after the other.",
            rich_help_panel="What",
            autocompletion=complete.attributes,
        ),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(
            help="Instead: what the picture should show. Several are applied one after the other.",
            rich_help_panel="What",
        ),
    ] = None,
    regions: Annotated[
        list[str] | None,
        typer.Option(
            help="Regions or groups, comma separated, each with :shape or :texture; 'all' is unmasked; 'auto' the "
            "fewest that keep 90 % of the gain. Once for all edits, or once for each.",
            rich_help_panel="Where",
            autocompletion=complete.regions,
        ),
    ] = None,
    strength: Annotated[
        float,
        typer.Option(help="How far; 1 is a clear change, negative removes, 0 changes nothing.", rich_help_panel="What"),
    ] = EditRequest.strength,
    to: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Instead: the score that the attribute should come to.", rich_help_panel="What"
        ),
    ] = None,
    from_image: Annotated[
        str | None,
        typer.Option(
            help="Instead of --attr: take --regions over from this picture or latent.", rich_help_panel="What"
        ),
    ] = None,
    move: Annotated[
        list[str] | None,
        typer.Option(
            help="REGION=RIGHT,DOWN: move it by shares of the picture's side (mouth=0.02,-0.01).",
            rich_help_panel="What",
        ),
    ] = None,
    zoom: Annotated[
        list[str] | None,
        typer.Option(help="REGION=FACTOR: zoom it about its own middle (eyes=1.1).", rich_help_panel="What"),
    ] = None,
    preserve: Annotated[
        str, typer.Option(help="Attributes to keep as they are, comma separated.", rich_help_panel="What")
    ] = "",
    mean: Annotated[
        bool, typer.Option("--mean", help="Edit the model's mean picture.", rich_help_panel="From")
    ] = False,
    go_on: Annotated[
        bool, typer.Option("--continue", help="Go on from the latest edit.", rich_help_panel="From")
    ] = False,
    paste: Annotated[
        bool,
        typer.Option(
            "--paste-back",
            help="Also put the change back into the full photo: pasted.png.",
            rich_help_panel="Back into the photo",
        ),
    ] = False,
    photo: Annotated[
        str | None,
        typer.Option(help="The photo for --paste-back, if its file has moved.", rich_help_panel="Back into the photo"),
    ] = None,
    blend: Annotated[
        str,
        typer.Option(
            help="What --paste-back puts there: the difference that the edit made, replace (the edited regions "
            "themselves), or crop (all of it).",
            rich_help_panel="Back into the photo",
        ),
    ] = Pasting.how,
    mask: Annotated[
        Path | None,
        typer.Option(
            help="For --paste-back: a picture that is white where the photo may change.",
            rich_help_panel="Back into the photo",
        ),
    ] = None,
    save_mask: Annotated[
        bool,
        typer.Option(
            "--save-mask",
            help="Also write the edited regions as a mask: mask.png, pasted-mask.png.",
            rich_help_panel="Back into the photo",
        ),
    ] = False,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway",
            help="Paste back even where the picture lies outside what the model knows.",
            rich_help_panel="Back into the photo",
        ),
    ] = False,
    strip: Annotated[bool, typer.Option("--strip", help="Also write a row of strengths from -1 to 1.5.")] = False,
    model: ModelOption = "portraits",
    method: Annotated[
        str,
        typer.Option(
            help="How attributes are edited: interfacegan or styleflow; or how --regions are taken over with "
            "--from-image: rows (the default there), stylefusion, editing-in-style, feature-blending or poisson.",
            rich_help_panel="What",
            autocompletion=complete.edit_methods,
        ),
    ] = METHOD,
    editors: Annotated[
        str | None,
        typer.Option(
            "--editors",
            help="A file of 'fit directions', 'fit flow', 'fit fusion' or 'fit catalog', not the model's own.",
            rich_help_panel="What",
        ),
    ] = None,
    clip: Annotated[
        str | None,
        typer.Option(
            help="For --text: an open_clip model, or a file of 'fit clip' (default: own).", rich_help_panel="What"
        ),
    ] = None,
    clip_weights: Annotated[
        str | None, typer.Option(help="Weights of --clip: a file, or open_clip's tag.", rich_help_panel="What")
    ] = None,
    set_: SetOption = None,
    invert_method: Annotated[
        str | None,
        typer.Option(
            help="How pictures are inverted first: restyle, optimize, restyle+optimize (the default with an encoder) "
            "or pti.",
            rich_help_panel="From",
            autocompletion=complete.invert_methods,
        ),
    ] = None,
    face: Annotated[
        int | None,
        typer.Option(help="Which face, 1 being the largest, when there are several.", rich_help_panel="From"),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Pictures edited at once.")] = BATCH,
    out: OutOption = "semedit-out",
    no_mark: NoMarkOption = False,
    perceptual: PerceptualOption = "own",
    identity: IdentityOption = "own",
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Edit pictures, latents or the latest inversion; writes OUT/<name>/edits/<edit>/ for each.

    An attribute: semedit edit photo.jpg --attr smile --regions mouth --paste-back

    Words: semedit edit --text "a person with purple hair" --regions hair

    A part of another picture: semedit edit --from-image other.jpg --regions hair:texture

    A part elsewhere: semedit edit --move mouth=0.02,-0.01 --zoom eyes=1.1

    Several, on top of the latest edit: semedit edit --attr smile=1.5 --attr bangs=-1 --continue

    'semedit attributes' lists what can be changed.
    """
    if sum((bool(source), mean, go_on)) > 1:
        raise ConfigError("a SOURCE, --mean and --continue are three places to start from; give one of them")
    request = EditRequest(
        attrs=tuple(attr or ()), texts=tuple(text or ()), reference=from_image,
        moves=tuple(move or ()), zooms=tuple(zoom or ()), regions=tuple(regions or ()),
        strength=strength, target=to, preserve=names(preserve), method=method, clip=clip, clip_weights=clip_weights,
        options=tuple(set_ or ()),
    )  # fmt: skip
    report = Report(json)
    check_present(report, source or ())
    for files in ([from_image] if from_image else (), [str(mask)] if mask else ()):
        check_sources(files)
    if not paste and (photo or mask or anyway or blend != Pasting.how):
        raise ConfigError("--photo, --blend, --mask and --anyway go with --paste-back")
    pasting = Pasting(photo=Path(photo) if photo else None, how=blend, mask=mask, anyway=anyway) if paste else None
    outputs = Outputs(strip=strip, mask=save_mask, paste=pasting)

    import torch

    from semedit.editing.loading import load
    from semedit.editing.sessions.inverting import subjects_of
    from semedit.editing.sessions.session import EditSession
    from semedit.pictures.provenance import mark_pictures
    from semedit.storage.atomic import make_folder

    mark_pictures(not no_mark)
    torch.manual_seed(seed)
    folder = make_folder(out)
    without = left_out(perceptual=perceptual, identity=identity)
    loaded = load(model, editors={method: editors} if editors else None, without=without).to(check_device(device))
    with watching(json) as watch:
        session = EditSession(loaded, request, watch)
        show_choices(report, session)
        found: Iterable[Subject | Failure]
        if source:
            found = subjects_of(loaded, source, folder, watch, method=invert_method, face=face)
        else:
            found = [starting(loaded, mean, go_on, folder)]
        carry_out(report, session, loaded, found, outputs, batch)
    report.finish()


def starting(model: "Model", mean: bool, go_on: bool, out: Path) -> "Subject":
    """What is edited where no source is named: the mean code, the latest edit, or the latest inversion."""
    from semedit.editing.results import subjects

    if mean:
        return subjects.mean_subject(model, out)
    return subjects.latest_edit(out) if go_on else subjects.latest(out)


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
