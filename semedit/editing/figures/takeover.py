"""The picture of five methods: the same regions of one picture taken over from another, by each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from semedit.editing.inversion import Picture
from semedit.editing.model import Model
from semedit.editing.sessions.chain import Step, shown
from semedit.editing.sessions.transfers import TRANSFERS, supported, transfer_editor
from semedit.errors import ConfigError, UnknownName
from semedit.latents.latent import Latent
from semedit.pictures.tensors import fit


@dataclass(frozen=True)
class Takeover:
    """A grid (N, 3, H, W), a row for each region: target, reference, and what each of ``methods`` makes of them.

    ``models`` says whose each method is; ``missing`` are pairs of method and region that could not be asked for, whose
    cells are white, with the reason.
    """

    grid: Tensor
    methods: tuple[str, ...]
    models: Mapping[str, str]
    missing: Mapping[tuple[str, str], str]

    @property
    def columns(self) -> int:
        return 2 + len(self.methods)


@dataclass(frozen=True, eq=False)
class TransferPair:
    """The codes of target and reference in one model."""

    model: Model
    target: Latent
    reference: Latent


def sampled(models: Sequence[Model], seed: int, psi: float) -> list[TransferPair]:
    """Two samples of the first model, whose pictures are inverted in the others."""
    first = models[0]
    codes = first.sample(2, seed, psi)
    return [TransferPair(first, codes[0], codes[1]), *inverted(models[1:], *first.synthesise(codes).image)]


def inverted(models: Sequence[Model], target: Picture, reference: Picture) -> list[TransferPair]:
    """Two pictures, inverted in each model: files, or tensors (3, H, W) in [-1, 1] that are aligned already."""
    pairs = []
    for model in models:
        codes = []
        for picture in (target, reference):
            if isinstance(picture, Tensor):
                picture = fit(picture[None], model.generator.config.size)
            codes.append(model.invert(picture).latent)
        pairs.append(TransferPair(model, *codes))
    return pairs


def takeover(pairs: Sequence[TransferPair], regions: Sequence[str], methods: Sequence[str] = ()) -> Takeover:
    """Take regions over by each method (default: all), of the first model that can be asked for it.

    Raises UnknownName for a method or region, ConfigError for a method that none of the models can be asked for.
    """
    owners: dict[str, TransferPair] = {}
    for pair in pairs:
        for name in supported(pair.model):
            owners.setdefault(name, pair)
    for name in methods:
        if name not in TRANSFERS:
            raise UnknownName("method of transfer", name, TRANSFERS)
        if name not in owners:
            raise ConfigError(f"none of these models can be asked for {name} ({', '.join(owners)} are possible)")
    chosen = tuple(methods) or tuple(name for name in TRANSFERS if name in owners)
    size = max(pair.model.generator.config.size for pair in pairs)
    first, missing = pairs[0], dict[tuple[str, str], str]()
    base = [first.model.synthesise(code).image.cpu() for code in (first.target, first.reference)]
    cells = []
    for region in regions:
        first.model.domain.regions.select(region)
        cells += [fit(image, size) for image in base]
        for name in chosen:
            pair = owners[name]
            try:
                step = Step(transfer_editor(pair.model, pair.reference, region, name), name, region)
                image = shown(pair.model, step, pair.target, 1.0)[1].image.cpu()
            except (UnknownName, ConfigError) as error:
                missing[name, region] = str(error)
                image = torch.ones_like(base[0])
            cells.append(fit(image, size))
    return Takeover(torch.cat(cells), chosen, {name: owners[name].model.name for name in chosen}, missing)
