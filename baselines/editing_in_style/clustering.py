"""Spherical k-means: clusters of directions (Dhillon and Modha 2001), as Editing in Style uses it on activations.

Full batches to convergence with several starts, where the released code draws small batches: the objective is the same.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from semedit.errors import ConfigError, NotFitted

#: Rows whose distances are worked out at a time.
BLOCK = 65_536


class SphericalKMeans:
    """Clusters of rows by the cosine with their centroids; the lengths of rows do not matter.

    Without ``init``, the best of ``restarts`` runs from centroids drawn by k-means++. With ``init`` (k, C), one run
    from there: centroid i comes from its row i. After ``fit``: ``centroids_`` (k, C) of unit norm, ``labels_`` (M,)
    int64, ``iterations_``, and ``inertia_``, the sum of the squared distances of unit rows from their centroids.
    """

    def __init__(self, clusters: int, *, init: Tensor | None = None, restarts: int = 3, seed: int = 0,
                 max_iterations: int = 300):  # fmt: skip
        self.clusters, self.init, self.restarts, self.seed = clusters, init, restarts, seed
        self.max_iterations = max_iterations

    def fit(self, rows: Tensor) -> "SphericalKMeans":
        """Learn from rows (M, C). Raises ConfigError for fewer rows than clusters, or an ``init`` of another shape."""
        if rows.dim() != 2 or len(rows) < self.clusters or self.clusters < 1:
            raise ConfigError(f"rows of shape {tuple(rows.shape)}; (M, C) with M >= {self.clusters} clusters is wanted")
        unit = F.normalize(rows, dim=1)
        if self.init is not None:
            if self.init.shape != (self.clusters, rows.shape[1]):
                wanted = (self.clusters, rows.shape[1])
                raise ConfigError(f"initial centroids of shape {tuple(self.init.shape)}; {wanted} is wanted")
            starts = [F.normalize(self.init.to(unit), dim=1)]
        else:
            starts = [drawn_start(unit, self.clusters, self.seed + i) for i in range(self.restarts)]
        best = float("inf")
        for start in starts:
            centroids, labels, iterations = lloyd(unit, start, self.max_iterations)
            parts = zip(unit.split(BLOCK), labels.split(BLOCK), strict=True)
            inertia = sum(float((part - centroids[own]).square().sum()) for part, own in parts)
            if inertia < best:
                best = self.inertia_ = inertia
                self.centroids_, self.labels_, self.iterations_ = centroids, labels, iterations
        return self

    def predict(self, rows: Tensor) -> Tensor:
        """The clusters (M,), int64, of rows (M, C) of any length. Raises NotFitted before ``fit``."""
        if not hasattr(self, "centroids_"):
            raise NotFitted("the clusters are used before fit")
        return (rows @ self.centroids_.T).argmax(1)


def drawn_start(unit: Tensor, clusters: int, seed: int) -> Tensor:
    """Centroids (k, C) drawn from unit rows (M, C) by k-means++."""
    from sklearn.cluster import kmeans_plusplus

    centres, _ = kmeans_plusplus(unit.cpu().numpy(), clusters, random_state=seed)
    return torch.from_numpy(centres).to(unit)


def lloyd(unit: Tensor, centroids: Tensor, max_iterations: int) -> tuple[Tensor, Tensor, int]:
    """Assign unit rows (M, C) to the nearest centroid, and move centroids to the mean direction, until nothing changes.

    Returns centroids (k, C), labels (M,) and the number of iterations. A cluster that loses all its rows stays.
    """
    labels = (unit @ centroids.T).argmax(1)
    for iteration in range(1, max_iterations + 1):
        sums = torch.zeros_like(centroids).index_add_(0, labels, unit)
        norms = sums.norm(dim=1, keepdim=True)
        centroids = torch.where(norms > 0, sums / norms.clamp(min=1e-12), centroids)
        moved = (unit @ centroids.T).argmax(1)
        if torch.equal(moved, labels):
            return centroids, labels, iteration
        labels = moved
    return centroids, labels, max_iterations
