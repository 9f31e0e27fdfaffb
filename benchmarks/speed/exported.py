"""Speed of an exported network in ONNX Runtime beside torch, with equal outputs."""

import statistics
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed.timing import SpeedRow, time_pair
from semedit.editing.export import NetworkPart, OnnxSession


@dataclass(frozen=True, kw_only=True)
class ExportRow(SpeedRow):
    """``part``: of the model; ``torch_seconds``: of one call in torch."""

    part: str
    torch_seconds: float


def measure(model: str, part: NetworkPart, path: Path, runs: int = 5, batch: int = 1) -> ExportRow:
    """How many times as fast as torch ONNX Runtime computes a part of a model, on one batch."""
    session, arguments = OnnxSession(path), part.draw(batch, 0)
    fast, slow = time_pair(lambda: session(*arguments), lambda: part.run(*arguments), runs)
    ratios = [b / a for a, b in zip(fast, slow, strict=True)]
    return ExportRow(
        task="speed",
        method="onnxruntime",
        model=model,
        value=statistics.median(ratios),
        n=runs,
        protocol="alternating, ONNX Runtime against torch, fp32",
        batch=batch,
        seconds=statistics.median(fast),
        ratio_low=min(ratios),
        ratio_high=max(ratios),
        part=part.name,
        torch_seconds=statistics.median(slow),
    )
