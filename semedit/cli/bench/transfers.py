"""``semedit bench transfers``: how local it is to take a region over from a reference, by each method."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks import transfers as measured
from semedit.cli.bench.rows import SaveOption, check_saved, finish
from semedit.cli.console import JsonOption, Report, complain, names, progress_bar
from semedit.editing.loading import load
from semedit.errors import MissingWeights
from semedit.pictures.sheets import save_picture


def transfers(
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Models, whose curves are drawn together (default: portraits).")
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option(help="Methods of 'edit --from-image' (default: all that the model has).")
    ] = None,
    regions: Annotated[
        list[str] | None, typer.Option(help=f"Regions, comma separated (default: {', '.join(measured.REGIONS)}).")
    ] = None,
    count: Annotated[int, typer.Option("--count", min=2, help="Pairs of target and reference.")] = measured.COUNT,
    queries: Annotated[
        bool, typer.Option("--queries", help="Compare the queries of Editing in Style, over their budgets.")
    ] = False,
    sets: Annotated[
        int, typer.Option("--sets", min=0, help="Also Frechet distances, over so many pictures a region; 0: none.")
    ] = 0,
    maps: Annotated[
        str | None, typer.Option("--maps", help="Also write a sheet of heat maps, methods by regions, to this file.")
    ] = None,
    map_count: Annotated[int, typer.Option(min=1, help="Pairs behind each heat map.")] = measured.MAP_COUNT,
    fixed: Annotated[bool, typer.Option("--fixed", help="Heat maps of changes of one picture.")] = False,
    curves: Annotated[
        str, typer.Option(help="Picture of the curves: change outside against change inside.")
    ] = "semedit-out/bench/transfers.png",
    out: SaveOption = None,
    json: JsonOption = False,
) -> None:
    """Change inside a region against change outside when it is taken over, in CIELAB; distances of sets; heat maps."""
    check_saved(out, maps, curves)
    report, rows, made = Report(json), list[measured.TransferRow](), list[measured.TransferCurve]()
    places, against = names(regions) or measured.REGIONS, "simultaneous" if queries else measured.MIXING
    for name in model or ["portraits"]:
        loaded = load(name)
        chosen = measured.QUERIES if queries else measured.sweeps(loaded, tuple(method or ()))
        with progress_bar(f"curves of {loaded.name}", json) as progress:
            found = measured.curves(loaded, places, chosen, count, progress)
        made += found
        rows += measured.rows(found, against)
        if sets:
            with progress_bar("distances", json) as progress:
                rows += measured.distances(loaded, places, tuple(method or ()), sets, progress=progress)
        if maps:
            shown = list(dict.fromkeys(sweep.method for sweep in chosen))
            with progress_bar("heat maps", json) as progress:
                picture = measured.heat_sheet(loaded, places, shown, map_count, fixed=fixed, progress=progress)
            path = Path(maps)
            if len(model or ()) > 1:
                path = path.with_stem(f"{path.stem}-{loaded.name}")
            save_picture(picture, path)
            report.say(f"rows {', '.join(shown)}; columns {', '.join(places)} -> {path}")
    try:
        measured.draw(made, curves)
    except MissingWeights as error:
        complain(str(error))
    finish(rows, measured.table(rows), json, out)
    report.say(f"{count} pairs -> {curves}")
