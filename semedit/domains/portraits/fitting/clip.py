"""Training of the portraits domain's CLIPs on drawn portraits and what is said of them, with open_clip's own loss.

Besides a batch of sentences that say anything, the loss is taken over one for each property, in which all sentences
speak of that property alone: nothing else then tells the pictures apart, so that small things such as eyes are learnt.
Where neither tower tells two values apart yet, neither gives the other a gradient: eyes and beards stayed at chance for
hours. Linear heads that name the values from the picture's vector, and are thrown away, get both out of there.
"""

import math
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from open_clip.loss import ClipLoss
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.config import Seed
from semedit.data.chunks import chunk_seed
from semedit.domains.portraits.captions import (
    PROPERTIES,
    captions,
    property_captions,
    property_values,
    short_captions,
)
from semedit.domains.portraits.drawing.renderer import render
from semedit.domains.portraits.fitting.network import FitConfig, as_input, fit_network
from semedit.domains.portraits.law import sample_factors
from semedit.metrics.clip import Clip, ClipConfig
from semedit.metrics.roles import GUIDE, JUDGE, suffix
from semedit.pictures.tensors import to_bytes
from semedit.storage.weights import load_state

#: Sentences for each portrait: one that says all, this many short ones, and one about each property.
SHORT = 7
#: How much it counts to tell the pictures of a batch apart by one property alone: eyes are small.
WEIGHTS = {"hair colour": 0.5, "skin tone": 1.0, "eye colour": 2.0, "glasses": 0.5, "beard": 1.0}
LARGEST_SCALE = math.log(100)


class ClipFitConfig(FitConfig):
    """How the CLIP is trained: ``pictures`` drawn in all, a sentence of each chosen anew in every epoch."""

    noun: ClassVar[str] = "CLIP fit configuration"

    network: ClipConfig = ClipConfig()
    pictures: int = Field(20_000, ge=64)
    epochs: int = Field(8, ge=1)
    batch: int = Field(64, ge=2)
    lr: float = Field(2e-3, gt=0)
    noise: float = Field(0.03, ge=0)
    seed: Seed = 41


#: How the CLIP of each role is trained: seeds, and so pictures and sentences, and sizes of their own.
ROLES = {
    GUIDE: ClipFitConfig(),
    JUDGE: ClipFitConfig(network=ClipConfig(width=12, dim=96, text_width=48, text_layers=1), seed=71),
}


def draw_captioned(
    count: int, size: int, seed: int, progress: Callable[[int, int], None] | None = None, chunk: int = 256
) -> tuple[Tensor, list[list[str]], Tensor]:
    """Draw portraits: pictures (N, 3, size, size) as uint8, 1 + SHORT + P sentences of each, property values (N, P)."""
    images, sentences, values = [], [], []
    for k, start in enumerate(range(0, count, chunk)):
        factors = sample_factors(min(chunk, count - start), chunk_seed(seed, k))
        images.append(to_bytes(render(factors, size)[0]))
        short = short_captions(factors, SHORT, chunk_seed(seed, k))
        rows = zip(captions(factors), short, property_captions(factors), strict=True)
        sentences += [[whole, *some, *each] for whole, some, each in rows]
        values.append(property_values(factors))
        if progress:
            progress(len(sentences), count)
    return torch.cat(images), sentences, torch.cat(values)


def fit_clip(
    config: ClipFitConfig,
    progress: Callable[[int, int], None] | None = None,
    start: Clip | None = None,
    role: str = GUIDE,
) -> Clip:
    """Train a CLIP, or train ``start`` further.

    Its card holds the zero-shot accuracy of each property on portraits that it has not seen.
    Progress counts the drawn portraits, then those that training has passed over.
    """
    torch.manual_seed(config.seed)
    learning = config.pictures * config.epochs

    def report(drawn: int, learnt: float = 0.0) -> None:
        if progress:
            progress(drawn + round(learnt * learning), config.pictures + learning)

    drawn = draw_captioned(config.pictures, config.network.size, config.seed, lambda n, _: report(n))
    images, sentences, values = drawn
    network: Any = config.network.build()
    tokenizer = config.network.tokenizer()
    if start is not None:
        load_state(network, start.network.state_dict(), "start")
    tokens = torch.stack([tokenizer(said) for said in sentences])  # (N, 1 + SHORT + P, context)
    network.to(memory_format=torch.channels_last)
    heads = nn.ModuleList(nn.Linear(config.network.dim, len(prompts)) for prompts in PROPERTIES.values())
    loss, scale = ClipLoss(), network.get_parameter("logit_scale")

    def text_features(said: Tensor) -> Tensor:
        unique, place = said.unique(dim=0, return_inverse=True)
        features: Tensor = F.normalize(network.encode_text(unique), dim=-1)[place]
        return features

    def loss_of(x: Tensor, indices: Tensor) -> Tensor:
        with torch.no_grad():
            scale.clamp_(0, LARGEST_SCALE)
        vector = network.encode_image(x.contiguous(memory_format=torch.channels_last)).float()
        image = F.normalize(vector, dim=-1)
        said = tokens[indices, torch.randint(1 + SHORT, indices.shape)]
        total: Tensor = loss(image, text_features(said).float(), scale.exp())
        for column, (name, head) in enumerate(zip(PROPERTIES, heads, strict=True)):
            about = text_features(tokens[indices, 1 + SHORT + column]).float()
            named = F.cross_entropy(head(vector), values[indices, column], ignore_index=-1)
            total = total + WEIGHTS[name] * (loss(image, about, scale.exp()) + named)
        return total

    fit_network(nn.ModuleList([network, heads]), images, config, loss_of, lambda n, of: report(len(images), n / of))
    table = network.get_parameter("token_embedding.weight")
    unknown = torch.ones(len(table), dtype=torch.bool)
    unknown[tokens.unique()] = False
    with torch.no_grad():
        table[unknown] = 0  # what captions never said means nothing
    clip = Clip(network, tokenizer, f"portraits-clip{suffix(role)}@{config.network.size}", config.network.size)
    held, _, values = draw_captioned(config.held_out, config.network.size, config.seed + 1_000)
    clip.card = {
        **({"started_from": start.card} if start is not None else {}),
        "zero_shot": zero_shot(clip, held, values),
        "held_out": config.held_out,
        "config": config.to_json(),
    }
    return clip


def zero_shot(clip: Clip, images: Tensor, values: Tensor) -> dict[str, float]:
    """For each property, the share of portraits for which the prompt of its value is the most probable one."""
    found = {}
    for column, (name, prompts) in enumerate(PROPERTIES.items()):
        shown = values[:, column] >= 0
        best = torch.cat([clip.probabilities(as_input(p, 0), prompts).argmax(1) for p in images[shown].split(256)])
        found[name] = (best == values[shown, column]).float().mean().item()
    return found
