"""``semedit bench editing``: what edits gain and keep, and how near they come to the truth."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks import bases, editing_shown, truth
from benchmarks import editing as edits
from semedit.cli.bench.rows import CardOption, SaveOption, check_saved, finish, show, to_card
from semedit.cli.console import AlignedOption, JsonOption, ModelOption, Report, complain, progress_bar
from semedit.cli.early import check_names, check_sources
from semedit.domains.judges import OPTIMISED
from semedit.editing.loading import load
from semedit.editing.model import Model
from semedit.errors import MissingWeights
from semedit.pictures.reading import find_pictures
from semedit.pictures.sheets import save_picture
from semedit.storage.atomic import write_json

AttrOption = Annotated[
    list[str] | None,
    typer.Option(help=f"Attributes (default: {', '.join(edits.PAPER_ATTRIBUTES)}; with --truth all)."),
]
TruthOption = Annotated[
    bool, typer.Option("--truth", help="How near edits come to the true edited pictures, which the domain's law draws.")
]


def editing(
    model: ModelOption = "portraits",
    count: Annotated[
        int | None,
        typer.Option("--count", min=4, help=f"Codes (default: {bases.COUNT}; with --truth {truth.COUNT})."),
    ] = None,
    base: Annotated[
        str, typer.Option(help="What is edited: inversions of held-out pictures, or samples.")
    ] = bases.INVERSIONS,
    data: Annotated[
        str | None, typer.Option("--data", help="Folder or glob of photos to invert (default: drawn, unseen seeds).")
    ] = None,
    aligned: AlignedOption = False,
    attr: AttrOption = None,
    method: Annotated[list[str] | None, typer.Option(help="Methods (default: all that the model has).")] = None,
    auto: Annotated[bool, typer.Option("--auto", help="Also edit the regions that --regions auto takes.")] = False,
    size: Annotated[
        int | None, typer.Option(min=16, help="Measure preservation at this many px (default: the generator's size).")
    ] = None,
    curves: Annotated[
        str, typer.Option(help="Folder for the curves: curves.json and curves.png.")
    ] = "semedit-out/bench",
    sheet_file: Annotated[
        str | None, typer.Option("--sheet", help="Only write a sheet of strengths to this file.")
    ] = None,
    truth_: TruthOption = False,
    off: Annotated[bool, typer.Option("--off", help="With --truth: take attributes away where they are.")] = False,
    write_card: CardOption = False,
    out: SaveOption = None,
    json: JsonOption = False,
) -> None:
    """Preservation-score curves: ten degrees of each edit, masked and in all rows, compared at equal gain."""
    check_sources([data] if data else [])
    loaded, methods, report = load(model), tuple(method or ()), Report(json)
    check_names(attr or (), loaded.domain.attribute_names)
    for name in methods:
        loaded.editors(name)  # raises UnknownName, or MissingWeights
    check_saved(out, sheet_file, *(() if truth_ or sheet_file else (f"{curves}/curves.json", f"{curves}/curves.png")))
    if truth_:
        _truth(loaded, tuple(attr or ()), methods, count or truth.COUNT, not off, write_card, out, json)
        return
    attributes = tuple(attr or edits.PAPER_ATTRIBUTES)
    if sheet_file:
        save_picture(editing_shown.strength_sheet(loaded, attributes), sheet_file)
        report.say(f"-> {sheet_file}")
        return
    files = find_pictures([data]) if data else None
    with progress_bar(base, json) as progress:
        codes = bases.base_codes(loaded, base, count or bases.COUNT, files, progress, aligned)
    with progress_bar("curves", json) as progress:
        made = edits.curves(loaded, codes, attributes, methods, chosen=auto, size=size, progress=progress)
    rows, folder = edits.rows(loaded, codes, made), Path(curves)
    write_json(folder / "curves.json", [curve.to_json() for curve in made])
    try:
        editing_shown.draw(made, folder / "curves.png")
    except MissingWeights as error:
        complain(str(error))
    for name in dict.fromkeys(row.method for row in rows):
        to_card(loaded, f"editing.{name}", edits.on_card(rows, name), write_card)
    finish(rows, editing_shown.table(made), json, out)
    show(report, editing_shown.at_equal_gain(rows))
    if all(curve.protocols["score_gain"].endswith(f"({OPTIMISED})") for curve in made):
        complain("no judge of attributes is there: gains are those of the classifier that the editors learnt from")
    report.say(f"{len(codes)} {base}, {codes.skipped} skipped -> {folder / 'curves.json'}")


def _truth(model: Model, attributes: tuple[str, ...], methods: tuple[str, ...], count: int, on: bool, write_card: bool,
           out: str | None, json: bool) -> None:  # fmt: skip
    with progress_bar("true edits", json) as progress:
        rows = truth.truth_rows(model, attributes, methods, count, on, progress=progress)
    for name in dict.fromkeys(row.method for row in rows):
        to_card(model, f"truth.{name}{'' if on else '@off'}", truth.named(rows, name), write_card)
    finish(rows, truth.table(rows), json, out)
