"""``semedit bench``: reconstruction, editing, fidelity and locality, each figure with its protocol."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks import editing as edits
from benchmarks import fidelity as sets
from benchmarks import locality as regions
from benchmarks import reconstruction as inversions
from benchmarks import rows as plain
from semedit.cli.bench.rows import CardOption, CountOption, SaveOption, finish, show, to_card
from semedit.cli.console import AlignedOption, JsonOption, ModelOption, Report, SeedOption, complain, progress_bar
from semedit.data.collection import open_collection
from semedit.editing.loading import load
from semedit.errors import MissingWeights
from semedit.pictures.reading import find_pictures
from semedit.pictures.sheets import save_picture
from semedit.storage.atomic import write_json


def reconstruction(
    model: ModelOption = "portraits",
    method: Annotated[list[str] | None, typer.Option(help="Methods (default: all that the model has).")] = None,
    count: CountOption = inversions.COUNT,
    batch: Annotated[int, typer.Option(min=1, help="Pictures inverted at once.")] = inversions.BATCH,
    data: Annotated[
        str | None, typer.Option("--data", help="Folder or glob of photos (default: drawn portraits, unseen seeds).")
    ] = None,
    aligned: AlignedOption = False,
    encoder: Annotated[str | None, typer.Option(help="An encoder's file, instead of the model's own.")] = None,
    write_card: CardOption = False,
    out: SaveOption = None,
    json: JsonOption = False,
) -> None:
    """Invert pictures that nothing was trained on, by each method, and measure what comes back."""
    loaded, files = load(model, encoder=encoder), find_pictures([data]) if data else None
    for absent in inversions.Score.of(loaded).missing:
        complain(f"left out of the table: {absent}")
    with progress_bar("inversions", json) as progress:
        rows = inversions.reconstruction(loaded, count, batch, tuple(method or ()), files, aligned, progress)
    for name in dict.fromkeys(row.method for row in rows):
        to_card(loaded, f"reconstruction.{name}", [row for row in rows if row.method == name], write_card)
    finish(rows, inversions.table(rows), json, out)
    Report(json).say(inversions.footer(rows))


def editing(
    model: ModelOption = "portraits",
    count: CountOption = edits.COUNT,
    attr: Annotated[
        list[str] | None, typer.Option(help=f"Attributes (default: {', '.join(edits.PAPER_ATTRIBUTES)}).")
    ] = None,
    method: Annotated[list[str] | None, typer.Option(help="Methods (default: all that the model has).")] = None,
    curves: Annotated[
        str, typer.Option(help="Folder for the curves: curves.json and curves.png.")
    ] = "semedit-out/bench",
    sheet_file: Annotated[
        str | None, typer.Option("--sheet", help="Only write a sheet of strengths to this file.")
    ] = None,
    write_card: CardOption = False,
    out: SaveOption = None,
    json: JsonOption = False,
) -> None:
    """Preservation-score curves: ten degrees of each edit, masked, with regions chosen, and unmasked."""
    loaded, attributes, report = load(model), tuple(attr or edits.PAPER_ATTRIBUTES), Report(json)
    if sheet_file:
        save_picture(edits.strength_sheet(loaded, attributes), sheet_file)
        report.say(f"-> {sheet_file}")
        return
    with progress_bar("curves", json) as progress:
        made = edits.curves(loaded, attributes, tuple(method or ()), count, progress)
    rows, folder = edits.rows(loaded, made), Path(curves)
    write_json(folder / "curves.json", [vars(curve) for curve in made])
    try:
        edits.draw(made, folder / "curves.png")
    except MissingWeights as error:
        complain(str(error))
    for name in dict.fromkeys(row.method for row in rows):
        to_card(loaded, f"editing.{name}", edits.at_strength_one(rows, name), write_card)
    finish(rows, edits.table(made), json, out)
    show(report, edits.advantages(rows))
    report.say(f"{count} samples -> {folder / 'curves.json'}")


def fidelity(
    model: ModelOption = "portraits",
    count: CountOption = sets.COUNT,
    size: Annotated[
        int | None, typer.Option(min=16, help="Measure at this many px (default: the generator's size).")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data", help="Folder or LMDB of aligned pictures, taken as they are (default: drawn portraits)."
        ),
    ] = None,
    seed: SeedOption = sets.SEED,
    write_card: CardOption = False,
    out: SaveOption = None,
    json: JsonOption = False,
) -> None:
    """Frechet distance, KID, precision and recall beside their floors; mask agreement; attribute rates."""
    loaded, real = load(model), None
    if data:
        real = sets.StoredPictures(open_collection(data, size or loaded.generator.config.size, labelled=False))
    with progress_bar("samples and real pictures", json) as progress:
        rows = sets.fidelity(loaded, count, seed, size, real, progress)
    to_card(loaded, "fidelity", rows, write_card)
    finish(rows, plain.table(rows), json, out)


def locality(
    model: ModelOption = "portraits",
    count: CountOption = regions.COUNT,
    psi: Annotated[float, typer.Option(help="Truncation of the samples; 1 is none.")] = regions.PSI,
    write_card: CardOption = False,
    out: SaveOption = None,
    json: JsonOption = False,
) -> None:
    """Where the picture changes when one region's shape and texture are drawn anew."""
    loaded = load(model)
    with progress_bar("regions", json) as progress:
        rows = regions.locality(loaded, count, psi, progress=progress)
    to_card(loaded, "locality", rows, write_card)
    finish(rows, regions.table(rows), json, out)
