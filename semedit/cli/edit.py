"""``semedit edit``: change chosen regions by attributes, words or parts."""

from typing import Annotated

import typer

from semedit.cli import complete
from semedit.cli.carrying import (
    BATCH,
    AnywayOption,
    BatchOption,
    BlendOption,
    ContinueOption,
    FaceOption,
    InvertMethodOption,
    MaskOption,
    MeanOption,
    PasteOption,
    PhotoOption,
    SaveMaskOption,
    SourcesArgument,
    StripOption,
    carry_out,
    check_start,
    outputs_of,
    starting,
)
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
from semedit.cli.shown import show_choices
from semedit.editing.requests.request import METHOD, EditRequest, Pasting


def edit(
    source: SourcesArgument = None,
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
    mean: MeanOption = False,
    go_on: ContinueOption = False,
    paste: PasteOption = False,
    photo: PhotoOption = None,
    blend: BlendOption = Pasting.how,
    mask: MaskOption = None,
    save_mask: SaveMaskOption = False,
    anyway: AnywayOption = False,
    strip: StripOption = False,
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
    invert_method: InvertMethodOption = None,
    face: FaceOption = None,
    batch: BatchOption = BATCH,
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
    check_start(source, mean, go_on)
    request = EditRequest(
        attrs=tuple(attr or ()), texts=tuple(text or ()), reference=from_image,
        moves=tuple(move or ()), zooms=tuple(zoom or ()), regions=tuple(regions or ()),
        strength=strength, target=to, preserve=names(preserve), method=method, clip=clip, clip_weights=clip_weights,
        options=tuple(set_ or ()),
    )  # fmt: skip
    report = Report(json)
    check_present(report, source or ())
    check_sources([from_image] if from_image else [])
    outputs = outputs_of(
        paste=paste, photo=photo, blend=blend, mask=mask, anyway=anyway, strip=strip, save_mask=save_mask
    )

    import torch

    from semedit.editing.loading import load
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
        found = starting(loaded, source, mean, go_on, folder, watch, invert_method, face)
        carry_out(report, session, loaded, found, outputs, batch)
    report.finish()
