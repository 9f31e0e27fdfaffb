"""Speed of the eval forward against the textbook formulation: the two timed alternately, same weights, same output."""

import os
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # read when torch loads: a missing GPU is no error here

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.textbook import synthesise
from semedit.errors import SemeditError
from semedit.generator import GeneratorConfig, SemanticGenerator
from semedit.render import RenderBlock


class OutputsDifferError(SemeditError):
    """The two formulations did not give the same picture; a time would mean nothing."""


def time_pair(first: Callable[[], object], second: Callable[[], object], runs: int) -> tuple[list[float], list[float]]:
    """Seconds of alternating calls, A B A B ..., after one warm-up each."""
    first(), second()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        for slot, call in zip(times, (first, second), strict=True):
            began = time.perf_counter()
            call()
            slot.append(time.perf_counter() - began)
    return times


def peak_bytes(call: Callable[[], object]) -> int:
    """Most bytes of tensors that live at once during a call, by torch's own allocation record."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        call()
    live = most = 0
    profiler: Any = record.profiler
    for event in sorted(profiler.kineto_results.events(), key=lambda e: e.start_ns()):
        if event.name() == "[memory]":
            live += event.nbytes()
            most = max(most, live)
    return most


def random_generator(size: int, seed: int = 0) -> SemanticGenerator:
    """The official configuration with random weights, noise strengths included."""
    torch.manual_seed(seed)
    generator = SemanticGenerator(GeneratorConfig(size=size)).eval().requires_grad_(False)
    for block in generator.render.blocks:
        assert isinstance(block, RenderBlock)
        block.noise_weight.normal_(0, 0.1)
    return generator


def compare(generator: SemanticGenerator, batch: int, precision: str, runs: int) -> dict[str, Any]:
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
    return {
        "size": generator.config.size,
        "batch": batch,
        "precision": precision,
        "seconds": statistics.median(mine),
        "textbook_seconds": statistics.median(theirs),
        "ratio": statistics.median(ratios),
        "ratio_low": min(ratios),
        "ratio_high": max(ratios),
        "peak_mb": peak_bytes(ours) / 1e6,
        "textbook_peak_mb": peak_bytes(textbook) / 1e6,
        "difference": error,
        "process_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


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
