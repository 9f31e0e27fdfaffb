"""Two local methods where both change a region equally: what each changes outside it, picture by picture.

A method's greatest strength is no place to compare it at: one that does less in the region also does less elsewhere,
and one that has come to all it can do there goes on elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: Which share of the change that both methods come to they are compared at: towards its end a curve is flat inside.
REACHED = 0.9


@dataclass(frozen=True)
class EqualChange:
    """``inside``: the change (N,) inside a region that two methods are compared at in each picture; ``own`` and
    ``other``: what each changes outside there. NaN for pictures in which a change is not known."""

    inside: Array
    own: Array
    other: Array

    @property
    def saved(self) -> Array:
        """How much less (N,) the one changes outside than the other."""
        return self.other - self.own


def where_first(changes: Sequence[float] | Array, values: Sequence[float] | Array, wanted: float) -> float:
    """The value of a curve where its change is first ``wanted``, between its points; beyond its greatest change, the
    value there. Points are in the order of their amounts, the first of no change; NaN where a change is.

    >>> where_first([0.0, 2.0, 1.0, 4.0], [0.0, 1.0, 9.0, 3.0], 3.0)
    2.0
    """
    highest = np.maximum.accumulate(np.asarray(changes, dtype=float))
    if np.isnan(highest[-1]):
        return float("nan")
    rising = np.concatenate([[True], np.diff(highest) > 0])
    return float(np.interp(wanted, highest[rising], np.asarray(values, dtype=float)[rising]))


def at_equal_change(own: tuple[Array, Array], other: tuple[Array, Array]) -> EqualChange:
    """Two methods compared, each by its change inside and outside, (A, N) at A ascending amounts of N pictures.

    In each picture at REACHED of the greatest change inside that both come to, whatever amount either needs for it; at
    none it changes nothing.
    """
    inside = REACHED * np.minimum(own[0].max(0), other[0].max(0))

    def outside(curve: tuple[Array, Array]) -> Array:
        pictures = zip(curve[0].T, curve[1].T, inside, strict=True)
        return np.array([where_first([0, *x], [0, *y], wanted) for x, y, wanted in pictures])

    return EqualChange(inside, outside(own), outside(other))
