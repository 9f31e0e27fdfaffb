"""Training of the portraits domain's attribute classifiers: one labels samples, the other judges edits."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from semedit.domains.portraits.factors import ATTRIBUTES
from semedit.domains.portraits.fitting.network import TrunkFitConfig, as_input, draw_labelled, fit_network
from semedit.metrics.attributes import AttributeClassifier, AttributeScorer
from semedit.metrics.roles import GUIDE, JUDGE
from semedit.networks.trunk import TrunkConfig

#: How the classifier of each role is trained: seeds, and so pictures, and sizes of their own.
ROLES = {
    GUIDE: TrunkFitConfig(),
    JUDGE: TrunkFitConfig(trunk=TrunkConfig(size=96, widths=(16, 32, 64, 96, 96)), seed=51),
}


def fit_attributes(
    config: TrunkFitConfig, progress: Callable[[int, int], None] | None = None, role: str = GUIDE
) -> AttributeScorer:
    """Train the attribute classifier; its card holds the balanced accuracy of each attribute on held-out portraits."""
    torch.manual_seed(config.seed)
    data = draw_labelled(config.pictures, config.trunk.size, config.seed)
    network = AttributeClassifier(config.trunk, len(ATTRIBUTES)).to(memory_format=torch.channels_last)

    def loss_of(x: Tensor, indices: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(network(x).float(), data.attributes[indices] * 0.98 + 0.01)

    fit_network(network, data.images, config, loss_of, progress)
    scorer = AttributeScorer(network, ATTRIBUTES, role=role)
    held = draw_labelled(config.held_out, config.trunk.size, config.seed + 1_000)
    predicted, truth = scorer.score(as_input(held.images, 0)) > 0.5, held.attributes > 0.5
    hits = [(predicted[:, i] == truth[:, i]).float() for i in range(len(ATTRIBUTES))]
    accuracy = {n: 0.5 * (h[truth[:, i]].mean() + h[~truth[:, i]].mean()).item() for i, (n, h) in
                enumerate(zip(ATTRIBUTES, hits, strict=True))}  # fmt: skip
    scorer.card = {"balanced_accuracy": accuracy, "held_out": config.held_out, "config": config.to_json()}
    return scorer
