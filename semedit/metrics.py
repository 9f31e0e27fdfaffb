"""Distances between sets of pictures: Frechet distance, KID, precision and recall, inception score.

The formulas are torch-fidelity's; the features come from an embedder, and every number carries the protocol id of the
two together. Only the TensorFlow Inception's Frechet distance is called FID. ``ssg-legacy`` is the protocol of
SemanticStyleGAN's released code, with another network, another resize and another formula: never compare it with FID.
"""

import os
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import scipy.linalg
import torch
from torch import Tensor
from torch.nn import functional as F

from semedit.errors import ConfigError, MissingWeights
from semedit.images import to_bytes
from semedit.perceptual import DomainFeatures


class Embedder(Protocol):
    """Pictures -> features, and logits of exclusive classes made from those features."""

    @property
    def protocol(self) -> str: ...

    def to(self, device: torch.device) -> Self: ...

    def embed(self, images: Tensor, batch: int = 64) -> Tensor:
        """Features (B, C), on the CPU, of pictures (B, 3, H, W) in [-1, 1]."""
        ...

    def kinds(self, features: Tensor) -> Tensor:
        """Logits (B, K) of features (B, C)."""
        ...


def fidelity_library() -> Any:
    """torch-fidelity; ConfigError that says how to get it where it is missing."""
    try:
        import torch_fidelity
        import torch_fidelity.metric_fid
        import torch_fidelity.metric_isc
        import torch_fidelity.metric_kid
        import torch_fidelity.metric_prc
    except ImportError:
        raise ConfigError("this measure needs torch-fidelity: pip install 'semedit[metrics]'") from None
    return torch_fidelity


def frechet(a: Tensor, b: Tensor) -> float:
    """Frechet distance of two sets of features (N, C), in float64.

    |mu_a - mu_b|^2 + tr(C_a) + tr(C_b) - 2 tr sqrt(C_a C_b).
    """
    library = fidelity_library().metric_fid
    statistics = [library.fid_features_to_statistics(x.double().cpu()) for x in (a, b)]
    return float(library.fid_statistics_to_metric(*statistics, verbose=False)[library.KEY_METRIC_FID])


def kernel_distance(fake: Tensor, real: Tensor, subset: int = 1000) -> tuple[float, float]:
    """Kernel distance (KID, Binkowski et al. 2018) of features (N, C): mean and standard deviation over 100 subsets."""
    library = fidelity_library().metric_kid
    subset = min(subset, len(fake), len(real))
    made = library.kid_features_to_metric(
        fake.double().cpu(), real.double().cpu(), kid_subsets=100, kid_subset_size=subset, verbose=False
    )
    return float(made[library.KEY_METRIC_KID_MEAN]), float(made[library.KEY_METRIC_KID_STD])


def precision_recall(fake: Tensor, real: Tensor, neighbours: int = 3) -> tuple[float, float]:
    """Improved precision and recall (Kynkaanniemi et al. 2019) of features (N, C), k nearest neighbours."""
    library = fidelity_library().metric_prc
    made = library.prc_features_to_metric(
        fake.float().cpu(), real.float().cpu(), prc_neighborhood=neighbours, prc_batch_size=2_500, save_cpu_ram=True,
        verbose=False,
    )  # fmt: skip
    return float(made[library.KEY_METRIC_PRECISION]), float(made[library.KEY_METRIC_RECALL])


def inception_score(logits: Tensor, splits: int = 10) -> tuple[float, float]:
    """Inception score (Salimans et al. 2016) of logits (N, K): mean and standard deviation over ``splits``."""
    library = fidelity_library().metric_isc
    made = library.isc_features_to_metric(logits.cpu(), splits=splits)
    return float(made[library.KEY_METRIC_ISC_MEAN]), float(made[library.KEY_METRIC_ISC_STD])


def legacy_frechet(a: Tensor, b: Tensor, epsilon: float = 1e-6) -> float:
    """Frechet distance as SemanticStyleGAN's released code has it: ``epsilon`` is always added inside the root.

    |mu_a - mu_b|^2 + tr(C_a) + tr(C_b) - 2 tr sqrtm((C_a + eI)(C_b + eI)). Raises ConfigError where the root is not
    real (an imaginary diagonal above 1e-3).
    """
    x, y = a.double().cpu().numpy(), b.double().cpu().numpy()
    mean = x.mean(0) - y.mean(0)
    cov_x, cov_y = np.atleast_2d(np.cov(x, rowvar=False)), np.atleast_2d(np.cov(y, rowvar=False))
    offset = epsilon * np.eye(len(cov_x))
    root = np.asarray(scipy.linalg.sqrtm((cov_x + offset) @ (cov_y + offset)))
    if np.iscomplexobj(root):
        if np.abs(np.diagonal(root).imag).max() > 1e-3:
            raise ConfigError("the covariances have no real root; use more samples")
        root = root.real
    return float(mean @ mean + np.trace(cov_x) + np.trace(cov_y) - 2 * np.trace(root))


