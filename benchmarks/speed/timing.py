"""Two calls timed alternately, and the memory of one."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # read when torch loads: a missing GPU is no error here

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.rows import Row
from semedit.errors import SemeditError

Value = TypeVar("Value")


class OutputsDifferError(SemeditError):
    """The two formulations did not give the same picture; a time would mean nothing."""


@dataclass(frozen=True, kw_only=True)
class SpeedRow(Row):
    """How many times as fast as another formulation, the median of ``n`` alternating runs, and the range of the runs.

    ``seconds``, of processor time, are those of one call, or step, of the faster formulation, for ``batch`` pictures or
    codes.
    """

    metric: str = "ratio"
    batch: int
    seconds: float
    ratio_low: float
    ratio_high: float

    @property
    def span(self) -> str:
        """The ratio with its range, for a table."""
        return f"{self.value:.2f} ({self.ratio_low:.2f}-{self.ratio_high:.2f})"

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "ratio": self.value}


@dataclass(frozen=True)
class Times:
    """Seconds of one formulation's calls: the processor's time, of several threads added up, and the clock's."""

    processor: list[float]
    wall: list[float]


def time_each(calls: Sequence[Callable[[], object]], runs: int) -> list[Times]:
    """Times of alternating calls, A B C A B C ..., which were made once before, to warm up.

    What else runs on the machine does not count in the processor's time.
    """
    times = [Times([], []) for _ in calls]
    for _ in range(runs):
        for slot, call in zip(times, calls, strict=True):
            began, clock = time.process_time(), time.perf_counter()
            call()
            slot.processor.append(time.process_time() - began)
            slot.wall.append(time.perf_counter() - clock)
    return times


def time_pair(first: Callable[[], object], second: Callable[[], object], runs: int) -> tuple[list[float], list[float]]:
    """Seconds of the processor's time of alternating calls, A B A B ..., after one warm-up each."""
    first(), second()
    one, other = time_each((first, second), runs)
    return one.processor, other.processor


@cache
def matrix_peak(precision: str, side: int = 1024, runs: int = 5) -> float:
    """The most operations a second of processor time that a product of two square matrices reaches here."""
    one = torch.randn(side, side, dtype=torch.bfloat16 if precision == "bf16" else torch.float32)
    torch.mm(one, one)
    seconds = []
    for _ in range(runs):
        began = time.process_time()
        torch.mm(one, one)
        seconds.append(time.process_time() - began)
    return 2 * side**3 / min(seconds)


def operations(call: Callable[[], object]) -> int:
    """Multiplications and additions of the matrix products and convolutions of a call."""
    return counted(call)[1]


def counted(call: Callable[[], Value]) -> tuple[Value, int]:
    """What a call gives, and its :func:`operations`."""
    with FlopCounterMode(display=False) as counter:
        value = call()
    return value, int(counter.get_total_flops())


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
