"""A domain's own feature network: perceptual distance, Frechet features, label maps.

Its distance is built like LPIPS (Zhang et al. 2018: unit-normalised features, squared difference) but it is not LPIPS,
and never called so: it has a protocol id of its own, and numbers are only compared under the same id.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.errors import MissingWeights
from semedit.metrics.roles import GUIDE, suffix
from semedit.networks.trunk import Trunk, TrunkConfig
from semedit.storage.content import reading, shaped
from semedit.storage.weights import Weights, load_weights, opened, save_weights

KIND = "feature-network"


class FeatureNetwork(nn.Module):
    """One trunk with the heads that teach it what matters in a domain: parser, attributes and factors.

    ``maps`` feed the perceptual distance, ``pooled`` the Frechet distance, ``kinds`` the inception score (exclusive
    classes, where there are any).
    """

    def __init__(self, config: TrunkConfig, *, attributes: int, factors: int, regions: int, kinds: int = 0):
        super().__init__()
        self.trunk = Trunk(config)
        widths = config.widths
        self.attributes = nn.Linear(widths[-1], attributes)
        self.kinds = nn.Linear(widths[-1], kinds) if kinds else None
        flat = widths[-1] * (config.size // 2 ** len(widths)) ** 2
        self.factors = nn.Sequential(nn.Flatten(), nn.Linear(flat, 128), nn.ReLU(), nn.Linear(128, factors))
        coarse = widths[::-1]
        fine = (*coarse[1:], widths[0])
        self.lateral = nn.ModuleList(nn.Conv2d(c, f, 1) for c, f in zip(coarse, fine, strict=True))
        self.fuse = nn.ModuleList(nn.Conv2d(f, f, 3, padding=1) for f in fine)
        self.parser = nn.Conv2d(widths[0], regions, 1)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Feature maps of the trunk, finest first."""
        return self.trunk(images)

    def pooled(self, maps: list[Tensor]) -> Tensor:
        """Mean of the last map over space (B, C)."""
        return maps[-1].mean((2, 3))

    def segment(self, maps: list[Tensor]) -> Tensor:
        """Region logits (B, R, S, S) at the trunk's input size."""
        x = maps[-1]
        for lateral, fuse, skip in zip(self.lateral, self.fuse, maps[-2::-1], strict=True):
            x = F.interpolate(lateral(x), scale_factor=2, mode="nearest") + skip
            x = F.relu(fuse(x))
        return self.parser(x)


class DomainFeatures:
    """The feature network of a domain as a user's object: distances, embeddings, label maps.

    ``role`` is "guide" or "judge", by the place of its file.
    """

    def __init__(self, network: FeatureNetwork, domain: str, card: Mapping[str, Any] | None = None, role: str = GUIDE):
        self.network = network.eval().requires_grad_(False)
        self.domain, self.card, self.role = domain, dict(card or {}), role

    def to(self, device: torch.device) -> Self:
        """Move the network; returns this object."""
        self.network.to(device)
        return self

    @property
    def device(self) -> torch.device:
        return self.network.parser.weight.device

    @property
    def protocol(self) -> str:
        return f"{self.domain}-features{suffix(self.role)}@{self.network.trunk.config.size}"

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Perceptual distance (B,) of picture pairs (B, 3, H, W); differentiable.

        Per map: unit-normalise over channels, squared difference, sum over channels, mean over space; mean over maps.
        In autocast the maps are made in its type, and compared in float32.
        """
        total: Tensor = torch.zeros((), device=a.device)
        maps_a, maps_b = self.network.maps(a), self.network.maps(b)
        for x, y in zip(maps_a, maps_b, strict=True):
            x, y = (F.normalize(one.float(), dim=1, eps=1e-6) for one in (x, y))
            total = total + (x - y).square().sum(1).mean((1, 2))
        return total / len(maps_a)

    @torch.no_grad()
    def embed(self, images: Tensor, batch: int = 256) -> Tensor:
        """Pooled features (B, C), on the CPU, of pictures, for Frechet distances."""
        return torch.cat([self.network.pooled(self.network.maps(x.to(self.device))).cpu() for x in images.split(batch)])

    @torch.no_grad()
    def kinds(self, features: Tensor) -> Tensor:
        """Logits (B, K), on the CPU, of the domain's exclusive classes, of embeddings (B, C).

        Raises MissingWeights if it has none.
        """
        if self.network.kinds is None:
            raise MissingWeights(f"the feature network of {self.domain} knows no exclusive classes")
        return self.network.kinds(features.to(self.device)).cpu()

    @torch.no_grad()
    def parse(self, images: Tensor, batch: int = 64) -> Tensor:
        """Label maps (B, H, W) of pictures of any size, on their device, by the domain's parser."""
        parts = []
        for x in images.split(batch):
            logits = self.network.segment(self.network.maps(x.to(self.device)))
            parts.append(fit_logits(logits, images.shape[-1]).argmax(1).to(images.device))
        return torch.cat(parts)

    def save(self, path: str | Path) -> None:
        net = self.network
        config = {
            "trunk": net.trunk.config.to_json(),
            "attributes": net.attributes.out_features,
            "factors": net.factors[-1].out_features,
            "regions": net.parser.out_channels,
            "kinds": net.kinds.out_features if net.kinds else 0,
            "domain": self.domain,
        }
        save_weights(path, Weights(KIND, config, net.state_dict(), self.card), half=True)

    @classmethod
    def load(cls, path: str | Path, role: str = GUIDE) -> "DomainFeatures":
        """Read a file written by :meth:`save`; CheckpointError if it is anything else."""
        weights = load_weights(path, KIND)
        config = weights.config
        with reading(path):
            sizes = {name: config[name] for name in ("attributes", "factors", "regions")}
            trunk, kinds = TrunkConfig.from_json(config["trunk"]), config.get("kinds", 0)
            network = opened(lambda: FeatureNetwork(trunk, **sizes, kinds=kinds), weights.tensors, path)
            return cls(network, shaped(str, config["domain"], path), weights.extra, role)


def fit_logits(logits: Tensor, size: int) -> Tensor:
    if logits.shape[-1] == size:
        return logits
    return F.interpolate(logits, size=(size, size), mode="bilinear", align_corners=False)
