"""An encoder as its file holds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from encoders.backbone import ResidualEncoder


@dataclass(frozen=True)
class StoredEncoder:
    """An encoder with the mean code (1, D) that its refinement starts from.

    ``fingerprint`` names the generator that it was trained for; it is empty in official files.
    """

    encoder: ResidualEncoder
    latent_avg: Tensor
    fingerprint: str = ""
    card: Mapping[str, Any] = field(default_factory=dict)


def freeze(encoder: ResidualEncoder) -> ResidualEncoder:
    return encoder.eval().requires_grad_(False)
