"""The networks of a model as plain functions of tensors, with names for what goes in and out, for other runtimes.

Shapes: B batch, R regions, L latent rows, D style width, H W image size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from encoders import Refiner
from semedit.editing.model import Model
from semedit.errors import UnknownName
from semedit.networks.style_based import StyleBasedGenerator
from semedit.networks.synthesis import Segmented
from semedit.networks.tracing import drawn_codes


@dataclass(frozen=True)
class NetworkPart:
    """One network of a model.

    ``inputs`` and ``outputs`` name its arguments and what it returns, each (B, ...); ``draw`` gives arguments for B and
    a seed, such as it meets in use; ``facts`` is what its user has to know, as JSON.
    """

    name: str
    network: nn.Module
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    draw: Callable[[int, int], tuple[Tensor, ...]]
    facts: dict[str, Any]

    @torch.no_grad()
    def run(self, *arguments: Tensor) -> tuple[Tensor, ...]:
        """Its outputs, as torch computes them."""
        out = self.network(*arguments)
        return out if isinstance(out, tuple) else (out,)


class SynthesisNetwork(nn.Module):
    """W+ codes (B, L, D) -> pictures (B, 3, H, W), about [-1, 1], and where ``generator`` knows regions their
    segmentation (B, R, H, W), whose argmax is the label map. Noise is the constant one."""

    def __init__(self, generator: StyleBasedGenerator):
        super().__init__()
        self.generator = generator

    def forward(self, codes: Tensor) -> tuple[Tensor, ...]:
        out = self.generator(codes)
        return (out.image, out.segmentation) if isinstance(out, Segmented) else (out.image,)


class RefinementPass(nn.Module):
    """One pass of a ``refiner``: aligned targets and the codes' pictures, both (B, 3, H, W) in [-1, 1] at the
    generator's size, and codes (B, L, D) -> better codes (B, L, D)."""

    def __init__(self, refiner: Refiner):
        super().__init__()
        self.encoder, self.fit = refiner.encoder, refiner.fit

    def forward(self, target: Tensor, image: Tensor, codes: Tensor) -> Tensor:
        return codes + self.encoder(torch.cat([self.fit(target), self.fit(image)], dim=1))


def generator_part(model: Model) -> NetworkPart:
    """Codes -> pictures, and label maps where there are regions."""
    generator = model.generator
    network = SynthesisNetwork(generator)
    outputs = ("image", "segmentation") if generator.regions else ("image",)
    facts = {
        "size": generator.config.size,
        "rows": generator.layout.rows,
        "base_rows": generator.layout.base_rows,
        "regions": list(generator.regions.names),
        "mean_w": generator.mean_w()[0].tolist(),
    }
    return NetworkPart(
        "generator", network, ("codes",), outputs, lambda b, seed: (drawn_codes(generator, b, seed),), facts
    )


def mapping_part(model: Model) -> NetworkPart:
    """z (B, D), standard normal -> w (B, D)."""
    generator = model.generator
    dim, facts = generator.config.style_dim, {"mean_w": generator.mean_w()[0].tolist()}

    def draw(batch: int, seed: int) -> tuple[Tensor, ...]:
        return (torch.randn(batch, dim, generator=torch.Generator().manual_seed(seed)),)

    return NetworkPart("mapping", generator.mapping, ("z",), ("w",), draw, facts)


def encoder_part(model: Model) -> NetworkPart:
    """One pass of ReStyle. Raises MissingWeights for a model without an encoder."""
    refiner, generator = model.refiner, model.generator

    def draw(batch: int, seed: int) -> tuple[Tensor, ...]:
        with torch.no_grad():
            target = generator(drawn_codes(generator, batch, seed)).image
        codes, image = refiner.start(batch)
        return target, image.contiguous(), codes.contiguous()

    start = refiner.start_code[0, 0].tolist()
    facts = {"size": generator.config.size, "rows": generator.layout.rows, "start_w": start}
    return NetworkPart("encoder", RefinementPass(refiner), ("target", "image", "codes"), ("refined",), draw, facts)


#: What can be exported, by the name that --part takes.
PARTS: dict[str, Callable[[Model], NetworkPart]] = {
    "generator": generator_part,
    "mapping": mapping_part,
    "encoder": encoder_part,
}


def part_of(model: Model, name: str) -> NetworkPart:
    """A part of a model. Raises UnknownName, or MissingWeights for what the model does not have."""
    if name not in PARTS:
        raise UnknownName("part of a model", name, PARTS)
    return PARTS[name](model)
