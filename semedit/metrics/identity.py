"""Whether two pictures show the same person: embeddings whose cosine is the similarity.

Every domain has two networks, trained apart: one that scores, and one that losses may use. A score by the network that
a loss has pushed says nothing, so it is never given. Both are differentiable.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.config import Config
from semedit.networks.irse import IrSeFace
from semedit.networks.trunk import Trunk, TrunkConfig
from semedit.pictures.tensors import fit
from semedit.storage.content import reading, shaped
from semedit.storage.found import find_weights
from semedit.storage.pickled import read_pickle, state_of
from semedit.storage.weights import Weights, load_state, load_weights, opened, save_weights

KIND = "identity-network"


class IdentityConfig(Config):
    """Sizes of an identity network; it looks at the central ``crop`` of a picture, at ``trunk.size`` px."""

    noun: ClassVar[str] = "identity network configuration"

    trunk: TrunkConfig = TrunkConfig(size=96, widths=(16, 32, 64, 96, 128))
    crop: float = Field(0.75, gt=0, le=1)
    dim: int = Field(64, ge=1, description="width of the embedding")


class IdentityNetwork(nn.Module):
    """Pictures (B, 3, H, W) in [-1, 1] -> unit vectors (B, dim); ``hidden`` feeds the head that training adds."""

    def __init__(self, config: IdentityConfig):
        super().__init__()
        self.config = config
        self.trunk = Trunk(config.trunk)
        flat = config.trunk.widths[-1] * (config.trunk.size // 2 ** len(config.trunk.widths)) ** 2
        self.hidden_layer = nn.Sequential(nn.Flatten(), nn.Linear(flat, 256), nn.ReLU())
        self.embedding = nn.Linear(256, config.dim)

    def hidden(self, images: Tensor) -> Tensor:
        return self.hidden_layer(self.trunk(central(images, self.config.crop))[-1])

    def forward(self, images: Tensor) -> Tensor:
        return F.normalize(self.embedding(self.hidden(images)).float(), dim=1)


def central(images: Tensor, share: float) -> Tensor:
    """The central square of pictures (B, C, H, W), ``share`` of their side.

    >>> central(torch.zeros(1, 3, 64, 64), 0.75).shape
    torch.Size([1, 3, 48, 48])
    """
    side = images.shape[-1]
    kept = round(side * share)
    start = (side - kept) // 2
    return images[..., start : start + kept, start : start + kept]


class DomainIdentity:
    """An identity network of a domain as a user's object. ``role`` is "score" or "loss"; ``card`` holds its accuracy on
    persons that it has not seen."""

    def __init__(self, network: IdentityNetwork, domain: str, role: str, card: Mapping[str, Any] | None = None):
        self.network = network.eval().requires_grad_(False)
        self.domain, self.role, self.card = domain, role, dict(card or {})

    @property
    def protocol(self) -> str:
        suffix = "" if self.role == "score" else f"-{self.role}"
        return f"{self.domain}-identity{suffix}@{self.network.config.trunk.size}"

    @property
    def threshold(self) -> float | None:
        """The similarity above which two pictures show one person, as measured on persons it has not seen."""
        return self.card.get("threshold")

    def to(self, device: torch.device) -> Self:
        """Move the network; returns this object."""
        self.network.to(device)
        return self

    def identity(self, a: Tensor, b: Tensor) -> Tensor:
        """Similarity (B,) in [-1, 1] of the persons in picture pairs (B, 3, H, W); differentiable."""
        return (self.network(a) * self.network(b)).sum(1)

    def save(self, path: str | Path) -> None:
        config = {"network": self.network.config.to_json(), "domain": self.domain, "role": self.role}
        save_weights(path, Weights(KIND, config, self.network.state_dict(), self.card), half=True)

    @classmethod
    def load(cls, path: str | Path) -> "DomainIdentity":
        """Read a file written by :meth:`save`; CheckpointError if it is anything else."""
        weights = load_weights(path, KIND)
        with reading(path):
            config = IdentityConfig.from_json(weights.config["network"])
            domain, role = (shaped(str, weights.config[name], path) for name in ("domain", "role"))
            network = opened(lambda: IdentityNetwork(config), weights.tensors, path)
            return cls(network, domain, role, weights.extra)


FACENET, ARCFACE = "20180402-114759-vggface2.pt", "model_ir_se50.pth"


class FaceNet:
    """Identity by facenet-pytorch's InceptionResnetV1 (VGGFace2), on pictures pooled to 160 px.

    ``path`` is the file of its weights (default: see :func:`find_weights`). Raises MissingWeights if it is absent.
    """

    protocol = "facenet-vggface2@160"
    #: Nobody has measured it here.
    threshold: float | None = None

    def __init__(self, path: str | Path | None = None):
        path = find_weights(FACENET, "SEMEDIT_FACENET", "the identity score of faces", path)
        from facenet_pytorch import InceptionResnetV1

        self.network: Any = InceptionResnetV1(pretrained=None).eval().requires_grad_(False)
        state = state_of(read_pickle(path), path)
        load_state(self.network, {k: v for k, v in state.items() if not k.startswith("logits.")}, path)

    def to(self, device: torch.device) -> Self:
        """Move the network; returns this object."""
        self.network.to(device)
        return self

    def identity(self, a: Tensor, b: Tensor) -> Tensor:
        """Cosine similarity (B,) of the embeddings of face crops (B, 3, H, W) in [-1, 1]; differentiable."""
        return F.cosine_similarity(self.network(fit(a, 160)), self.network(fit(b, 160)), dim=1)


class ArcFace:
    """Identity by an ArcFace IR-SE50 network, on pictures cropped as ReStyle's identity loss does.

    Pictures of any size, smaller ones too, are pooled to 256 px, rows 35-222 and columns 32-219 are kept and pooled to
    112 px. ``path`` is the file of its weights (default: see :func:`find_weights`). Raises MissingWeights if it is
    absent.
    """

    protocol = "arcface-ir-se50@112"
    threshold: float | None = None

    def __init__(self, path: str | Path | None = None):
        self.network = IrSeFace.load(find_weights(ARCFACE, "SEMEDIT_ARCFACE", "the identity loss of faces", path))

    def to(self, device: torch.device) -> Self:
        """Move the network; returns this object."""
        self.network.to(device)
        return self

    def embed(self, images: Tensor) -> Tensor:
        """Unit vectors (B, 512) of face crops (B, 3, H, W) in [-1, 1]."""
        return self.network(
            F.adaptive_avg_pool2d(F.adaptive_avg_pool2d(images, 256)[..., 35:223, 32:220], IrSeFace.SIZE)
        )

    def identity(self, a: Tensor, b: Tensor) -> Tensor:
        """Cosine similarity (B,) of picture pairs; differentiable."""
        return (self.embed(a) * self.embed(b)).sum(1)
