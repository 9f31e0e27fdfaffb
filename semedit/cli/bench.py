"""``semedit bench``: measured figures, each with its protocol."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from semedit.cli.console import JsonOption, ModelOption, Report, SeedOption, complain, number, progress_bar

if TYPE_CHECKING:
    from semedit.model import Model

app = typer.Typer(help="Measure speed, reconstruction, editing and fidelity.", no_args_is_help=True)
CountOption = Annotated[int, typer.Option("--count", min=4, help="Pictures to measure on.")]
CardOption = Annotated[bool, typer.Option("--write-card", help="Put the figures on the model's card.")]
SaveOption = Annotated[str | None, typer.Option("--out", help="Also write the rows as JSON to this file.")]


def _finish(
    rows: list[dict[str, Any]],
    columns: list[str],
    as_json: bool,
    out: str | None,
    shown: list[dict[str, Any]] | None = None,
) -> None:
    """Print rows (or what is ``shown`` of them) as a table of ``columns``, or as JSON, and save them if asked to."""
    from semedit.files import write_json

    report = Report(as_json)
    for row in rows:
        report.add(**row)
    if out:
        write_json(Path(out), rows)
    text = [[_cell(row.get(column)) for column in columns] for row in shown or rows]
    report.table([column.replace("_", " ") for column in columns], text)
    report.finish()


def _to_card(model: "Model", name: str, rows: list[dict[str, Any]], wanted: bool) -> None:
    from semedit import zoo

    if wanted and model.entry:
        zoo.write_quality(model.entry, name, rows)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return number(value, 4 if abs(value) < 0.1 else 3) if isinstance(value, float) else str(value)


@app.command()
def speed(
    size: Annotated[
        list[int] | None, typer.Option(help="Official configurations to time (default: 256 and 512).")
    ] = None,
    batch: Annotated[list[int] | None, typer.Option(help="Batch sizes (default: 1 and 4).")] = None,
    precision: Annotated[list[str] | None, typer.Option(help="fp32 or bf16 (default: both).")] = None,
    runs: Annotated[int, typer.Option(min=1, help="Counted runs of each, alternating.")] = 5,
    training: Annotated[
        bool, typer.Option("--training", help="Time full training steps: the 64 px recipe, and 256 px at batch 2.")
    ] = False,
    encoder: Annotated[
        bool, typer.Option("--encoder", help="Time the official encoder (256 px, 28 heads) instead of the generator.")
    ] = False,
    editing_calls: Annotated[
        bool, typer.Option("--editing", help="Time edits of 64 codes in one call against a call for each.")
    ] = False,
    show_profile: Annotated[bool, typer.Option("--profile", help="Also print where the time goes.")] = False,
    out: SaveOption = None,
    json: JsonOption = False,
) -> None:
    """Time the generator, the encoder or a training step against the plainest formulation, or edits in batches."""
    from semedit.siblings import sibling

    if training:
        _training_speed(precision or ["fp32", "bf16"], runs, out, json)
        return
    if editing_calls:
        _editing_speed(runs, out, json)
        return
    if encoder:
        _encoder_speed(batch or [1, 4], precision or ["fp32", "bf16"], runs, out, json)
        return
    bench = sibling("benchmarks").speed
    rows = []
    for side in size or (256, 512):
        generator = bench.random_generator(side)
        for count in batch or (1, 4):
            for kind in precision or ("fp32", "bf16"):
                rows.append(bench.compare(generator, count, kind, runs))
            if show_profile and not json:
                report = Report(json)
                report.say(f"{side} px, batch {count}, fp32: share of CPU time")
                for name, share in bench.hot_spots(generator, count):
                    report.say(f"  {100 * share:5.1f} %  {name}")
    text = [
        {
            "px": row["size"],
            "batch": row["batch"],
            "type": row["precision"],
            "s": row["seconds"],
            "textbook s": row["textbook_seconds"],
            "ratio": f"{row['ratio']:.2f} ({row['ratio_low']:.2f}-{row['ratio_high']:.2f})",
            "peak MB": f"{row['peak_mb']:.0f}",
            "textbook MB": f"{row['textbook_peak_mb']:.0f}",
        }
        for row in rows
    ]
    _finish(rows, list(text[0]), json, out, shown=text)


def _encoder_speed(batches: list[int], precisions: list[str], runs: int, out: str | None, json: bool) -> None:
    from semedit.siblings import sibling

    bench = sibling("benchmarks").encoder_speed
    encoder = bench.official_encoder()
    rows = [bench.compare_encoders(encoder, count, kind, runs) for count in batches for kind in precisions]
    text = [
        {
            "px": row["size"],
            "heads": row["rows"],
            "batch": row["batch"],
            "type": row["precision"],
            "s": row["seconds"],
            "plain s": row["plain_seconds"],
            "ratio": f"{row['ratio']:.2f} ({row['ratio_low']:.2f}-{row['ratio_high']:.2f})",
        }
        for row in rows
    ]
    _finish(rows, list(text[0]), json, out, shown=text)


def _editing_speed(runs: int, out: str | None, json: bool) -> None:
    from semedit.model import load
    from semedit.siblings import sibling

    bench, model = sibling("benchmarks").editing_speed, load("portraits")
    rows = [
        bench.compare_calls(model, name, 64, pictures, runs)
        for name in ("interfacegan", "transfer", "styleflow")
        for pictures in (False, True)
    ]
    text = [
        {
            "method": row["method"],
            "pictures": "yes" if row["pictures"] else "no",
            "one call s": row["seconds"],
            "64 calls s": row["single_seconds"],
            "ratio": f"{row['value']:.2f} ({row['ratio_low']:.2f}-{row['ratio_high']:.2f})",
        }
        for row in rows
    ]
    _finish(rows, list(text[0]), json, out, shown=text)


def _training_speed(precisions: list[str], runs: int, out: str | None, json: bool) -> None:
    from semedit.siblings import sibling
    from semedit.training.recipes import recipe

    official = recipe("celebamask-hq-256").with_overrides(["batch=2"])
    rows = [
        sibling("benchmarks").training_speed.compare_steps(config.with_overrides([f"precision={kind}"]), runs)
        for config in (recipe("portraits-64"), official)
        for kind in precisions
    ]
    text = [
        {
            "recipe": row["recipe"],
            "batch": row["batch"],
            "type": row["precision"],
            "images/s": row["images_per_second"],
            "textbook images/s": row["textbook_images_per_second"],
            "ratio": f"{row['ratio']:.2f} ({row['ratio_low']:.2f}-{row['ratio_high']:.2f})",
        }
        for row in rows
    ]
    _finish(rows, list(text[0]), json, out, shown=text)


METRIC_COLUMNS = ["metric", "value", "std", "n", "skipped", "protocol"]


@app.command()
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
    from semedit.images import find_pictures
    from semedit.model import load
    from semedit.siblings import sibling

    loaded, files = load(model, encoder=encoder), find_pictures([data]) if data else None
    bench = sibling("benchmarks").inversion
    for absent in bench.Score.of(loaded).missing:
        complain(f"left out of the table: {absent}")
    with progress_bar("inversions", json) as progress:
        rows = bench.reconstruction(loaded, count, batch, tuple(method or ()), files, progress=progress)
    for name in dict.fromkeys(row["method"] for row in rows):
        _to_card(loaded, f"reconstruction.{name}", [row for row in rows if row["method"] == name], write_card)
    text = _by_method(rows)
    _finish(rows, list(text[0]), json, out, shown=text)
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


@app.command()
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
    from semedit.errors import MissingWeights
    from semedit.files import write_json
    from semedit.images import save_picture
    from semedit.model import load
    from semedit.siblings import sibling

    bench = sibling("benchmarks").editing
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
        _to_card(loaded, f"editing.{name}", named, write_card)
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
    _finish(rows, list(text[0]), json, out, shown=text)
    report = Report(json)
    gains = [[r["attr"], r["method"], r["mask"], r["regions"], f"{r['value']:+.4f}", r["protocol"]] for r in rows
             if r["metric"] == "advantage"]  # fmt: skip
    report.table(["attr", "method", "mask", "regions", "advantage", "protocol"], gains)
    report.say(f"{count} samples -> {folder / 'curves.json'}")


@app.command()
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
    from semedit.data.files import open_collection
    from semedit.model import load
    from semedit.siblings import sibling

    loaded = load(model)
    bench, real = sibling("benchmarks").fidelity, None
    if data:
        real = bench.StoredPictures(open_collection(data, size or loaded.generator.config.size, labelled=False))
    with progress_bar("samples and real pictures", json) as progress:
        rows = bench.fidelity(loaded, count, seed, size, real, progress)
    _to_card(loaded, "fidelity", rows, write_card)
    _finish(rows, METRIC_COLUMNS, json, out)


@app.command()
def locality(
    model: ModelOption = "portraits",
    count: CountOption = 500,
    psi: Annotated[float, typer.Option(help="Truncation of the samples; 1 is none.")] = 1.0,
    write_card: CardOption = False,
    out: SaveOption = None,
    json: JsonOption = False,
) -> None:
    """Where the picture changes when one region's shape and texture are drawn anew."""
    from semedit.model import load
    from semedit.siblings import sibling

    loaded = load(model)
    with progress_bar("regions", json) as progress:
        rows = sibling("benchmarks").locality.locality(loaded, count, psi, progress=progress)
    _to_card(loaded, "locality", rows, write_card)
    _finish(rows, ["metric", "value", "std", "area", "mean_change", "n", "protocol"], json, out)
