"""The contract of attribute editors, and of the libraries that hold those of a generator by attribute.

A method of editing attributes is a class of editors and a class of libraries. What they all share stands here: how an
edit is bounded to regions and noted, what strength 1 means, where files are looked for, and what is kept of measuring.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import torch

from directions.masking import limit_to_regions
from directions.study import Calibration, Study
from semedit.config import check_strength
from semedit.errors import UnknownName
from semedit.latents.latent import Latent
from semedit.protocols import Bundle


class AttributeEditor(ABC):
    """An editor of one attribute, whose strength 1 is calibrated.

    ``attribute`` is its name; ``prompts`` are the words that scored it, where words did; ``calibration_`` says where
    its edits are made and how far they go, ``regions_``, ``scale_``, ``unmasked_scale_`` and ``study_`` the parts of
    it. An editor is not changed by being calibrated or by holding others: both give a new one.
    """

    #: The method's name in the registry, which histories say.
    method: ClassVar[str]
    #: The distances, in the method's own unit, that calibration tries, ascending.
    DISTANCES: ClassVar[tuple[float, ...]]

    attribute: str
    prompts: tuple[str, ...] = ()
    calibration_: Calibration

    @property
    def regions_(self) -> str:
        """The regions of an edit that names none, as --regions takes them."""
        return self.calibration_.regions

    @property
    def scale_(self) -> float:
        """The distance that strength 1 means in the default regions."""
        return self.calibration_.scale

    @property
    def unmasked_scale_(self) -> float:
        """The distance that strength 1 means in all rows."""
        return self.calibration_.unmasked_scale

    @property
    def study_(self) -> Study | None:
        """What was measured of the attribute's edits, or None."""
        return self.calibration_.study

    def calibrated(self, calibration: Calibration) -> Self:
        """The same editor with another calibration."""
        self.check_fitted()
        twin = copy(self)
        twin.calibration_ = calibration
        return twin

    def with_scale(self, scale: float) -> Self:
        """The same editor with another meaning of strength 1, in all regions."""
        self.check_fitted()
        return self.calibrated(replace(self.calibration_, scale=scale, unmasked_scale=scale))

    def edit(self, latent: Latent, strength: float, regions: str | None = None) -> Latent:
        """Change the attribute in the rows of ``regions`` (default: its own); all other rows stay bit-identical.

        A batch is edited at once; ``strength`` 0 is the identity, bit for bit. Raises NotFitted, ConfigError for a
        strength that is no finite number, UnknownName for
        regions that do not exist, or LatentError for codes that this editor is not for.
        """
        self.check_fitted()
        check_strength(strength)
        regions, start = regions or self.regions_, self.in_own_space(latent)
        moved = start if strength == 0 else self.move(start, strength, regions)
        event = {"attr": self.attribute, "strength": strength, "regions": regions}
        return limit_to_regions(start, moved, regions).edited_from(latent, method=self.method, **event)

    @abstractmethod
    def check_fitted(self) -> None:
        """NotFitted if there is nothing to edit with yet."""

    def in_own_space(self, latent: Latent) -> Latent:
        """The same codes in the space in which this method moves them; by default any that has rows."""
        return latent

    @abstractmethod
    def move(self, latent: Latent, strength: float, regions: str) -> Latent:
        """The codes, in W+ where they have rows, after an edit of ``regions`` by a ``strength`` other than 0.

        What happens to other rows is undone afterwards; metadata that is added here is kept.
        """

    @abstractmethod
    def preserving(self, others: Sequence[Self]) -> Self:
        """This editor with the attributes of others held as they are. Raises ConfigError if nothing is left of it."""

    def facts(self) -> dict[str, Any]:
        """Figures of the fit, as JSON, for the row that reports what was measured."""
        return {}


Member = TypeVar("Member", bound=AttributeEditor, covariant=True)


class EditorLibrary(Mapping[str, Member], ABC):
    """The editors of a generator by attribute, in one file. ``fingerprint`` names the generator.

    Editors are replaced, not changed: by :meth:`record` alone.
    """

    #: The name of the file beside its generator, the command that learns one, and what a member is called in errors.
    FILE: ClassVar[str]
    COMMAND: ClassVar[str]
    NOUN: ClassVar[str] = "attribute with an editor"

    def __init__(self, editors: Mapping[str, Member], fingerprint: str = ""):
        self._editors, self.fingerprint = dict(editors), fingerprint

    def __getitem__(self, attribute: str) -> Member:
        if attribute not in self._editors:
            raise UnknownName(self.NOUN, attribute, self._editors)
        return self._editors[attribute]

    def __iter__(self) -> Iterator[str]:
        return iter(self._editors)

    def __len__(self) -> int:
        return len(self._editors)

    def record(self, attribute: str, calibration: Calibration) -> None:
        """Keep where an attribute's edits are made and how far they go. Raises UnknownName."""
        self._editors[attribute] = self[attribute].calibrated(calibration)

    def to(self, device: torch.device | str) -> Self:  # noqa: ARG002
        """Move the networks of the editors, where they have any; returns this library."""
        return self

    @abstractmethod
    def save(self, path: str | Path) -> None:
        """Write the file, atomically. Raises NotFitted."""

    @classmethod
    @abstractmethod
    def load(cls, path: str | Path, *fingerprints: str) -> Self:
        """Read a file; LatentError if it was learnt for a generator other than those named (none: any)."""

    @classmethod
    def of_model(cls, model: Bundle, path: Path) -> Self:
        """The editors of a model, or of one that its generator was adapted from, ready for its codes."""
        generator = model.generator
        return cls.load(path, generator.fingerprint, *generator.lineage).to(generator.device)

    @abstractmethod
    def described(self) -> dict[str, Any]:
        """What is known of the editors, as JSON."""
