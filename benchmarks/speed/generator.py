"""Speed of the eval forward against the textbook formulation: the two timed alternately, same weights, same output."""

import resource
import statistics
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.speed.textbook import synthesise
from benchmarks.speed.timing import OutputsDifferError, peak_bytes, time_pair
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
