"""Speed of the eval forward against the textbook formulation: the two timed alternately, same weights, same output."""

import resource
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.rows import Lines
from benchmarks.speed.textbook import synthesise
from benchmarks.speed.timing import (
    OutputsDifferError,
    SpeedRow,
    matrix_peak,
    operations,
    peak_bytes,
    time_pair,
)
from semedit.networks.generator import GeneratorConfig, SemanticGenerator
from semedit.networks.render import RenderBlock


def random_generator(size: int, seed: int = 0) -> SemanticGenerator:
    """The official configuration with random weights, noise strengths included."""
    torch.manual_seed(seed)
    generator = SemanticGenerator(GeneratorConfig(size=size)).eval().requires_grad_(False)
    for block in generator.render.blocks:
        assert isinstance(block, RenderBlock)
        block.noise_weight.normal_(0, 0.1)
    return generator


#: The official sizes in px, batches, precisions and runs that are timed unless told otherwise.
SIZES, BATCHES, PRECISIONS, RUNS = (256, 512), (1, 4), ("fp32", "bf16"), 5


@dataclass(frozen=True, kw_only=True)
class ForwardRow(SpeedRow):
    """``size``: px; the textbook's seconds; most megabytes of tensors alive in a call of each, and of the process;
    ``difference``: of the pictures, as a share of their range; ``peak_share``: of the operations a second that a
    product of large matrices reaches here."""

    size: int
    precision: str
    textbook_seconds: float
    peak_mb: float
    textbook_peak_mb: float
    process_peak_mb: float
    difference: float
    peak_share: float


def measure(
    sizes: Sequence[int],
    batches: Sequence[int],
    precisions: Sequence[str],
    runs: int,
    profiled: Callable[[str, list[tuple[str, float]]], None] | None = None,
) -> list[ForwardRow]:
    """A row for each size, batch and precision; ``profiled`` hears where the time of each fp32 forward goes."""
    rows = []
    for size in sizes:
        generator = random_generator(size)
        for count in batches:
            rows += [compare(generator, count, kind, runs) for kind in precisions]
            if profiled:
                profiled(f"{size} px, batch {count}, fp32", hot_spots(generator, count))
    return rows


def table(rows: list[ForwardRow]) -> Lines:
    """A line a row."""
    return [
        {
            "px": row.size,
            "batch": row.batch,
            "type": row.precision,
            "s": row.seconds,
            "textbook s": row.textbook_seconds,
            "ratio": row.span,
            "of peak": f"{100 * row.peak_share:.0f} %",
            "MB": f"{row.peak_mb:.0f}/{row.textbook_peak_mb:.0f}",
        }
        for row in rows
    ]


def compare(generator: SemanticGenerator, batch: int, precision: str, runs: int) -> ForwardRow:
    """One row of the table. Raises OutputsDifferError if the pictures are not the same."""
    torch.manual_seed(1)
    codes = torch.randn(batch, generator.layout.rows, generator.config.style_dim)

    def ours() -> torch.Tensor:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            return generator(codes).image

    def textbook() -> torch.Tensor:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            return synthesise(generator, codes).image.float()

    a, b = ours(), textbook()
    error = ((a - b).abs().max() / b.abs().max()).item()
    if error > (2e-4 if precision == "fp32" else 0.1):
        raise OutputsDifferError(
            f"{generator.config.size} px, {precision}: pictures differ by {error:.1e} of their range"
        )
    mine, theirs = time_pair(ours, textbook, runs)
    ratios = [t / m for m, t in zip(mine, theirs, strict=True)]
    return ForwardRow(
        task="speed",
        method="generator",
        model="random",
        value=statistics.median(ratios),
        n=runs,
        protocol="alternating, against the textbook formulation",
        batch=batch,
        seconds=statistics.median(mine),
        ratio_low=min(ratios),
        ratio_high=max(ratios),
        size=generator.config.size,
        precision=precision,
        textbook_seconds=statistics.median(theirs),
        peak_mb=peak_bytes(ours) / 1e6,
        textbook_peak_mb=peak_bytes(textbook) / 1e6,
        process_peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        difference=error,
        peak_share=operations(ours) / statistics.median(mine) / matrix_peak(precision),
    )


def hot_spots(generator: SemanticGenerator, batch: int, rows: int = 8) -> list[tuple[str, float]]:
    """Operators by their share of the CPU time of one forward."""
    codes = torch.randn(batch, generator.layout.rows, generator.config.style_dim)
    with torch.inference_mode():
        generator(codes)
        with profile(activities=[ProfilerActivity.CPU]) as record:
            generator(codes)
    events = sorted(record.key_averages(), key=lambda e: e.self_cpu_time_total, reverse=True)
    total = sum(e.self_cpu_time_total for e in events)
    return [(e.key, e.self_cpu_time_total / total) for e in events[:rows]]
