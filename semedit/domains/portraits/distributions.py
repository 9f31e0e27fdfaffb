"""How a factor is distributed: a monotone function of one coordinate, a standard normal number, and its inverse."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


def normal_cdf(x: Tensor) -> Tensor:
    return 0.5 * (1 + torch.erf(x / math.sqrt(2)))


@dataclass(frozen=True)
class Uniform:
    """Uniform in [low, high]."""

    low: float = 0.0
    high: float = 1.0

    @property
    def range(self) -> tuple[float, float]:
        return self.low, self.high

    def of(self, x: Tensor) -> Tensor:
        return self.low + (self.high - self.low) * normal_cdf(x)

    def coordinate(self, value: Tensor) -> Tensor:
        return torch.special.ndtri(((value - self.low) / (self.high - self.low)).clamp(1e-4, 1 - 1e-4))


@dataclass(frozen=True)
class Bell:
    """Normal with mean 0 and standard deviation 0.4 limit, clipped to [-limit, limit]."""

    limit: float

    @property
    def range(self) -> tuple[float, float]:
        return -self.limit, self.limit

    def of(self, x: Tensor) -> Tensor:
        return (0.4 * self.limit * x).clamp(-self.limit, self.limit)

    def coordinate(self, value: Tensor) -> Tensor:
        return value / (0.4 * self.limit)


@dataclass(frozen=True)
class Switch:
    """1 with probability ``rate``, else 0: 1 where the coordinate is above its quantile."""

    rate: float

    @property
    def range(self) -> tuple[float, float]:
        return 0.0, 1.0

    def of(self, x: Tensor) -> Tensor:
        return (normal_cdf(x) > 1 - self.rate).float()

    def coordinate(self, value: Tensor) -> Tensor:
        """The median coordinate of either side."""
        sides = torch.tensor([(1 - self.rate) / 2, 1 - self.rate / 2], device=value.device)
        return torch.special.ndtri(sides)[(value > 0.5).long()]


@dataclass(frozen=True)
class Gap:
    """Uniform in ``on`` with probability ``rate``, else in ``off``; both ascend with the coordinate."""

    rate: float
    off: tuple[float, float]
    on: tuple[float, float]

    @property
    def range(self) -> tuple[float, float]:
        return self.off[0], self.on[1]

    def of(self, x: Tensor) -> Tensor:
        u, edge = normal_cdf(x), 1 - self.rate
        below = self.off[0] + (self.off[1] - self.off[0]) * u / edge
        return torch.where(u > edge, self.on[0] + (self.on[1] - self.on[0]) * (u - edge) / self.rate, below)

    def coordinate(self, value: Tensor) -> Tensor:
        edge, on = 1 - self.rate, value > (self.off[1] + self.on[0]) / 2
        low = edge * ((value - self.off[0]) / (self.off[1] - self.off[0])).clamp(1e-4, 1 - 1e-4)
        high = edge + self.rate * ((value - self.on[0]) / (self.on[1] - self.on[0])).clamp(1e-4, 1 - 1e-4)
        return torch.special.ndtri(torch.where(on, high, low))


Distribution = Uniform | Bell | Switch | Gap
