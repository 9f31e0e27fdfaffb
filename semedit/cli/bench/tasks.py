"""``semedit bench``: reconstruction, editing, fidelity and locality, each figure with its protocol."""

from pathlib import Path
from typing import Annotated, Any

import typer

from semedit.cli.bench.rows import CardOption, CountOption, SaveOption, finish, to_card
from semedit.cli.console import JsonOption, ModelOption, Report, SeedOption, complain, progress_bar

METRIC_COLUMNS = ["metric", "value", "std", "n", "skipped", "protocol"]


def reconstruction(
    model: ModelOption = "portraits",
    method: Annotated[list[str] | None, typer.Option(help="Methods (default: all that the model has).")] = None,
    count: CountOption = 16,
    batch: Annotated[int, typer.Option(min=1, help="Pictures inverted at once.")] = 8,
    data: Annotated[
        str | None, typer.Option("--data", help="Folder or glob of photos (default: drawn portraits, unseen seeds).")
    ] = None,
    encoder: Annotated[str | None, typer.Option(help="An encoder's file, instead of the model's own.")] = None,
    write_card: CardOption = False,
    out: SaveOption = None,
    json: JsonOption = False,
) -> None:
    """Invert pictures that nothing was trained on, by each method, and measure what comes back."""
    from benchmarks import reconstruction as bench
    from semedit.editing.loading import load
    from semedit.pictures.reading import find_pictures

    loaded, files = load(model, encoder=encoder), find_pictures([data]) if data else None
    for absent in bench.Score.of(loaded).missing:
        complain(f"left out of the table: {absent}")
    with progress_bar("inversions", json) as progress:
        rows = bench.reconstruction(loaded, count, batch, tuple(method or ()), files, progress=progress)
    for name in dict.fromkeys(row["method"] for row in rows):
        to_card(loaded, f"reconstruction.{name}", [row for row in rows if row["method"] == name], write_card)
    text = _by_method(rows)
    finish(rows, list(text[0]), json, out, shown=text)
    if not json:
        protocols = dict.fromkeys(f"{row['metric']}: {row['protocol']}" for row in rows)
        footer = f"mean\u00b1standard deviation, in batches of {batch}, {rows[0]['skipped']} skipped; "
        Report(json).say(footer + "; ".join(protocols))


def _by_method(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line for each method, with all its measures."""
    lines: dict[str, dict[str, Any]] = {}
    for row in rows:
        line = lines.setdefault(row["method"], {"method": row["method"]})
        several = sum(r["method"] == row["method"] and r["metric"] == row["metric"] for r in rows) > 1
        name = row["protocol"] if several else row["metric"]
        digits = {"psnr": 1, "identity": 2}.get(row["metric"], 3)
        line[name] = f"{row['value']:.{digits}f}\u00b1{row['std']:.{digits}f}"
    for row in rows:
        extra = {"n": row["n"], "s/image": row["seconds_per_image"]}
        lines[row["method"]].update(extra)
    return list(lines.values())


def editing(
    model: ModelOption = "portraits",
    count: CountOption = 200,
    attr: Annotated[list[str] | None, typer.Option(help="Attributes (default: the four of the paper).")] = None,
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
    from benchmarks import editing as bench
    from semedit.editing.loading import load
    from semedit.errors import MissingWeights
    from semedit.pictures.sheets import save_picture
    from semedit.storage.atomic import write_json

    loaded, attributes = load(model), tuple(attr or bench.PAPER_ATTRIBUTES)
    if sheet_file:
        save_picture(bench.strength_sheet(loaded, attributes), sheet_file)
        Report(json).say(f"-> {sheet_file}")
        return
    with progress_bar("curves", json) as progress:
        made = bench.curves(loaded, attributes, tuple(method or ()), count, progress)
    rows = bench.rows(loaded, made)
    folder = Path(curves)
    write_json(folder / "curves.json", [vars(curve) for curve in made])
    try:
        bench.draw(made, folder / "curves.png")
    except MissingWeights as error:
        complain(str(error))
    for name in dict.fromkeys(row["method"] for row in rows):
        at_one = [row for row in rows if row["method"] == name and row["degree"] in (1.0, None)]
        named = [{**row, "metric": f"{row['attr']}.{row['mask']}.{row['metric']}"} for row in at_one]
        to_card(loaded, f"editing.{name}", named, write_card)
    text = [
        {
            "attr": curve.attr,
            "method": curve.method,
            "mask": curve.mask,
            "regions": curve.regions,
            "degree": degree,
            **{name: curve.means[name][index] for name in bench.METRICS},
        }
        for curve in made
        for index, degree in enumerate(bench.DEGREES)
    ]
    finish(rows, list(text[0]), json, out, shown=text)
    report = Report(json)
    gains = [[r["attr"], r["method"], r["mask"], r["regions"], f"{r['value']:+.4f}", r["protocol"]] for r in rows
             if r["metric"] == "advantage"]  # fmt: skip
    report.table(["attr", "method", "mask", "regions", "advantage", "protocol"], gains)
    report.say(f"{count} samples -> {folder / 'curves.json'}")


def fidelity(
    model: ModelOption = "portraits",
    count: CountOption = 10_000,
    size: Annotated[
        int | None, typer.Option(min=16, help="Measure at this many px (default: the generator's size).")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", help="Folder or LMDB of real pictures (default: drawn portraits).")
    ] = None,
    seed: SeedOption = 660_001,
    write_card: CardOption = False,
    out: SaveOption = None,
    json: JsonOption = False,
) -> None:
    """Frechet distance, KID, precision and recall beside their floors; mask agreement; attribute rates."""
    from benchmarks import fidelity as bench
    from semedit.data.collection import open_collection
    from semedit.editing.loading import load

    loaded = load(model)
    real = None
    if data:
        real = bench.StoredPictures(open_collection(data, size or loaded.generator.config.size, labelled=False))
    with progress_bar("samples and real pictures", json) as progress:
        rows = bench.fidelity(loaded, count, seed, size, real, progress)
    to_card(loaded, "fidelity", rows, write_card)
    finish(rows, METRIC_COLUMNS, json, out)


def locality(
    model: ModelOption = "portraits",
    count: CountOption = 500,
    psi: Annotated[float, typer.Option(help="Truncation of the samples; 1 is none.")] = 1.0,
    write_card: CardOption = False,
    out: SaveOption = None,
    json: JsonOption = False,
) -> None:
    """Where the picture changes when one region's shape and texture are drawn anew."""
    from benchmarks import locality as bench
    from semedit.editing.loading import load

    loaded = load(model)
    with progress_bar("regions", json) as progress:
        rows = bench.locality(loaded, count, psi, progress=progress)
    to_card(loaded, "locality", rows, write_card)
    finish(rows, ["metric", "value", "std", "area", "mean_change", "n", "protocol"], json, out)
