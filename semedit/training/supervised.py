"""Training of the portraits domain's own networks on drawn pictures with their exact labels.

Two networks: the attribute classifier (scores edits and labels samples) and the feature network (perceptual and
Frechet distances, parser). They see different pictures from different seeds, and share no weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.attributes import AttributeClassifier, AttributeScorer
from semedit.checkpoint import load_state
from semedit.config import Config
from semedit.convnet import TrunkConfig
from semedit.domains.portraits.factors import (
    ATTRIBUTES,
    IDENTITY,
    KINDS,
    attributes,
    kinds,
)
from semedit.domains.portraits.law import sample_factors, scaled
from semedit.domains.portraits.renderer import render
from semedit.images import to_bytes
from semedit.ops import training_cast
from semedit.perceptual import DomainFeatures, FeatureNetwork
from semedit.regions import CELEBAMASK

#: Regions that cover more than this share of the area are the large ones, over which label maps are compared.
LARGE = 0.005
SCENE_TARGETS = ("yaw", "pitch", "roll", "scale", "x", "y", "light", "hair_length", "hair_volume", "eye_open")


class FitConfig(Config):
    """How a domain network is trained: ``pictures`` drawn, ``epochs`` over them, one-cycle AdamW at peak ``lr``."""

    noun: ClassVar[str] = "fit configuration"

    pictures: int = Field(16_000, ge=64)
    held_out: int = Field(2_000, ge=16)
    epochs: int = Field(5, ge=1)
    batch: int = Field(64, ge=2)
    lr: float = Field(3e-3, gt=0)
    noise: float = Field(0.06, ge=0, description="standard deviation of the noise added to inputs")
    seed: int = 11


class TrunkFitConfig(FitConfig):
    """How a network with a trunk is trained."""

    trunk: TrunkConfig = TrunkConfig()


@dataclass(frozen=True)
class Labelled:
    """Drawn pictures with everything known about them; images and labels are uint8."""

    images: Tensor
    labels: Tensor
    attributes: Tensor
    factors: Tensor
    kinds: Tensor

    def __len__(self) -> int:
        return len(self.images)


def draw_labelled(count: int, size: int, seed: int, chunk: int = 512) -> Labelled:
    """Draw ``count`` portraits of ``size`` px with labels, attributes and regression targets in [-1, 1]."""
    parts: list[tuple[Tensor, ...]] = []
    for k, start in enumerate(range(0, count, chunk)):
        factors = sample_factors(min(chunk, count - start), seed * 100_019 + k)
        images, labels = render(factors, size)
        targets = scaled(factors, (*IDENTITY, *SCENE_TARGETS))
        parts.append((to_bytes(images), labels, attributes(factors), targets, kinds(factors)))
    return Labelled(*(torch.cat(column) for column in zip(*parts, strict=True)))


def as_input(images: Tensor, noise: float) -> Tensor:
    """uint8 pictures as network input, jittered in brightness and with noise: generated pictures are not drawn ones."""
    x = images.float() / 127.5 - 1
    if noise:
        x = x * (1 + 0.1 * torch.randn(len(x), 1, 1, 1)) + 0.05 * torch.randn(len(x), 1, 1, 1)
        x = x + noise * torch.rand(len(x), 1, 1, 1) * torch.randn_like(x)
    return x


def fit_network(network: nn.Module, images: Tensor, config: FitConfig, loss_of: Callable[[Tensor, Tensor], Tensor],
                progress: Callable[[int, int], None] | None) -> None:  # fmt: skip
    """Minimise ``loss_of(inputs, indices)`` over uint8 ``images`` with AdamW and a one-cycle schedule, in bf16."""
    steps = config.epochs * (len(images) // config.batch)
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.lr, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.lr, total_steps=steps, pct_start=0.2)
    generator, done = torch.Generator().manual_seed(config.seed), 0
    network.train()
    for _ in range(config.epochs):
        order = torch.randperm(len(images), generator=generator)
        for indices in order[: len(order) // config.batch * config.batch].split(config.batch):
            optimiser.zero_grad(set_to_none=True)
            with training_cast("bf16", "cpu"):
                loss = loss_of(as_input(images[indices], config.noise), indices)
            loss.backward()
            optimiser.step()
            schedule.step()
            done += 1
            if progress:
                progress(done, steps)
    network.eval()


def fit_attributes(config: TrunkFitConfig, progress: Callable[[int, int], None] | None = None) -> AttributeScorer:
    """Train the attribute classifier; its card holds the balanced accuracy of each attribute on held-out portraits."""
    torch.manual_seed(config.seed)
    data = draw_labelled(config.pictures, config.trunk.size, config.seed)
    network = AttributeClassifier(config.trunk, len(ATTRIBUTES)).to(memory_format=torch.channels_last)

    def loss_of(x: Tensor, indices: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(network(x).float(), data.attributes[indices] * 0.98 + 0.01)

    fit_network(network, data.images, config, loss_of, progress)
    scorer = AttributeScorer(network, ATTRIBUTES)
    held = draw_labelled(config.held_out, config.trunk.size, config.seed + 1_000)
    predicted, truth = scorer.score(as_input(held.images, 0)) > 0.5, held.attributes > 0.5
    hits = [(predicted[:, i] == truth[:, i]).float() for i in range(len(ATTRIBUTES))]
    accuracy = {n: 0.5 * (h[truth[:, i]].mean() + h[~truth[:, i]].mean()).item() for i, (n, h) in
                enumerate(zip(ATTRIBUTES, hits, strict=True))}  # fmt: skip
    scorer.card = {"balanced_accuracy": accuracy, "held_out": config.held_out, "config": config.to_json()}
    return scorer


#: The feature network sees finer than the classifier: label maps are exact to the pixel at 128 px.
FEATURES = TrunkFitConfig(trunk=TrunkConfig(size=128, widths=(16, 32, 64, 96, 128)), batch=32, lr=2e-3, noise=0.03)


def fit_features(
    config: TrunkFitConfig, progress: Callable[[int, int], None] | None = None, start: DomainFeatures | None = None
) -> DomainFeatures:
    """Train the feature network, or train ``start`` further.

    Its card holds parser mIoU and identity-factor correlation on held-out portraits. Raises CheckpointError for a start
    of other sizes.
    """
    torch.manual_seed(config.seed + 1)
    data = draw_labelled(config.pictures, config.trunk.size, config.seed + 7)
    network = FeatureNetwork(
        config.trunk,
        attributes=len(ATTRIBUTES),
        factors=data.factors.shape[1],
        regions=len(CELEBAMASK),
        kinds=len(KINDS),
    ).to(memory_format=torch.channels_last)
    if start is not None:
        load_state(network, start.network.state_dict(), "start")

    def loss_of(x: Tensor, indices: Tensor) -> Tensor:
        maps = network.maps(x)
        pooled = F.binary_cross_entropy_with_logits(
            network.attributes(network.pooled(maps)).float(), data.attributes[indices]
        )
        factors = F.smooth_l1_loss(network.factors(maps[-1]).float(), data.factors[indices], beta=0.2)
        parsing = F.cross_entropy(network.segment(maps).float(), data.labels[indices].long())
        assert network.kinds is not None
        kind = F.cross_entropy(network.kinds(network.pooled(maps)).float(), data.kinds[indices])
        return pooled + 0.5 * kind + 8 * factors + 20 * parsing

    fit_network(network, data.images, config, loss_of, progress)
    features = DomainFeatures(network, "portraits")
    held = draw_labelled(config.held_out, config.trunk.size, config.seed + 2_000)
    inputs = as_input(held.images, 0)
    with torch.no_grad():
        regressed = torch.cat([network.factors(network.maps(part)[-1]) for part in inputs.split(256)])
    people = slice(0, len(IDENTITY))
    both = torch.stack([regressed[:, people], held.factors[:, people]])
    both = (both - both.mean(1, keepdim=True)) / both.std(1, keepdim=True)
    labels = features.parse(inputs)
    features.card = {
        **({"started_from": start.card} if start is not None else {}),
        "parser_miou": mean_iou(labels, held.labels.long(), len(CELEBAMASK)),
        "parser_miou_large": mean_iou(labels, held.labels.long(), len(CELEBAMASK), LARGE),
        "identity_factor_correlation": (both[0] * both[1]).mean().item(),
        "held_out": config.held_out,
        "config": config.to_json(),
    }
    return features


def iou_counts(predicted: Tensor, truth: Tensor, regions: int) -> Tensor:
    """Counts (3, R) of label maps' pixels for each region: intersection, union, truth. Counts of batches add up."""
    rows = []
    for region in range(regions):
        here, there = truth == region, predicted == region
        rows.append(torch.stack([(here & there).sum(), (here | there).sum(), here.sum()]))
    return torch.stack(rows, dim=1).float()


def iou_of_counts(counts: Tensor, min_share: float = 0.0) -> float:
    """Mean intersection over union over the regions that cover more than ``min_share`` of the truth."""
    both, either, truth = counts
    chosen = truth / truth.sum() > min_share
    return (both / either)[chosen].mean().item()


def mean_iou(predicted: Tensor, truth: Tensor, regions: int, min_share: float = 0.0) -> float:
    """Mean intersection over union of label maps, over the regions that cover more than ``min_share`` of ``truth``."""
    return iou_of_counts(iou_counts(predicted, truth, regions), min_share)
