"""Editing in Style as an editor: the styles of the channels that make up a region are the reference's (section 3.2)."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from baselines.editing_in_style.catalogue import Catalogue
from baselines.editing_in_style.queries import Convention, everywhere, sequential_layers, simultaneous
from baselines.editing_in_style.transfer import transfer_styles
from baselines.style_transfer import StyleTransfer
from baselines.stylegan2 import StyleCode
from semedit.config import Config
from semedit.errors import ConfigError, LatentError
from semedit.latents.latent import Latent
from semedit.latents.regions import Selection
from semedit.protocols import Bundle


class CatalogueTransferConfig(Config):
    """Which channels are taken over, and how many."""

    noun: ClassVar[str] = "Editing in Style"

    query: Literal["sequential", "simultaneous", "global"] = Field(
        "sequential", description="channels one by one, or all by their contributions, or all alike"
    )
    rho: float = Field(0.1, ge=0, description="least contribution of a channel; the paper's convention has rho/(1+rho)")
    epsilon: float | None = Field(
        None,
        gt=0,
        description="budget of change elsewhere, in channels: of each layer, or (paper) of all",
    )
    share: float = Field(0.1, gt=0, description="the budget where epsilon is not given, as a share of the channels")
    gain: float = Field(4.0, gt=0, description="factor of the contributions in the simultaneous query")
    convention: Convention = Field("code", description="budgets and thresholds of the released code, or of the paper")


def queries(contributions: Sequence[Tensor], config: CatalogueTransferConfig) -> tuple[Tensor, ...]:
    """q (C_l,) in [0, 1] of a part in all layers, of its contributions (C_l,) in each."""
    if config.query == "global":
        return tuple(everywhere(layer, 1.0) for layer in contributions)
    if config.query == "simultaneous":
        return tuple(simultaneous(layer, config.gain) for layer in contributions)
    widths = [len(layer) for layer in contributions]
    if config.epsilon is not None:
        budget: float | list[float] = config.epsilon
    elif config.convention == "paper":
        budget = config.share * sum(widths)
    else:
        budget = [config.share * width for width in widths]
    return sequential_layers(contributions, config.rho, budget, convention=config.convention)


class CatalogueTransfer(StyleTransfer):
    """Channels that a catalogue finds in the regions take the reference's styles; of several regions, each its own.

    ``strength`` weighs the queries. Raises ConfigError for a catalogue without contributions, LatentError for one of
    another generator.
    """

    method = "editing-in-style"

    def __init__(self, model: Bundle, reference: Latent, regions: str, catalogue: Catalogue,
                 config: CatalogueTransferConfig | None = None):  # fmt: skip
        super().__init__(model, reference, regions)
        self.catalogue, self.config = catalogue, config or CatalogueTransferConfig()
        known = ("", self.generator.fingerprint, *self.generator.lineage)
        if self.generator.fingerprint and catalogue.fingerprint not in known:
            raise LatentError(
                f"a catalogue of generator {catalogue.fingerprint}, not of {self.generator.fingerprint}"
            )  # fmt: skip
        if len(catalogue.contributions) != len(self.generator.config.conv_widths):
            raise ConfigError(
                f"a catalogue with contributions of {len(catalogue.contributions)} layers, where the generator has "
                f"{len(self.generator.config.conv_widths)}"
            )

    def labels(self, selection: Selection) -> tuple[str, ...]:
        """The labels that the regions have in the catalogue.

        Of several regions, those that it does not know are left out. Raises UnknownName if it knows none of them.
        """
        names = [self.table.names[region] for region in selection.whole(self.method)]
        known = tuple(name for name in names if name in self.catalogue.annotations)
        if not known:
            self.catalogue.row(names[0])
        return known

    def check(self, selection: Selection) -> None:
        self.labels(selection)

    def query(self, selection: Selection) -> tuple[Tensor, ...]:
        """q (C_l,) of the regions in all layers: of a channel that several ask for, the most."""
        rows = [self.catalogue.row(label) for label in self.labels(selection)]
        each = [queries([layer[row] for layer in self.catalogue.contributions], self.config) for row in rows]
        return tuple(torch.stack(layers).amax(0) for layers in zip(*each, strict=True))

    def move(self, own: StyleCode, theirs: StyleCode, strength: float, selection: Selection) -> StyleCode:
        weights = [strength * q.to(own.conv[0]) for q in self.query(selection)]
        return transfer_styles(own, theirs, weights)
