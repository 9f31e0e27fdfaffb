"""What a domain is: everything about a kind of picture that is not a generator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn, Protocol, Self

import torch
from PIL import Image
from torch import Tensor

from semedit.data.drawn import Painter
from semedit.data.lessons import Teacher
from semedit.errors import ConfigError, MissingWeights, UnknownName
from semedit.latents.regions import RegionTable, Selection
from semedit.metrics.attributes import AttributeScorer
from semedit.metrics.clip import Clip
from semedit.metrics.features import DomainFeatures
from semedit.metrics.without import WITHOUT
from semedit.networks.style_based import StyleBasedConfig
from semedit.pictures.alignment import Aligned


class PerceptualMetric(Protocol):
    """A differentiable distance between batches of pictures, with its protocol id."""

    @property
    def protocol(self) -> str: ...

    def to(self, device: torch.device) -> Self: ...

    def distance(self, a: Tensor, b: Tensor) -> Tensor: ...


class IdentityMetric(Protocol):
    """A differentiable similarity in [-1, 1] of the persons in two batches of pictures, with its protocol id.

    ``threshold`` is the similarity above which they are one, None where nobody has measured it.
    """

    @property
    def protocol(self) -> str: ...

    @property
    def threshold(self) -> float | None: ...

    def to(self, device: torch.device) -> Self: ...

    def identity(self, a: Tensor, b: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class TrueChange:
    """What a change should come to: pictures (B, 3, S, S) in [-1, 1] and label maps (B, S, S), before it and after."""

    before: Tensor
    after: Tensor
    labels_before: Tensor
    labels_after: Tensor

    def inside(self, regions: tuple[int, ...]) -> Tensor:
        """Where regions lie, before or after: (B, 1, S, S), bool."""
        chosen = torch.tensor(regions, device=self.before.device)
        return (torch.isin(self.labels_before, chosen) | torch.isin(self.labels_after, chosen))[:, None]


class Truth(Protocol):
    """Someone who knows what edits should come to: the pictures of codes, also with an attribute put on or off.

    Codes are z (B, D), before the mapping network; pictures (B, 3, S, S) in [-1, 1].
    """

    @property
    def protocol(self) -> str: ...

    def attributes(self, codes: Tensor) -> Tensor:
        """Which of the domain's attributes (B, A), 0 or 1, codes show; mixed ones are given by rows (B, L, D)."""
        ...

    def turnable(self, codes: Tensor, attribute: str, on: bool) -> Tensor:
        """Which codes (B,), bool, lack the attribute and show it once it is put on, or the other way round."""
        ...

    def pictures(self, codes: Tensor) -> Tensor:
        """The true picture of each code."""
        ...

    def edited(self, codes: Tensor, attribute: str, on: bool) -> Tensor:
        """The true pictures with an attribute put on or off."""
        ...

    def true_edit(self, codes: Tensor, attribute: str, on: bool) -> TrueChange:
        """The same beside what was there, with label maps."""
        ...

    def true_transfer(self, codes: Tensor, others: Tensor, selection: Selection) -> TrueChange:
        """Pictures of codes with a selection of regions from others (B, D)."""
        ...


def no_judge() -> NoReturn:
    """The loader of a judge that a domain does not have."""
    raise MissingWeights("the domain has no judge of this kind, which nothing has learnt from")


@dataclass(frozen=True)
class Domain:
    """A kind of picture: aligner, regions, metrics, parser, attributes, and who draws it or teaches it.

    The loaders open weights on first use and raise MissingWeights, naming what is missing, where there are none.
    ``identity`` scores; ``identity_loss`` is another network, trained apart, that losses may use: what a loss has
    pushed cannot score. ``identity_further`` are other scores, which benchmarks give beside it. ``perceptual`` guides
    inversion, ``perceptual_training`` encoders and generators; ``attributes`` labels samples that editors learn from,
    ``clip`` guides edits by words; the ``_judge`` of each is another network, which nothing learns from (see
    :mod:`semedit.domains.judges`).
    ``edit_regions`` gives, for each attribute, the regions that its edit changes unless told otherwise.
    ``properties`` are what prompts can name, with exclusive values, each as a prompt.
    ``draw`` paints pictures at random, with labels and attributes; None where pictures have to be brought.
    ``teacher`` makes the lessons of a generator of this configuration, in a drawing style and with a share of mixed
    codes; None where nobody knows which picture a code should have. ``truth`` knows, for a generator of this
    configuration, what its edits should come to.
    ``poor_psnr`` is the reconstruction quality below which a picture is reported as outside the domain.
    """

    name: str
    regions: RegionTable
    attribute_names: tuple[str, ...]
    edit_regions: Mapping[str, str]
    align: Callable[[Image.Image, int, int | None], Aligned]
    perceptual: Callable[[], PerceptualMetric]
    perceptual_training: Callable[[], PerceptualMetric]
    identity: Callable[[], IdentityMetric]
    identity_loss: Callable[[], IdentityMetric]
    features: Callable[[], DomainFeatures]
    attributes: Callable[[], AttributeScorer]
    clip: Callable[[], Clip]
    properties: Mapping[str, tuple[str, ...]]
    poor_psnr: float
    perceptual_judge: Callable[[], PerceptualMetric] = no_judge
    features_judge: Callable[[], DomainFeatures] = no_judge
    attributes_judge: Callable[[], AttributeScorer] = no_judge
    clip_judge: Callable[[], Clip] = no_judge
    identity_further: tuple[Callable[[], IdentityMetric], ...] = ()
    draw: Painter | None = None
    teacher: Callable[[StyleBasedConfig, str, float], Teacher] | None = None
    truth: Callable[[StyleBasedConfig], Truth] | None = None

    def own_features(self) -> DomainFeatures | None:
        """The domain's feature network, or None where it has none or its weights are missing."""
        try:
            return self.features()
        except MissingWeights:
            return None

    def truth_of(self, config: StyleBasedConfig) -> Truth:
        """Who knows what edits should come to. Raises ConfigError where nobody does, or not for such codes."""
        if self.truth is None:
            raise ConfigError(f"the domain '{self.name}' has no law: nobody knows the true picture of an edit")
        return self.truth(config)

    def without(self, *measures: str) -> "Domain":
        """This domain with "perceptual" replaced by plain squared distance, or "identity" left out, or both.

        What is left out has no judge either. Raises UnknownName for another measure.
        """
        for name in measures:
            if name not in WITHOUT:
                raise UnknownName("measure that can be left out", name, WITHOUT)
        stand_ins: dict[str, Any] = {name: WITHOUT[name] for name in measures}
        if "perceptual" in stand_ins:
            stand_ins |= {"perceptual_training": WITHOUT["perceptual"], "perceptual_judge": no_judge}
        return replace(self, **stand_ins)

    def painter(self) -> Painter:
        """Who draws this domain's pictures. Raises ConfigError where nobody does."""
        if self.draw is None:
            raise ConfigError(f"pictures of the domain '{self.name}' cannot be drawn; name them with --data")
        return self.draw
