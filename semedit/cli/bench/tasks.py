"""``semedit bench``: reconstruction, fidelity and locality, each figure with its protocol."""

from typing import Annotated

import typer

from benchmarks import fidelity as sets
from benchmarks import locality as regions
from benchmarks import measured as cards
from benchmarks import reconstruction as inversions
from benchmarks import rows as plain
from semedit.checkpoints import zoo
from semedit.cli.bench.rows import CardOption, CountOption, SaveOption, check_saved, finish, to_card
from semedit.cli.console import (
    AlignedOption,
    JsonOption,
    ModelOption,
    PrecisionOption,
    Report,
    SeedOption,
    complain,
    progress_bar,
)
from semedit.cli.early import check_sources, finite_number
from semedit.data.collection import open_collection
from semedit.editing.loading import load
from semedit.pictures.reading import find_pictures


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
    precision: PrecisionOption = "fp32",
    write_card: CardOption = False,
    out: SaveOption = None,
    json: JsonOption = False,
) -> None:
    """Invert pictures that nothing was trained on, by each method, and measure what comes back."""
    check_sources([data] if data else [])
    check_saved(out)
    loaded, files = load(model, precision=precision, encoder=encoder), find_pictures([data]) if data else None
    for absent in inversions.Score.of(loaded).missing:
        complain(f"left out of the table: {absent}")
    with progress_bar("inversions", json) as progress:
        rows = inversions.reconstruction(loaded, count, batch, tuple(method or ()), files, aligned, progress)
    for name in dict.fromkeys(row.method for row in rows):
        to_card(loaded, f"reconstruction.{name}", [row for row in rows if row.method == name], write_card)
    finish(rows, inversions.table(rows), json, out)
    Report(json).say(inversions.footer(rows))


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
    check_saved(out)
    loaded, real = load(model), None
    if data:
        real = sets.StoredPictures(open_collection(data, size or loaded.generator.config.size, labelled=False))
    with progress_bar("samples and real pictures", json) as progress:
        rows = sets.fidelity(loaded, count, seed, size, real, progress)
    to_card(loaded, "fidelity", rows, write_card)
    finish(rows, plain.table(rows), json, out)


def measured(
    models: Annotated[list[str] | None, typer.Argument(help="Models (default: those that ship).")] = None,
    out: Annotated[str, typer.Option("--out", help="File to write (.md).")] = "semedit-out/bench/measured.md",
    readme: Annotated[
        str | None, typer.Option(help="A document to write the first model's short table into, between its marks.")
    ] = None,
    paper: Annotated[
        str | None, typer.Option("--report", help="Folder of a report of 'bench paper', whole or some parts.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write the figures on the cards of models as a page, each with n, protocol and command."""
    chosen = [zoo.find(name) for name in models] if models else zoo.shipped()
    cards.write(chosen, out, readme, paper)
    report = Report(json)
    report.add(models=[entry.name for entry in chosen], file=out)
    report.say(f"{', '.join(entry.name for entry in chosen)} -> {out}")
    report.finish()


def locality(
    model: ModelOption = "portraits",
    count: CountOption = regions.COUNT,
    psi: Annotated[
        float, typer.Option(help="Truncation of the samples; 1 is none.", callback=finite_number)
    ] = regions.PSI,
    write_card: CardOption = False,
    out: SaveOption = None,
    json: JsonOption = False,
) -> None:
    """Where the picture changes when one region's shape and texture are drawn anew."""
    check_saved(out)
    loaded = load(model)
    with progress_bar("regions", json) as progress:
        rows = regions.locality(loaded, count, psi, progress=progress)
    to_card(loaded, "locality", rows, write_card)
    finish(rows, regions.table(rows), json, out)
