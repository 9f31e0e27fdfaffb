"""The learning-rate schedule of optimisation in a latent space."""

import math


def ramp(t: float, up: float = 0.05, down: float = 0.25) -> float:
    """Learning-rate factor r(t), t in [0, 1]: up over 5 %, flat, cosine down over 25 %."""
    return (0.5 - 0.5 * math.cos(math.pi * min(1.0, (1.0 - t) / down))) * min(1.0, t / up)
