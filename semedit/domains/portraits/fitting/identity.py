"""Training of the portraits domain's identity networks: the same person drawn in many scenes, many persons.

The loss is supervised contrastive (Khosla et al. 2020, equation 2): embeddings of a person's pictures attract each
other and repel those of everybody else in the batch. A second head regresses the factors that make a person.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.config import Seed
from semedit.data.chunks import chunk_seed
from semedit.domains.portraits.drawing.renderer import render
from semedit.domains.portraits.factors import IDENTITY
from semedit.domains.portraits.fitting.network import FitConfig, as_input, fit_network
from semedit.domains.portraits.law import identity_vector, sample_factors
from semedit.metrics.identity import DomainIdentity, IdentityConfig, IdentityNetwork
from semedit.pictures.tensors import to_bytes

#: File and seed of the network of each role.
FILES = {"score": "identity.safetensors", "loss": "identity-loss.safetensors"}
SEEDS = {"score": 31, "loss": 32}
TEMPERATURE = 0.1
VIEWS = 4


class IdentityFitConfig(FitConfig):
    """How an identity network is trained: ``pictures`` drawn in all, VIEWS of each person."""

    noun: ClassVar[str] = "identity fit configuration"

    network: IdentityConfig = IdentityConfig()
    draw_size: int = Field(128, ge=32, description="side in px of the drawn pictures")
    pictures: int = Field(18_000, ge=64)
    epochs: int = Field(6, ge=1)
    lr: float = Field(2e-3, gt=0)
    noise: float = Field(0.03, ge=0)
    seed: Seed = 31


@dataclass(frozen=True)
class People:
    """Drawn pictures (N, 3, H, W), uint8, VIEWS in a row of each person, and what makes the person (N, I)."""

    images: Tensor
    factors: Tensor

    def __len__(self) -> int:
        return len(self.images)

    @staticmethod
    def person(indices: Tensor) -> Tensor:
        """Which person each picture shows."""
        return indices // VIEWS


def draw_people(pictures: int, size: int, seed: int, chunk: int = 128) -> People:
    """Draw ``pictures`` portraits of ``size`` px, VIEWS of each person in scenes of their own."""
    images, factors = [], []
    for k, start in enumerate(range(0, pictures, chunk * VIEWS)):
        count = min(chunk * VIEWS, pictures - start)
        drawn = sample_factors(count, chunk_seed(seed, k), torch.arange(count) // VIEWS)
        images.append(to_bytes(render(drawn, size)[0]))
        factors.append(identity_vector(drawn))
    return People(torch.cat(images), torch.cat(factors))


def contrastive(embeddings: Tensor, person: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Supervised contrastive loss of unit vectors (N, D) of persons (N,)."""
    own = torch.eye(len(person), dtype=torch.bool)
    logits = (embeddings @ embeddings.T / temperature).masked_fill(own, float("-inf"))
    positive = (person[:, None] == person[None]) & ~own
    log_share = (logits - logits.logsumexp(1, keepdim=True)).masked_fill(~positive, 0.0)
    return -(log_share.sum(1) / positive.sum(1).clamp(min=1)).mean()


def fit_identity(
    config: IdentityFitConfig, role: str = "score", progress: Callable[[int, int], None] | None = None
) -> DomainIdentity:
    """Train an identity network; its card holds its verification accuracy on unseen persons.

    Networks of different ``seed`` share neither pictures nor persons nor initial weights.
    """
    torch.manual_seed(config.seed)
    data = draw_people(config.pictures, config.draw_size, config.seed)
    network = IdentityNetwork(config.network).to(memory_format=torch.channels_last)
    factors = nn.Linear(256, len(IDENTITY))

    def loss_of(x: Tensor, indices: Tensor) -> Tensor:
        offset = torch.randint(1, VIEWS, indices.shape)
        others = indices // VIEWS * VIEWS + (indices + offset) % VIEWS
        both = torch.cat([indices, others])
        hidden = network.hidden(torch.cat([x, as_input(data.images[others], config.noise)]))
        embedded = F.normalize(network.embedding(hidden).float(), dim=1)
        regression = F.smooth_l1_loss(factors(hidden).float(), data.factors[both], beta=0.2)
        return contrastive(embedded, data.person(both)) + 2 * regression

    fit_network(nn.ModuleList([network, factors]), data.images, config, loss_of, progress)
    identity = DomainIdentity(network, "portraits", role)
    held = draw_people(config.held_out, config.draw_size, config.seed + 1_000)
    accuracy, threshold = verification(identity, held)
    identity.card = {
        "verification_accuracy": accuracy,
        "threshold": threshold,
        "held_out": len(held),
        "held_out_persons": len(held) // VIEWS,
        "config": config.to_json(),
    }
    return identity


@torch.no_grad()
def verification(identity: DomainIdentity, people: People) -> tuple[float, float]:
    """Accuracy of "same person or not", and its threshold, over as many pairs of one person as of two.

    The threshold is chosen on the first half of the persons, the accuracy measured on the second.
    """
    embedded = torch.cat([identity.network(as_input(part, 0)) for part in people.images.split(256)])
    views = embedded[: len(embedded) // VIEWS * VIEWS].unflatten(0, (-1, VIEWS))  # (people, VIEWS, D)
    same = (views[:, 0] * views[:, 1]).sum(1), (views[:, 2] * views[:, 3]).sum(1)
    half = len(views) // 2
    there = torch.cat([views[1:half], views[:1], views[half + 1 :], views[half : half + 1]])  # neighbours, half by half
    other = (views[:, 0] * there[:, 1]).sum(1), (views[:, 2] * there[:, 3]).sum(1)
    same_pairs, other_pairs = torch.stack(same, dim=1), torch.stack(other, dim=1)
    seen = torch.cat([same_pairs[:half].flatten(), other_pairs[:half].flatten()])
    accuracies = [balanced(same_pairs[:half], other_pairs[:half], t) for t in seen.tolist()]
    best = seen[int(torch.tensor(accuracies).argmax())].item()
    return balanced(same_pairs[half:], other_pairs[half:], best), best


def balanced(same: Tensor, other: Tensor, threshold: float) -> float:
    """Mean of the shares of same-person and other-person similarities on the right side of a threshold."""
    return 0.5 * ((same >= threshold).float().mean() + (other < threshold).float().mean()).item()
