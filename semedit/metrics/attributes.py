"""Binary attributes of pictures: what scores them, and a multi-label classifier that does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn

from semedit.errors import UnknownName
from semedit.metrics.roles import GUIDE, suffix
from semedit.networks.trunk import Trunk, TrunkConfig
from semedit.storage.content import reading, shaped
from semedit.storage.weights import Weights, load_weights, opened, save_weights

KIND = "attribute-classifier"


class AttributeClassifier(nn.Module):
    """Pictures (B, 3, H, W) in [-1, 1] -> logits (B, A), one for each attribute."""

    def __init__(self, config: TrunkConfig, attributes: int):
        super().__init__()
        self.trunk = Trunk(config)
        width = config.widths[-1] * (config.size // 2 ** len(config.widths)) ** 2
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, attributes))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.trunk(images)[-1])


class Scorer(Protocol):
    """Probabilities (B, A) in [0, 1] of named attributes of pictures (B, 3, H, W) in [-1, 1]."""

    names: tuple[str, ...]

    @property
    def protocol(self) -> str: ...

    def score(self, images: Tensor) -> Tensor: ...


class AttributeScorer:
    """Probabilities of named attributes. ``card`` holds the held-out accuracy of each; ``role`` is "guide" or "judge",
    by the place of its file."""

    def __init__(
        self,
        network: AttributeClassifier,
        names: tuple[str, ...],
        card: Mapping[str, Any] | None = None,
        role: str = GUIDE,
    ):
        self.network = network.eval().requires_grad_(False)
        self.names, self.card, self.role = names, dict(card or {}), role

    @property
    def protocol(self) -> str:
        return f"attributes{suffix(self.role)}@{self.network.trunk.config.size}"

    def index(self, name: str) -> int:
        """Column of an attribute; UnknownName if it is not one of ``names``."""
        if name not in self.names:
            raise UnknownName("attribute", name, self.names)
        return self.names.index(name)

    def to(self, device: torch.device) -> Self:
        """Move the network; returns this object."""
        self.network.to(device)
        return self

    @torch.no_grad()
    def score(self, images: Tensor, batch: int = 256) -> Tensor:
        """Probabilities (B, A) in [0, 1] of pictures (B, 3, H, W) in [-1, 1]."""
        device = next(self.network.parameters()).device
        return torch.cat([self.network(part.to(device)).sigmoid().cpu() for part in images.split(batch)])

    def save(self, path: str | Path) -> None:
        config = {"trunk": self.network.trunk.config.to_json(), "names": list(self.names)}
        save_weights(path, Weights(KIND, config, self.network.state_dict(), self.card), half=True)

    @classmethod
    def load(cls, path: str | Path, role: str = GUIDE) -> "AttributeScorer":
        """Read a file written by :meth:`save`; CheckpointError if it is anything else."""
        weights = load_weights(path, KIND)
        with reading(path):
            names = tuple(shaped(list[str], weights.config["names"], path))
            trunk = TrunkConfig.from_json(weights.config["trunk"])
            network = opened(lambda: AttributeClassifier(trunk, len(names)), weights.tensors, path)
            return cls(network, names, weights.extra, role)
