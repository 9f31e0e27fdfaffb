"""Blending as editors that take regions over from a reference: feature blending, and Poisson blending.

Both need masks of the regions, which are the generator's own label maps where it has any, and else those of the
domain's parser. Blended is where the regions lie in either picture, so that nothing of the target's own part is left.
"""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from baselines.blending.features import blend_features
from baselines.blending.poisson import blend_poisson
from baselines.blending.semantic import blend_semantic_features
from baselines.stylegan2 import StyleGAN2Generator
from semedit.config import Config, check_strength
from semedit.errors import LatentError
from semedit.latents.latent import Latent
from semedit.networks.synthesis import Rendering, Segmented
from semedit.protocols import Bundle

#: px of the last layer of a StyleGAN2 that is blended where nothing is said; the paper has 32 and 64.
SIZE = 32


def region_masks(model: Bundle, shown: Any, regions: tuple[int, ...]) -> Tensor:
    """Masks (B, 1, H, W) in {0, 1} of label indices in pictures that a generator has made.

    Raises MissingWeights where neither the generator nor the domain tells regions.
    """
    labels = getattr(shown, "labels", None)
    if labels is None:
        labels = model.domain.features().to(shown.image.device).parse(shown.image)
    return torch.isin(labels, torch.tensor(regions, device=labels.device))[:, None].to(shown.image)


class BlendingEditor(ABC):
    """An editor of pictures: takes regions over from ``reference``, one code for all, or one for each.

    ``regions`` is the default of the edits. Raises LatentError for a reference of another generator.
    """

    method: ClassVar[str]

    def __init__(self, model: Bundle, reference: Latent, regions: str = "all"):
        model.generator.check(reference)
        self.model, self.reference, self.regions_ = model, reference, regions

    def edit(self, latent: Latent, strength: float, regions: str | None = None) -> Latent:
        """The same codes, with a note of what was done to their pictures.

        Raises UnknownName or ConfigError for regions that cannot be taken over, LatentError for codes that do not go
        with the references.
        """
        check_strength(strength)
        chosen = self.chosen(latent, regions)[0]
        source = self.reference.metadata.get("source")
        event = {"method": self.method, "strength": strength, "regions": chosen, "reference": source}
        return latent.edited_from(latent, **event, codes="unchanged")

    @torch.no_grad()
    def render(self, latent: Latent, strength: float, regions: str | None = None) -> Rendering:
        """The edited pictures; ``strength`` 0 gives the codes' own, and raises as :meth:`edit`."""
        check_strength(strength)
        chosen = self.chosen(latent, regions)[1]
        before = self.model.synthesise(latent)
        if strength == 0:
            return before
        other = self.model.synthesise(self.reference)
        mask = torch.maximum(*(region_masks(self.model, shown, chosen) for shown in (before, other)))
        return self.blend(latent, before, other, mask, strength)

    def chosen(self, latent: Latent, regions: str | None) -> tuple[str, tuple[int, ...]]:
        """The text of the regions, and their label indices."""
        text = regions or self.regions_
        if len(self.reference) not in (1, len(latent)):
            raise LatentError(f"{len(self.reference)} references for {len(latent)} codes; one for all, or one for each")
        own = self.model.generator.regions
        table = own if own.names else self.model.domain.regions
        return text, table.select(text).whole(self.method)

    @abstractmethod
    def blend(self, latent: Latent, before: Rendering, other: Rendering, mask: Tensor, strength: float) -> Rendering:
        """Pictures of B codes with those of the reference inside masks (B, 1, H, W)."""


class FeatureBlendingConfig(Config):
    """Options of feature blending."""

    noun: ClassVar[str] = "feature blending"

    size: int | None = Field(None, description="px of the last layer blended (default: 32, or the fused features')")


class FeatureBlending(BlendingEditor):
    """Activations of the reference are pasted into those of the target; ``strength`` weighs them."""

    method = "feature-blending"

    def __init__(self, model: Bundle, reference: Latent, regions: str = "all",
                 config: FeatureBlendingConfig | None = None):  # fmt: skip
        super().__init__(model, reference, regions)
        self.config = config or FeatureBlendingConfig()

    def blend(self, latent: Latent, before: Rendering, other: Rendering, mask: Tensor, strength: float) -> Rendering:  # noqa: ARG002
        generator: Any = self.model.generator
        own, theirs = (replace(code, data=code.data.to(generator.device)) for code in (latent, self.reference))
        if isinstance(generator, StyleGAN2Generator):
            made = blend_features(generator, own, theirs, strength * mask, self.config.size or SIZE)
            return replace(before, image=made.image)
        return blend_semantic_features(generator, own, theirs, strength * mask, self.config.size)


class PoissonConfig(Config):
    """Options of Poisson blending."""

    noun: ClassVar[str] = "Poisson blending"

    mixed: bool = Field(False, description="take the stronger of both gradients between each two pixels")


class PoissonBlending(BlendingEditor):
    """The reference's gradients inside the mask; ``strength`` below 1 goes part of the way to its picture first."""

    method = "poisson"

    def __init__(self, model: Bundle, reference: Latent, regions: str = "all", config: PoissonConfig | None = None):
        super().__init__(model, reference, regions)
        self.config = config or PoissonConfig()

    def blend(self, latent: Latent, before: Rendering, other: Rendering, mask: Tensor, strength: float) -> Rendering:  # noqa: ARG002
        towards = torch.lerp(before.image, other.image.expand_as(before.image), strength)
        image = blend_poisson(before.image, towards, mask, mixed=self.config.mixed)
        if not isinstance(before, Segmented) or not isinstance(other, Segmented):
            return replace(before, image=image)
        segmentation = torch.lerp(before.segmentation, other.segmentation.expand_as(before.segmentation), mask)
        return replace(before, image=image, segmentation=segmentation)
