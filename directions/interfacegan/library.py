"""A file of directions, one for each attribute, tied to the generator that they were learnt for."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch

from directions.interfacegan.editor import InterFaceGAN
from directions.learnt_file import load_learnt
from directions.study import Study
from semedit.errors import UnknownName
from semedit.protocols import Bundle
from semedit.storage.weights import Weights, save_weights

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
        tensors = {name: torch.from_numpy(t) for d in self.directions.values() for name, t in d.tensors().items()}
        extra = {name: d.state() for name, d in self.directions.items()}
        save_weights(path, Weights(KIND, {"fingerprint": self.fingerprint}, tensors, extra))

    @classmethod
    def load(cls, path: str | Path, fingerprint: str = "", *others: str) -> "DirectionLibrary":
        """Read a file; LatentError if it was learnt for a generator other than those named."""
        weights = load_learnt(path, KIND, fingerprint, *others)
        tensors = {name: tensor.numpy() for name, tensor in weights.tensors.items()}
        made = {name: InterFaceGAN.from_state(name, tensors, state) for name, state in weights.extra.items()}
        return cls(made, weights.config["fingerprint"])

    @classmethod
    def of_model(cls, model: Bundle, path: Path) -> "DirectionLibrary":
        """The directions of a model, or of one that it was adapted from."""
        return cls.load(path, model.generator.fingerprint, *model.generator.lineage)

    def described(self) -> dict[str, Any]:
        """What is known of each direction, as JSON, and the cosine of each two."""
        table = {name: direction.state() for name, direction in self.items()}
        return {**table, "cosines": self.cosines()} if len(self) > 1 else table

    def cosines(self) -> dict[str, dict[str, float]]:
        """The cosine of each two directions: near 0 they are independent, near 1 one brings the other with it."""
        return {
            a: {b: round(float(one.direction_ @ other.direction_), 4) for b, other in self.items()}
            for a, one in self.items()
        }

    def record(self, attribute: str, regions: str, study: Study | None) -> None:
        """Keep the default regions of an attribute's edits, and what was measured of them."""
        direction = self[attribute]
        direction.regions_ = regions
        if study:
            direction.scale_, direction.unmasked_scale_, direction.study_ = study.scale, study.unmasked_scale, study

    def merged(self, others: "DirectionLibrary") -> "DirectionLibrary":
        """This library with the directions of another of the same generator added, or put in place of its own."""
        return DirectionLibrary({**self.directions, **others.directions}, self.fingerprint)
