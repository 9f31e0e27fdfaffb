"""``semedit invert``: pictures -> latents."""

import time
from typing import Annotated

import typer

from semedit.cli import complete
from semedit.cli.console import (
    AlignedOption,
    DeviceOption,
    IdentityOption,
    JsonOption,
    ModelOption,
    NoMarkOption,
    OutOption,
    PerceptualOption,
    PrecisionOption,
    Report,
    SeedOption,
    SetOption,
    check_device,
    check_present,
    complain,
    left_out,
    watching,
)
from semedit.cli.early import finite_number
from semedit.cli.shown import as_json, show_inversion


def invert(
    pictures: Annotated[list[str], typer.Argument(help="Pictures, folders or globs.")],
    model: ModelOption = "portraits",
    method: Annotated[
        str | None,
        typer.Option(
            help="restyle, optimize, restyle+optimize (the default with an encoder) or pti.",
            autocompletion=complete.invert_methods,
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="The budget: optimisation steps at most (default: the method's).")
    ] = None,
    refinements: Annotated[int | None, typer.Option(help="Passes of the encoder (default: 5).")] = None,
    target_perceptual: Annotated[
        float | None,
        typer.Option(help="Stop searching at this perceptual distance, or a smaller one.", callback=finite_number),
    ] = None,
    target_id: Annotated[
        float | None,
        typer.Option(help="Stop searching at this identity similarity, or a larger one.", callback=finite_number),
    ] = None,
    encoder: Annotated[str | None, typer.Option(help="An encoder's file, instead of the model's own.")] = None,
    face: Annotated[int | None, typer.Option(help="Which face, 1 being the largest, when there are several.")] = None,
    aligned: AlignedOption = False,
    batch: Annotated[int, typer.Option(min=1, help="Pictures inverted at once.")] = 8,
    precision: PrecisionOption = "fp32",
    set_: SetOption = None,
    out: OutOption = "semedit-out",
    perceptual: PerceptualOption = "own",
    identity: IdentityOption = "own",
    no_mark: NoMarkOption = False,
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Invert pictures: find the latent codes that give them back, into OUT/<name>/."""
    report = Report(json)
    check_present(report, pictures)

    from semedit.pictures.reading import find_pictures
    from semedit.storage.atomic import make_folder

    began, files = time.monotonic(), find_pictures(pictures)
    folder = make_folder(out)

    import torch

    from semedit.config import assigned
    from semedit.editing.loading import load
    from semedit.editing.measuring.explained import explain_inversion
    from semedit.editing.measuring.needs import require
    from semedit.editing.requests.records import Failure
    from semedit.editing.sessions.inverting import invert_files
    from semedit.pictures.provenance import mark_pictures

    mark_pictures(not no_mark)
    torch.manual_seed(seed)
    without = left_out(perceptual=perceptual, identity=identity)
    loaded = load(model, precision=precision, encoder=encoder, without=without).to(check_device(device))
    require(loaded.domain)
    named = {
        "steps": steps,
        "refinements": refinements,
        "target_perceptual": target_perceptual,
        "target_id": target_id,
    }
    with watching(json) as watch:
        overrides = assigned(named, set_)
        for done in invert_files(
            loaded, files, folder, method=method, overrides=overrides, face=face, aligned=aligned, batch=batch,
            watch=watch, say=complain,
        ):  # fmt: skip
            if isinstance(done, Failure):
                report.fail(done.input, done.error)
            else:
                report.add(**done.to_json(), explained=as_json(explain_inversion(done, loaded)))
                show_inversion(report, done, loaded)
    if len(files) > 1:
        seconds = time.monotonic() - began
        report.say(f"{len(report.results)} inverted, {len(report.failed)} failed, {seconds:.1f} s")
    report.finish()
