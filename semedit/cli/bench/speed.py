"""``semedit bench speed``: networks, training steps and edits against the plainest formulation."""

from typing import Annotated

import typer

from semedit.cli.bench.rows import SaveOption, finish
from semedit.cli.console import JsonOption, Report


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
    from benchmarks.speed import generator as bench

    if training:
        _training_speed(precision or ["fp32", "bf16"], runs, out, json)
        return
    if editing_calls:
        _editing_speed(runs, out, json)
        return
    if encoder:
        _encoder_speed(batch or [1, 4], precision or ["fp32", "bf16"], runs, out, json)
        return
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
    finish(rows, list(text[0]), json, out, shown=text)


def _encoder_speed(batches: list[int], precisions: list[str], runs: int, out: str | None, json: bool) -> None:
    from benchmarks.speed import encoder as bench

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
    finish(rows, list(text[0]), json, out, shown=text)


def _editing_speed(runs: int, out: str | None, json: bool) -> None:
    from benchmarks.speed import editing as bench
    from semedit.editing.loading import load

    model = load("portraits")
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
    finish(rows, list(text[0]), json, out, shown=text)


def _training_speed(precisions: list[str], runs: int, out: str | None, json: bool) -> None:
    from benchmarks.speed import training as bench
    from semedit.training.gan.recipes import recipe

    official = recipe("celebamask-hq-256").with_overrides(["batch=2"])
    rows = [
        bench.compare_steps(config.with_overrides([f"precision={kind}"]), runs)
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
    finish(rows, list(text[0]), json, out, shown=text)
