"""Real faces: MTCNN alignment, CelebAMask-HQ regions, LPIPS and FaceNet where their weights are present."""

import os
from functools import cache
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from semedit.attributes import AttributeScorer
from semedit.convnet import fit
from semedit.domains.base import Domain
from semedit.errors import MissingWeights
from semedit.faces import align_face
from semedit.perceptual import DomainFeatures, Lpips
from semedit.regions import CELEBAMASK

FACENET = "20180402-114759-vggface2.pt"
ATTRIBUTES = ("smile", "bald", "beard", "bangs", "glasses")
EDIT_REGIONS = {"smile": "face", "bald": "hair", "beard": "face", "bangs": "hair", "glasses": "glasses,eyes"}


class FaceNet:
    """Identity by facenet-pytorch's InceptionResnetV1 (VGGFace2), from a local weights file.

    Pictures are pooled to 160 px. Raises MissingWeights if the file is absent.
    """

    identity_protocol = "facenet-vggface2@160"

    def __init__(self, path: str | Path | None = None):
        home = Path(os.environ.get("TORCH_HOME", Path.home() / ".cache" / "torch"))
        path = Path(path or home / "checkpoints" / FACENET)
        if not path.exists():
            raise MissingWeights(f"identity of faces needs facenet-pytorch's {FACENET} at {path}")
        from facenet_pytorch import InceptionResnetV1

        self.network: Any = InceptionResnetV1(pretrained=None).eval().requires_grad_(False)
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.network.load_state_dict({k: v for k, v in state.items() if not k.startswith("logits.")})

    def to(self, device: torch.device) -> Self:
        """Move the network; returns this object."""
        self.network.to(device)
        return self

    def identity(self, a: Tensor, b: Tensor) -> Tensor:
        """Cosine similarity (B,) of the embeddings of face crops (B, 3, H, W) in [-1, 1]."""
        return F.cosine_similarity(self.network(fit(a, 160)), self.network(fit(b, 160)), dim=1)


@cache
def perceptual() -> Lpips:
    return Lpips("vgg")


@cache
def identity() -> FaceNet:
    return FaceNet()


def features() -> DomainFeatures:
    raise MissingWeights("no feature network ships for real faces; LPIPS and FaceNet are used where present")


@cache
def attributes() -> AttributeScorer:
    path = Path(os.environ.get("SEMEDIT_FACE_ATTRIBUTES", "face-attributes.safetensors"))
    if not path.exists():
        raise MissingWeights(
            "no attribute classifier ships for real faces; set SEMEDIT_FACE_ATTRIBUTES to a native classifier file"
        )
    return AttributeScorer.load(path)


FACES = Domain(
    name="faces",
    regions=CELEBAMASK,
    resolution=512,
    attribute_names=ATTRIBUTES,
    edit_regions=EDIT_REGIONS,
    align=align_face,
    perceptual=perceptual,
    identity=identity,
    features=features,
    attributes=attributes,
    poor_psnr=15.0,
)
