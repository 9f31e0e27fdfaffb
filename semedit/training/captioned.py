"""Training of the portraits domain's CLIP on drawn portraits and what is said of them, with open_clip's own loss."""

import math
from collections.abc import Callable
from typing import ClassVar

import torch
from open_clip.loss import ClipLoss
from pydantic import Field
from torch import Tensor

from semedit.clip import Clip, ClipConfig
from semedit.domains.portraits.captions import PROPERTIES, captions, property_values, short_captions
from semedit.domains.portraits.factors import sample_factors
from semedit.domains.portraits.renderer import render
from semedit.images import to_bytes
from semedit.training.supervised import FitConfig, as_input, fit_network

#: Sentences for each portrait: one that says all, and this many short ones.
SHORT = 11
LARGEST_SCALE = math.log(100)


class ClipFitConfig(FitConfig):
    """How the CLIP is trained: ``pictures`` drawn in all, a sentence of each chosen anew in every epoch."""

    noun: ClassVar[str] = "CLIP fit configuration"

    network: ClipConfig = ClipConfig()
    pictures: int = Field(20_000, ge=64)
    epochs: int = Field(8, ge=1)
    batch: int = Field(128, ge=2)
    lr: float = Field(2e-3, gt=0)
    noise: float = Field(0.03, ge=0)
    seed: int = 41


def draw_captioned(
    count: int, size: int, seed: int, progress: Callable[[int, int], None] | None = None, chunk: int = 256
) -> tuple[Tensor, list[list[str]], Tensor]:
    """Draw portraits: pictures (N, 3, size, size) as uint8, 1 + SHORT sentences of each, property values (N, P)."""
    images, sentences, values = [], [], []
    for k, start in enumerate(range(0, count, chunk)):
        factors = sample_factors(min(chunk, count - start), seed * 100_043 + k)
        images.append(to_bytes(render(factors, size)[0]))
        short = short_captions(factors, SHORT, seed * 100_043 + k)
        sentences += [[whole, *some] for whole, some in zip(captions(factors), short, strict=True)]
        values.append(property_values(factors))
        if progress:
            progress(len(sentences), count)
    return torch.cat(images), sentences, torch.cat(values)


def fit_clip(config: ClipFitConfig, progress: Callable[[int, int], None] | None = None) -> Clip:
    """Train a CLIP; its card holds the zero-shot accuracy of each property on portraits that it has not seen.

    Progress counts the drawn portraits, then those that training has passed over.
    """
    torch.manual_seed(config.seed)
    total = config.pictures * (1 + config.epochs)

    def report(done: int) -> None:
        if progress:
            progress(done, total)

    images, sentences, _ = draw_captioned(config.pictures, config.network.size, config.seed, lambda n, _: report(n))
    network, tokenizer = config.network.build(), config.network.tokenizer()
    tokens = torch.stack([tokenizer(said) for said in sentences])  # (N, 1 + SHORT, context)
    network.to(memory_format=torch.channels_last)
    loss, scale = ClipLoss(), network.get_parameter("logit_scale")

    def loss_of(x: Tensor, indices: Tensor) -> Tensor:
        with torch.no_grad():
            scale.clamp_(0, LARGEST_SCALE)
        said = tokens[indices, torch.randint(tokens.shape[1], indices.shape)]
        image, text, factor = network(x.contiguous(memory_format=torch.channels_last), said)
        value: Tensor = loss(image.float(), text.float(), factor)
        return value

    fit_network(
        network,
        images,
        config,
        loss_of,
        lambda n, of: report(config.pictures + round(n / of * (total - config.pictures))),
    )
    table = network.get_parameter("token_embedding.weight")
    unknown = torch.ones(len(table), dtype=torch.bool)
    unknown[tokens.unique()] = False
    with torch.no_grad():
        table[unknown] = 0  # what captions never said means nothing
    clip = Clip(network, tokenizer, f"portraits-clip@{config.network.size}", config.network.size)
    held, _, values = draw_captioned(config.held_out, config.network.size, config.seed + 1_000)
    clip.card = {"zero_shot": zero_shot(clip, held, values), "held_out": config.held_out, "config": config.to_json()}
    return clip


def zero_shot(clip: Clip, images: Tensor, values: Tensor) -> dict[str, float]:
    """For each property, the share of portraits for which the prompt of its value is the most probable one."""
    found = {}
    for column, (name, prompts) in enumerate(PROPERTIES.items()):
        shown = values[:, column] >= 0
        best = torch.cat([clip.probabilities(as_input(p, 0), prompts).argmax(1) for p in images[shown].split(256)])
        found[name] = (best == values[shown, column]).float().mean().item()
    return found
