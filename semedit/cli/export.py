"""``semedit models export``: a model for other programs, as ONNX files or as a page that needs no server."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from semedit.cli import complete
from semedit.cli.console import JsonOption, Report

if TYPE_CHECKING:
    from semedit.editing.export import Exported


def export(
    name: Annotated[str, typer.Argument(help="A model's name, or a generator file.", autocompletion=complete.models)],
    format: Annotated[
        Literal["onnx", "web"],
        typer.Option(
            "--format", help="onnx: a file for each part; web: a folder with a page that any server hands out."
        ),
    ] = "onnx",
    part: Annotated[
        list[str] | None,
        typer.Option("--part", help="generator, mapping or encoder; repeat for several (default: the generator)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the files (default: semedit-out/export, or the page's).")
    ] = None,
    runtime: Annotated[
        Path | None,
        typer.Option("--runtime", help="Of a page: the folder of onnxruntime-web (default: npm's, in this folder)."),
    ] = None,
    runs: Annotated[int, typer.Option("--runs", min=0, help="Counted runs that time it beside torch; 0: none.")] = 5,
    json: JsonOption = False,
) -> None:
    """Export a model's networks, compared with torch before they are called done.

    Files are ONNX with a batch of any size; ONNX Runtime runs them (extra 'onnx').
    """
    from benchmarks.speed import exported
    from semedit.editing.export import export_page, export_part, find_runtime, part_of
    from semedit.editing.export.runtime import require_packages
    from semedit.editing.loading import load
    from semedit.errors import ConfigError

    if format == "web" and part:
        raise ConfigError("a page takes the generator and the mapping; --part is for --format onnx")
    if format == "onnx" and runtime:
        raise ConfigError("--runtime is for --format web")
    require_packages()
    report, root = Report(json), Path("semedit-out")
    if format == "web":
        find_runtime(runtime)
        model = load(name)
        page = export_page(model, out or root / f"{model.name}-page", runtime, done=told(report))
        report.add(format=format, **page.to_json())
        report.say(f"{page.folder}: sliders for {', '.join(page.attributes)}")
        report.say(f"to look at it here: python -m http.server --bind 127.0.0.1 --directory {page.folder}")
        report.finish()
        return
    model = load(name)
    for chosen in [part_of(model, one) for one in part or ["generator"]]:
        made = export_part(model, chosen, (out or root / "export") / f"{model.name}-{chosen.name}.onnx")
        told(report)(made)
        row = exported.measure(model.name, chosen, made.path, runs) if runs else None
        report.add(format=format, **made.to_json(), speed=row.to_json() if row else None)
        if row:
            report.say(f"  one call: {row.seconds:.4f} s, in torch {row.torch_seconds:.4f} s; {row.span} times as fast")
    report.finish()


def told(report: Report) -> "Callable[[Exported], None]":
    """What says of a file that it is there, and how far it is from torch."""

    def tell(made: "Exported") -> None:
        differences = ", ".join(f"{output} {value:.1e}" for output, value in made.differences.items())
        report.say(f"{made.path}: {made.bytes / 1e6:.1f} MB, opset {made.opset}")
        report.say(f"  largest difference from torch: {differences}")

    return tell
