"""``semedit drag``: pull points of a picture to where they should be, in chosen regions."""

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
    watching,
)
from semedit.config import assigned
from semedit.editing.requests.request import EditRequest, Pasting
from semedit.errors import ConfigError


def drag(
    source: SourcesArgument = None,
    handles: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            help="X,Y: a point to pull, in shares of the picture's sides from its upper left corner. Repeat for "
            "several, each with its --to.",
            rich_help_panel="What",
        ),
    ] = None,
    targets: Annotated[
        list[str] | None, typer.Option("--to", help="X,Y: where it should be.", rich_help_panel="What")
    ] = None,
    regions: Annotated[
        str | None,
        typer.Option(
            help="Regions or groups that may change, as 'semedit edit' takes them (default: all).",
            rich_help_panel="Where",
            autocompletion=complete.regions,
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Most steps of the search.", rich_help_panel="What")] = None,
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
    """Pull points of pictures to where they should be; writes OUT/<name>/edits/<edit>/ for each.

    A corner of the mouth: semedit drag --from 0.59,0.67 --to 0.60,0.64 --regions mouth
    """
    check_start(source, mean, go_on)
    if not handles and not targets:
        raise ConfigError("what is pulled where? --from X,Y --to X,Y, each from 0 to 1")
    request = EditRequest(
        handles=tuple(handles or ()), targets=tuple(targets or ()), regions=(regions,) if regions else (),
        options=tuple(assigned({"steps": steps}, set_)),
    )  # fmt: skip
    report = Report(json)
    check_present(report, source or ())
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
    loaded = load(model, without=without).to(check_device(device))
    with watching(json) as watch:
        session = EditSession(loaded, request, watch)
        found = starting(loaded, source, mean, go_on, folder, watch, invert_method, face)
        carry_out(report, session, loaded, found, outputs, batch)
    report.finish()
