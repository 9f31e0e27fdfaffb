"""Bootstrap intervals over pictures (Efron 1979): percentiles of a figure over resampled sets of pictures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RESAMPLES, SEED = 2000, 0
#: The share of the resamples that an interval leaves out at either end.
TAIL = 0.025


@dataclass(frozen=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


def resamples(count: int, seed: int = SEED) -> Array:
    """How much each of ``count`` pictures weighs in each resample, (RESAMPLES, count); rows sum to 1."""
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    return drawn / count


def interval(figures: Array) -> Interval:
    """The interval of a figure from its values (RESAMPLES,) in the resamples."""
    low, high = np.quantile(figures, (TAIL, 1 - TAIL))
    return Interval(float(low), float(high))


def mean_interval(values: Array, seed: int = SEED) -> Interval:
    """The interval of the mean of a value of each picture (N,)."""
    return interval(resamples(len(values), seed) @ values)
