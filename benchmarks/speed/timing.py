"""Two calls timed alternately, and the memory of one."""

import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # read when torch loads: a missing GPU is no error here

from torch.profiler import ProfilerActivity, profile

from semedit.errors import SemeditError


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