def legacy_inception_score(logits: Tensor, splits: int = 10) -> tuple[float, float]:
    """Inception score as the released code has it: ``splits`` parts of floor(N / splits) in order, natural log."""
    p = logits.double().softmax(1)
    size = len(p) // splits
    if size == 0:
        raise ConfigError(f"an inception score over {splits} splits needs at least {splits} pictures")
    scores = []
    for part in p[: size * splits].split(size):
        divergence = torch.xlogy(part, part) - torch.xlogy(part, part.mean(0, keepdim=True).expand_as(part))
        scores.append(divergence.sum(1).mean().exp().item())
    return float(np.mean(scores)), float(np.std(scores))


def weight_file(variable: str, name: str) -> Path:
    """The local file of a network that does not ship; MissingWeights that says where it is looked for."""
    path = Path(os.environ.get(variable) or Path(torch.hub.get_dir()) / "checkpoints" / name)
    if not path.exists():
        raise MissingWeights(f"{name} is not at {path}; put the file there, or set {variable} to its path")
    return path


class LegacyInception:
    """torchvision's ImageNet Inception-v3 as SemanticStyleGAN's released code uses it (protocol ``ssg-legacy``).

    Pictures in [-1, 1], not rounded -> ImageNet mean and deviation -> bilinear 299 px with align_corners -> spatial
    mean of the last 8x8x2048 map. Raises MissingWeights, or CheckpointError for another network's file.
    """

    FILE, VARIABLE = "inception_v3_google-0cc3c7bd.pth", "SEMEDIT_INCEPTION_TORCHVISION"
    protocol = "ssg-legacy"

    def __init__(self, file: str | Path | None = None):
        from torchvision.models import Inception3

        from semedit.checkpoint import load_state

        path = Path(file) if file else weight_file(self.VARIABLE, self.FILE)
        self.network = Inception3(transform_input=False, init_weights=False)
        load_state(self.network, torch.load(path, map_location="cpu", weights_only=True), path)
        self.classify = self.network.fc
        self.network.fc = torch.nn.Identity()
        self.network.eval().requires_grad_(False)
        self.mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
        self.deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]

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
        path = Path(file) if file else weight_file(self.VARIABLE, self.FILE)
        fidelity_library()
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        self.network = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=str(path))
        self.device = torch.device("cpu")

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


def set_frechet(embedder: Embedder, fake: Tensor, real: Tensor) -> tuple[float, str]:
    """The embedder's Frechet distance of two sets of its features (N, C), and its protocol id."""
    if embedder.protocol == "ssg-legacy":
        return legacy_frechet(fake, real), "fid(ssg-legacy)"
    name = "fid" if embedder.protocol == "inception-tf" else "fd"
    return frechet(fake, real), f"{name}({embedder.protocol})"


def set_measures(embedder: Embedder, fake: Tensor, real: Tensor) -> dict[str, tuple[float, float | None, str]]:
    """All measures that features (N, C) of ``fake`` and ``real`` give: name -> (value, deviation, protocol id)."""
    protocol, kinds = embedder.protocol, embedder.kinds(fake)
    distance, distance_protocol = set_frechet(embedder, fake, real)
    measures: dict[str, tuple[float, float | None, str]] = {"frechet": (distance, None, distance_protocol)}
    if protocol == "ssg-legacy":
        return measures | {"inception_score": (*legacy_inception_score(kinds), "is(ssg-legacy)")}
    kid, kid_deviation = kernel_distance(fake, real)
    precision, recall = precision_recall(fake, real)
    score, deviation = inception_score(kinds)
    return measures | {
        "kernel_distance": (kid, kid_deviation, f"kid({protocol})"),
        "precision": (precision, None, f"precision-k3({protocol})"),
        "recall": (recall, None, f"recall-k3({protocol})"),
        "inception_score": (score, deviation, f"is({protocol})"),
    }
