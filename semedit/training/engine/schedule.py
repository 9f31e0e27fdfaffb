"""Learning rates over a run or a search, as a share of the highest."""

import math


def ramp(t: float, up: float = 0.05, down: float = 0.25) -> float:
    """Learning-rate factor r(t), t in [0, 1]: up over 5 %, flat, cosine down over 25 %.

    >>> [round(ramp(t), 3) for t in (0.0, 0.025, 0.5, 0.875, 1.0)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return (0.5 - 0.5 * math.cos(math.pi * min(1.0, (1.0 - t) / down))) * min(1.0, t / up)


def descent(step: int, steps: int, share: float) -> float:
    """Learning-rate factor of a step: 1, then a linear descent to nothing over the last ``share`` of ``steps``.

    >>> [descent(step, 10, 0.5) for step in (0, 5, 8, 9)], descent(9, 10, 0.0)
    ([1.0, 1.0, 0.4, 0.2], 1.0)
    """
    return min(1.0, (steps - step) / max(1.0, share * steps))
