"""What editors in StyleSpace share that take regions of a StyleGAN2's pictures over from a reference."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, ClassVar

import torch

from baselines.stylegan2 import StyleCode, StyleGAN2Generator
from semedit.config import check_strength
from semedit.errors import ConfigError, LatentError
from semedit.latents.latent import Latent
from semedit.latents.regions import RegionTable, Selection
from semedit.protocols import Bundle


def stylegan2_of(model: Bundle, method: str) -> StyleGAN2Generator:
    """The generator of a model, if it is a StyleGAN2; ConfigError otherwise."""
    generator: Any = model.generator
    if not isinstance(generator, StyleGAN2Generator):
        raise ConfigError(f"{method} edits the styles of a StyleGAN2, which this model is not")
    return generator


class StyleTransfer(ABC):
    """An editor that brings regions nearer to those of ``reference``: one code for all, or one for each.

    Codes in W, W+ or S become codes in S. ``regions`` is the default of the edits, in the domain's words.
    Raises ConfigError for a model that is no StyleGAN2, LatentError for a reference of another generator.
    """

    method: ClassVar[str]

    def __init__(self, model: Bundle, reference: Latent, regions: str = "all"):
        self.generator = stylegan2_of(model, self.method)
        self.table: RegionTable = model.domain.regions
        self.reference, self.regions_ = reference, regions
        self.code = self.styles(reference)

    def styles(self, latent: Latent) -> StyleCode:
        """The style codes of a latent, on the generator's device."""
        with torch.no_grad():
            return self.generator.styles(replace(latent, data=latent.data.to(self.generator.device)))

    @torch.no_grad()
    def edit(self, latent: Latent, strength: float, regions: str | None = None) -> Latent:
        """Take regions over: 0 leaves the codes as they are, bit for bit, 1 takes them over as far as the method does.

        Raises UnknownName or ConfigError for regions that the method cannot take over, LatentError for codes of another
        generator, or of another number than the references.
        """
        check_strength(strength)
        text = regions or self.regions_
        selection = self.table.select(text)
        self.check(selection)
        if len(self.reference) not in (1, len(latent)):
            raise LatentError(f"{len(self.reference)} references for {len(latent)} codes; one for all, or one for each")
        edited = latent
        if strength:
            own = self.styles(latent)
            theirs = own.map(lambda here, there: there.expand_as(here), self.code)
            moved = self.move(own, theirs, strength, selection)
            edited = replace(latent, data=moved.flat().to(latent.data.device), space="s")
        source = self.reference.metadata.get("source")
        return edited.edited_from(
            latent, method=self.method, strength=strength, regions=text, reference=source
        )  # fmt: skip

    @abstractmethod
    def check(self, selection: Selection) -> None:
        """Raises UnknownName or ConfigError for regions that the method cannot take over."""

    @abstractmethod
    def move(self, own: StyleCode, theirs: StyleCode, strength: float, selection: Selection) -> StyleCode:
        """Codes of B pictures with regions taken over from as many others, at a strength other than 0."""


class StyleMixing(StyleTransfer):
    """Plain mixing in StyleSpace: all channels of all layers go towards the reference's, whatever the regions.

    What methods that choose channels are compared with.
    """

    method = "style-mixing"

    def check(self, selection: Selection) -> None:
        """Any regions will do, as none is told from another."""

    def move(self, own: StyleCode, theirs: StyleCode, strength: float, selection: Selection) -> StyleCode:  # noqa: ARG002
        return own.lerp(theirs, strength)
