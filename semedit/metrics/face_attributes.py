"""Attributes of real faces: the ResNet-50 of InterFaceGAN and SemanticStyleGAN, on CelebA (Shi et al. 2022, 5.2).

Forty binary attributes, each with two logits and a softmax of its own, on pictures of 224 px.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from semedit.config import Config
from semedit.metrics.attributes import AttributeScorer
from semedit.metrics.roles import GUIDE, suffix
from semedit.pictures.tensors import fit
from semedit.storage.content import reading, shaped
from semedit.storage.weights import Weights, kind_of, load_weights, opened, save_weights

KIND = "face-attribute-classifier"
#: The file that the domain of faces opens.
FILE, VARIABLE = "face-attributes.safetensors", "SEMEDIT_FACE_ATTRIBUTES"
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class FaceAttributeConfig(Config):
    """Sizes of the classifier; the defaults are ResNet-50's."""

    noun: ClassVar[str] = "attribute classifier configuration"

    size: int = Field(224, ge=32, description="side in px at which pictures are looked at")
    layers: tuple[int, int, int, int] = Field((3, 4, 6, 3), description="bottlenecks of each stage")
    width: int = Field(64, ge=1, description="width of the first stage's bottlenecks")
    attributes: int = Field(40, ge=1)


class FaceAttributeClassifier(nn.Module):
    """Pictures (B, 3, H, W) in [-1, 1] -> log odds (B, A); ``pairs`` gives the two logits of each, (B, A, 2)."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: FaceAttributeConfig):
        super().__init__()
        from torchvision.models.resnet import Bottleneck, ResNet

        self.config = config
        self.trunk = ResNet(
            Bottleneck, list(config.layers), num_classes=2 * config.attributes, width_per_group=config.width
        )
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None], persistent=False)

    def pairs(self, images: Tensor) -> Tensor:
        x = ((fit(images, self.config.size) + 1) / 2 - self.mean) / self.deviation
        return self.trunk(x).unflatten(1, (self.config.attributes, 2))

    def forward(self, images: Tensor) -> Tensor:
        absent, present = self.pairs(images).unbind(2)
        return present - absent


class FaceAttributeScorer(AttributeScorer):
    """The classifier as a user's object. ``card`` holds the held-out accuracy of each attribute."""

    network: Any

    def __init__(self, network: FaceAttributeClassifier, names: tuple[str, ...], card: Mapping[str, Any] | None = None,
                 role: str = GUIDE):  # fmt: skip
        super().__init__(network, names, card, role)  # type: ignore[arg-type]

    @property
    def protocol(self) -> str:
        return f"celeba-resnet{suffix(self.role)}@{self.network.config.size}"

    def save(self, path: str | Path) -> None:
        config = {"network": self.network.config.to_json(), "names": list(self.names)}
        save_weights(path, Weights(KIND, config, self.network.state_dict(), self.card), half=True)

    @classmethod
    def load(cls, path: str | Path, role: str = GUIDE) -> "FaceAttributeScorer":
        """Read a file written by :meth:`save`; CheckpointError if it is anything else."""
        weights = load_weights(path, KIND)
        with reading(path):
            names = tuple(shaped(list[str], weights.config["names"], path))
            config = FaceAttributeConfig.from_json(weights.config["network"])
            network = opened(lambda: FaceAttributeClassifier(config), weights.tensors, path)
            return cls(network, names, weights.extra, role)


def open_scorer(path: str | Path, role: str = GUIDE) -> AttributeScorer:
    """A file of either kind of attribute classifier. Raises CheckpointError for anything else."""
    if kind_of(path) == KIND:
        return FaceAttributeScorer.load(path, role)
    return AttributeScorer.load(path, role)
