"""A file of directions, one for each attribute, tied to the generator that they were learnt for."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch

from directions.files import load_learnt
from directions.interfacegan import InterFaceGAN
from semedit.checkpoint import Weights, save_weights
from semedit.errors import UnknownName
from semedit.model import Model

KIND = "directions"


class DirectionLibrary(Mapping[str, InterFaceGAN]):
    """Fitted directions by attribute. ``fingerprint`` names the generator whose latent space they live in."""

    FILE: ClassVar[str] = "directions.safetensors"

    def __init__(self, directions: Mapping[str, InterFaceGAN], fingerprint: str):
        self.directions, self.fingerprint = dict(directions), fingerprint

    def __getitem__(self, attribute: str) -> InterFaceGAN:
        if attribute not in self.directions:
            raise UnknownName("attribute with a direction", attribute, self.directions)
        return self.directions[attribute]

    def __iter__(self) -> Iterator[str]:
        return iter(self.directions)

    def __len__(self) -> int:
        return len(self.directions)

    def save(self, path: str | Path) -> None:
        tensors = {name: torch.from_numpy(d.direction_) for name, d in self.directions.items()}
        extra = {name: d.state() for name, d in self.directions.items()}
        save_weights(path, Weights(KIND, {"fingerprint": self.fingerprint}, tensors, extra))

    @classmethod
    def load(cls, path: str | Path, fingerprint: str = "", *others: str) -> "DirectionLibrary":
        """Read a file; LatentError if it was learnt for a generator other than those named."""
        weights = load_learnt(path, KIND, fingerprint, *others)
        made = {n: InterFaceGAN.from_state(n, t.numpy(), weights.extra[n]) for n, t in weights.tensors.items()}
        return cls(made, weights.config["fingerprint"])

    @classmethod
    def of_model(cls, model: Model, path: Path) -> "DirectionLibrary":
        """The directions of a model, or of one that it was adapted from."""
        return cls.load(path, model.generator.fingerprint, *model.generator.lineage)

    def described(self) -> dict[str, Any]:
        """What is known of each direction, as JSON."""
        return {name: direction.state() for name, direction in self.items()}
