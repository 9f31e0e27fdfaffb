"""The networks of a domain that inversion is guided and scored by."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from semedit.domains.base import Domain, IdentityMetric, PerceptualMetric
from semedit.errors import ConfigError

Parser = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Measures:
    """A domain's networks as inversion needs them, on one device; those that are not needed are None.

    ``perceptual`` is loss and target at once, as in the released script; ``identity`` scores and decides whether a
    target is reached, ``identity_loss`` is the other network, which losses use.
    """

    perceptual: PerceptualMetric
    parser: Parser | None = None
    identity: IdentityMetric | None = None
    identity_loss: IdentityMetric | None = None

    @classmethod
    def of(
        cls, domain: Domain, device: torch.device, *, parser: bool = False, identity: bool = False, loss: bool = False
    ) -> Self:
        """The measures that are wanted. Raises MissingWeights for one whose weights are absent."""
        return cls(
            domain.perceptual().to(device),
            domain.features().to(device).parse if parser else None,
            domain.identity().to(device) if identity else None,
            domain.identity_loss().to(device) if loss else None,
        )


def need(found: Any, what: str, option: str) -> None:
    """ConfigError if an option needs a network that was not given."""
    if found is None:
        raise ConfigError(f"{option} needs {what}")
