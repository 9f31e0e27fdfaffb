"""``semedit bench speed``: networks, training steps and edits against the plainest formulation."""

from collections.abc import Sequence
from typing import Annotated

import typer

from benchmarks.rows import Lines, Row
from benchmarks.speed import editing, encoder, fusing, generator, memory, paths, slider, timing, training
from semedit.cli.bench.rows import SaveOption, check_saved, finish, show
from semedit.cli.console import JsonOption, ModelOption, Report
from semedit.cli.early import check_names
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
        bool,
        typer.Option("--training", help="Time full training steps: the default generator, 64 px, 256 px at batch 2."),
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
    slider_: Annotated[
        bool, typer.Option("--slider", help="Time the sliders of single regions against full renders.")
    ] = False,
    paths_: Annotated[
        bool,
        typer.Option("--paths", help="Time every path, from a picture to a slider, beside what it is to reach."),
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="The same in less than three minutes: two runs.")] = False,
    memory_: Annotated[
        bool, typer.Option("--memory", help="Instead: the memory that many pictures take, against few.")
    ] = False,
    count: Annotated[
        int, typer.Option(min=memory.FEW, help=f"With --memory: how many, against {memory.FEW}.")
    ] = memory.MANY,
    model: ModelOption = "portraits",
    show_profile: Annotated[bool, typer.Option("--profile", help="Also print where the time goes.")] = False,
    out: SaveOption = None,
    json: JsonOption = False,
) -> None:
    """Time the generator, the encoder or a training step against the plainest formulation, or edits in batches."""
    batches, precisions = batch or generator.BATCHES, precision or generator.PRECISIONS
    check_names(precisions, generator.PRECISIONS, "precision")
    check_saved(out)
    rows: Sequence[Row]
    shown: Lines
    report = Report(json)
    for kind in () if memory_ else precisions:
        report.say(f"matrix peak, {kind}: {timing.matrix_peak(kind) / 1e9:.0f} GFLOP/s of processor time")
    if memory_:
        rows = taken = list(memory.measure(model, many=count))
        shown = memory.table(taken)
    elif quick or paths_:
        counted = 2 if quick else runs
        timed = list(paths.measure(load(model), precisions, counted))
        show(report, paths.table(timed))
        sliders = slider_rows(model, precisions, counted)
        rows, shown = [*timed, *sliders], slider.table(sliders)
    elif slider_:
        rows = sliders = slider_rows(model, precisions, runs)
        shown = slider.table(sliders)
    elif training_:
        rows = steps = training.measure(precisions, runs)
        shown = training.table(steps)
    elif editing_:
        rows = calls = editing.measure(load(model), runs)
        shown = editing.table(calls)
    elif fusing_:
        rows = fused = fusing.measure(runs)
        shown = fusing.table(fused)
    elif encoder_:
        rows = codes = encoder.measure(batches, precisions, runs)
        shown = encoder.table(codes)
    else:

        def profiled(what: str, spots: list[tuple[str, float]]) -> None:
            report.say(f"{what}: share of CPU time")
            for name, share in spots:
                report.say(f"  {100 * share:5.1f} %  {name}")

        rows = forwards = generator.measure(
            size or generator.SIZES, batches, precisions, runs, profiled if show_profile and not json else None
        )
        shown = generator.table(forwards)
    finish(rows, shown, json, out)


def slider_rows(model: str, precisions: Sequence[str], runs: int) -> list[slider.SliderRow]:
    """The rows of a model's sliders in each precision."""
    opened = [load(model, precision="bf16" if kind == "bf16" else "fp32") for kind in precisions]
    return [row for one in opened for row in slider.measure(one, runs)]
