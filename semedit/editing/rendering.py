"""Codes rendered in a model's precision, some pictures at a time."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from semedit.editing.generators import semantic
from semedit.latents.latent import Latent
from semedit.networks.precision import Precision, cast
from semedit.networks.style_based import StyleBasedGenerator
from semedit.networks.synthesis import Rendering


def renders(generator: StyleBasedGenerator, latent: Latent, precision: Precision, batch: int,
            noise: Literal["const", "random"], options: Mapping[str, Tensor]) -> Iterator[Rendering]:  # fmt: skip
    """Pictures of codes, ``batch`` after the other; ``options`` have one entry for each code.

    Raises LatentError for codes of another generator, ConfigError for options where the generator has no regions.
    """
    generator.check(latent)
    if options:
        semantic(generator, " and ".join(options))
    for i in range(0, len(latent), batch):
        own = {name: value[i : i + batch].to(generator.device) for name, value in options.items()}
        yield _rendered(generator, latent[i : i + batch], precision, noise, own)


@torch.no_grad()
def _rendered(generator: StyleBasedGenerator, latent: Latent, precision: Precision,
              noise: Literal["const", "random"], options: Mapping[str, Tensor]) -> Rendering:  # fmt: skip
    codes = replace(latent, data=latent.data.to(generator.device))
    with cast(precision, generator.device):
        made: Rendering = generator(codes, noise=noise, **options)
    return made
