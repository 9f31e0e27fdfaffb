"""``semedit bench speed``: networks, training steps and edits against the plainest formulation."""

from collections.abc import Sequence
from typing import Annotated

import typer

from benchmarks.rows import Lines, Row
from benchmarks.speed import editing, encoder, fusing, generator, training
from semedit.cli.bench.rows import SaveOption, finish
from semedit.cli.console import JsonOption, Report
from semedit.editing.loading import load


def speed(
    size: Annotated[
        list[int] | None, typer.Option(help=f"Official configurations to time (default: {generator.SIZES}).")
    ] = None,
    batch: Annotated[list[int] | None, typer.Option(help=f"Batch sizes (default: {generator.BATCHES}).")] = None,
    precision: Annotated[
        list[str] | None, typer.Option(help=f"Precisions (default: {', '.join(generator.PRECISIONS)}).")
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="Counted runs of each, alternating.")] = generator.RUNS,
    training_: Annotated[
        bool, typer.Option("--training", help="Time full training steps: the 64 px recipe, and 256 px at batch 2.")
    ] = False,
    encoder_: Annotated[
        bool, typer.Option("--encoder", help="Time the official encoder (256 px, 28 heads) instead of the generator.")
    ] = False,
    editing_: Annotated[
        bool,
        typer.Option("--editing", help=f"Time edits of {editing.COUNT} codes in one call against one for each."),
    ] = False,
    fusing_: Annotated[
        bool,
        typer.Option("--fusing", help=f"Time StyleFusion's hierarchy on {fusing.COUNT} codes in one call, likewise."),
    ] = False,
    show_profile: Annotated[bool, typer.Option("--profile", help="Also print where the time goes.")] = False,
    out: SaveOption = None,
    json: JsonOption = False,
) -> None:
    """Time the generator, the encoder or a training step against the plainest formulation, or edits in batches."""
    batches, precisions = batch or generator.BATCHES, precision or generator.PRECISIONS
    rows: Sequence[Row]
    shown: Lines
    if training_:
        rows = steps = training.measure(precisions, runs)
        shown = training.table(steps)
    elif editing_:
        rows = calls = editing.measure(load(), runs)
        shown = editing.table(calls)
    elif fusing_:
        rows = fused = fusing.measure(runs)
        shown = fusing.table(fused)
    elif encoder_:
        rows = codes = encoder.measure(batches, precisions, runs)
        shown = encoder.table(codes)
    else:
        report = Report(json)

        def profiled(what: str, spots: list[tuple[str, float]]) -> None:
            report.say(f"{what}: share of CPU time")
            for name, share in spots:
                report.say(f"  {100 * share:5.1f} %  {name}")

        rows = forwards = generator.measure(
            size or generator.SIZES, batches, precisions, runs, profiled if show_profile and not json else None
        )
        shown = generator.table(forwards)
    finish(rows, shown, json, out)
