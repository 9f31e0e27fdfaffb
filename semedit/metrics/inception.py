"""The embedders that sets of pictures are compared with: two Inception networks, from local files.

``inception-tf`` is the network of published FIDs; ``ssg-legacy`` is that of SemanticStyleGAN's released code.
"""

from pathlib import Path
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

from semedit.errors import MissingWeights
from semedit.metrics.features import DomainFeatures
from semedit.metrics.sets import Embedder, fidelity_library
from semedit.pictures.tensors import to_bytes
from semedit.storage.found import find_weights
from semedit.storage.pickled import read_pickle, state_of
from semedit.storage.weights import load_state


class LegacyInception:
    """torchvision's ImageNet Inception-v3 as SemanticStyleGAN's released code uses it (protocol ``ssg-legacy``).

    Pictures in [-1, 1], not rounded -> ImageNet mean and deviation -> bilinear 299 px with align_corners -> spatial
    mean of the last 8x8x2048 map. Raises MissingWeights, or CheckpointError for another network's file.
    """

    FILE, VARIABLE = "inception_v3_google-0cc3c7bd.pth", "SEMEDIT_INCEPTION_TORCHVISION"
    protocol = "ssg-legacy"

    def __init__(self, file: str | Path | None = None):
        from torchvision.models import Inception3

        path = self.find(file)
        self.network = Inception3(transform_input=False, init_weights=False)
        load_state(self.network, state_of(read_pickle(path), path), path)
        self.classify = self.network.fc
        self.network.fc = torch.nn.Identity()
        self.network.eval().requires_grad_(False)
        self.mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
        self.deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]

    @classmethod
    def find(cls, file: str | Path | None = None) -> Path:
        """The file of its weights; MissingWeights, saying where it is looked for, if there is none."""
        return find_weights(cls.FILE, cls.VARIABLE, f"the protocol {cls.protocol}", file)

    def to(self, device: torch.device) -> Self:
        self.network.to(device)
        self.mean, self.deviation = self.mean.to(device), self.deviation.to(device)
        return self

    @torch.no_grad()
    def embed(self, images: Tensor, batch: int = 64) -> Tensor:
        features = []
        for part in images.split(batch):
            x = ((part.to(self.mean.device) + 1) / 2 - self.mean) / self.deviation
            x = F.interpolate(x, size=(299, 299), mode="bilinear", align_corners=True)
            features.append(self.network(x).cpu())
        return torch.cat(features)

    @torch.no_grad()
    def kinds(self, features: Tensor) -> Tensor:
        return self.classify(features.to(self.classify.weight.device)).cpu()


class TfInception:
    """The TensorFlow Inception that published FIDs are measured with, as torch-fidelity ports it (``inception-tf``).

    Pictures are rounded to 8 bits first. Raises MissingWeights where the file is absent; nothing is downloaded.
    """

    FILE, VARIABLE = "weights-inception-2015-12-05-6726825d.pth", "SEMEDIT_INCEPTION_TF"
    protocol = "inception-tf"

    def __init__(self, file: str | Path | None = None):
        path = self.find(file)
        fidelity_library()
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        self.network = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=str(path))
        self.device = torch.device("cpu")

    @classmethod
    def find(cls, file: str | Path | None = None) -> Path:
        """The file of its weights; MissingWeights, saying where it is looked for, if there is none."""
        return find_weights(cls.FILE, cls.VARIABLE, f"the protocol {cls.protocol}", file)

    def to(self, device: torch.device) -> Self:
        self.network.to(device)
        self.device = device
        return self

    @torch.no_grad()
    def embed(self, images: Tensor, batch: int = 64) -> Tensor:
        parts = [self.network(to_bytes(part.to(self.device)))[0].cpu() for part in images.split(batch)]
        return torch.cat(parts)

    @torch.no_grad()
    def kinds(self, features: Tensor) -> Tensor:
        """The bias-free logits, as the inception score is usually computed."""
        return features.to(self.device) @ self.network.fc.weight.T


def embedders(features: DomainFeatures | None) -> list[Embedder]:
    """The embedders that can be had here: the domain's own network, and the Inception ones whose files are present."""
    found: list[Embedder] = [features] if features is not None else []
    for kind in (TfInception, LegacyInception):
        try:
            found.append(kind())
        except MissingWeights:
            continue
    return found
