"""Distances between sets of pictures: Frechet distance, KID, precision and recall, inception score.

The formulas are torch-fidelity's; the features come from an embedder, and every number carries the protocol id of the
two together. Only the TensorFlow Inception's Frechet distance is called FID. ``ssg-legacy`` is the protocol of
SemanticStyleGAN's released code, with another network, another resize and another formula: never compare it with FID.
"""

from typing import Any, Protocol, Self

import numpy as np
import torch
from torch import Tensor

from semedit.errors import ConfigError

#: Parts that an inception score is taken over; as many pictures are needed at least.
SPLITS = 10


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


def inception_score(logits: Tensor, splits: int = SPLITS) -> tuple[float, float]:
    """Inception score (Salimans et al. 2016) of logits (N, K): mean and standard deviation over ``splits``."""
    library = fidelity_library().metric_isc
    made = library.isc_features_to_metric(logits.cpu(), splits=splits)
    return float(made[library.KEY_METRIC_ISC_MEAN]), float(made[library.KEY_METRIC_ISC_STD])


def legacy_frechet(a: Tensor, b: Tensor, epsilon: float = 1e-6) -> float:
    """Frechet distance as SemanticStyleGAN's released code has it: ``epsilon`` is always added inside the root.

    |mu_a - mu_b|^2 + tr(C_a) + tr(C_b) - 2 tr sqrtm((C_a + eI)(C_b + eI)). Raises ConfigError where the root is not
    real (an imaginary diagonal above 1e-3).
    """
    from scipy.linalg import sqrtm

    x, y = a.double().cpu().numpy(), b.double().cpu().numpy()
    mean = x.mean(0) - y.mean(0)
    cov_x, cov_y = np.atleast_2d(np.cov(x, rowvar=False)), np.atleast_2d(np.cov(y, rowvar=False))
    offset = epsilon * np.eye(len(cov_x))
    root = np.asarray(sqrtm((cov_x + offset) @ (cov_y + offset)))
    if np.iscomplexobj(root):
        if np.abs(np.diagonal(root).imag).max() > 1e-3:
            raise ConfigError("the covariances have no real root; use more samples")
        root = root.real
    return float(mean @ mean + np.trace(cov_x) + np.trace(cov_y) - 2 * np.trace(root))


def legacy_inception_score(logits: Tensor, splits: int = SPLITS) -> tuple[float, float]:
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
