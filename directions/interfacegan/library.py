"""A file of directions, one for each attribute, tied to the generator that they were learnt for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import torch

from directions.contract import EditorLibrary
from directions.interfacegan.editor import InterFaceGAN
from directions.interfacegan.official import load_boundary
from directions.learnt_file import load_learnt
from semedit.errors import LatentError
from semedit.protocols import Bundle
from semedit.storage.content import reading
from semedit.storage.weights import Weights, save_weights

KIND = "directions"


class DirectionLibrary(EditorLibrary[InterFaceGAN]):
    """Fitted directions by attribute. ``fingerprint`` names the generator whose latent space they live in."""

    FILE: ClassVar[str] = "directions.safetensors"
    COMMAND: ClassVar[str] = "semedit fit directions"
    NOUN: ClassVar[str] = "attribute with a direction"

    def save(self, path: str | Path) -> None:
        for direction in self.values():
            direction.check_fitted()
        tensors = {name: torch.from_numpy(t) for one in self.values() for name, t in one.tensors().items()}
        extra = {name: direction.state() for name, direction in self.items()}
        save_weights(path, Weights(KIND, {"fingerprint": self.fingerprint}, tensors, extra))

    @classmethod
    def load(cls, path: str | Path, *fingerprints: str) -> Self:
        """Read a file; LatentError if it was learnt for a generator other than those named (none: any)."""
        weights = load_learnt(path, KIND, *fingerprints)
        with reading(path):
            tensors = {name: tensor.numpy() for name, tensor in weights.tensors.items()}
            made = {name: InterFaceGAN.from_state(name, tensors, state) for name, state in weights.extra.items()}
        return cls(made, weights.config["fingerprint"])

    @classmethod
    def of_model(cls, model: Bundle, path: Path) -> Self:
        """The directions of a model, whose generator brings codes to S for those that are learnt there."""
        found = super().of_model(model, path)
        made = {name: one.with_styles(model.generator.in_style_space) for name, one in found.items()}
        return cls(made, found.fingerprint)

    @classmethod
    def brought(cls, files: Mapping[str, str | Path], model: Bundle) -> Self:
        """Published boundaries, a ``.npy`` file for each attribute, as directions of a model's W.

        Such a file does not say whose it is: that the generator is the model's is the user's word. Raises
        CheckpointError for another file, LatentError for a boundary of another width.
        """
        generator, places = model.generator, model.domain.edit_regions
        made = {name: load_boundary(path, name, places.get(name, "all")) for name, path in files.items()}
        for name, one in made.items():
            if len(one.direction_) != generator.config.style_dim:
                raise LatentError(
                    f"{files[name]}: a boundary of width {len(one.direction_)}, for a generator of width "
                    f"{generator.config.style_dim}"
                )
        return cls(made, generator.fingerprint)

    def to(self, device: torch.device | str) -> Self:  # noqa: ARG002
        """This library: directions are added on whatever device a code is."""
        return self

    def described(self) -> dict[str, Any]:
        """What is known of each direction, as JSON, and the cosine of each two."""
        table = {name: direction.state() for name, direction in self.items()}
        return {**table, "cosines": self.cosines()} if len(self) > 1 else table

    def cosines(self) -> dict[str, dict[str, float]]:
        """The cosine of each two directions of one space: near 0 they are independent, near 1 one brings the other."""
        return {
            a: {
                b: round(float(one.direction_ @ other.direction_), 4)
                for b, other in self.items()
                if one.space == other.space
            }
            for a, one in self.items()
        }

    def merged(self, others: Self) -> Self:
        """This library with the directions of another of the same generator added, or put in place of its own."""
        return type(self)({**self, **others}, self.fingerprint)
