"""Training of the portraits domain's feature networks: perceptual and Frechet distances, parser; one guides, the other
judges."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from semedit.domains.portraits.factors import ATTRIBUTES, IDENTITY, KINDS
from semedit.domains.portraits.fitting.network import TrunkFitConfig, as_input, draw_labelled, fit_network
from semedit.latents.regions import CELEBAMASK
from semedit.metrics.features import DomainFeatures, FeatureNetwork
from semedit.metrics.labels import LARGE, mean_iou
from semedit.metrics.roles import GUIDE, JUDGE
from semedit.networks.trunk import TrunkConfig
from semedit.storage.weights import load_state

#: The feature network sees finer than the classifier: label maps are exact to the pixel at 128 px.
FEATURES = TrunkFitConfig(trunk=TrunkConfig(size=128, widths=(16, 32, 64, 96, 128)), batch=32, lr=2e-3, noise=0.03)
#: How the network of each role is trained: seeds, and so pictures, and widths of their own.
ROLES = {
    GUIDE: FEATURES,
    JUDGE: FEATURES.replace(trunk=TrunkConfig(size=128, widths=(24, 32, 48, 96, 112)), seed=61),
}


def fit_features(
    config: TrunkFitConfig,
    progress: Callable[[int, int], None] | None = None,
    start: DomainFeatures | None = None,
    role: str = GUIDE,
) -> DomainFeatures:
    """Train the feature network, or train ``start`` further.

    Its card holds parser mIoU and identity-factor correlation on held-out portraits. Raises CheckpointError for a start
    of other sizes.
    """
    torch.manual_seed(config.seed + 1)
    data = draw_labelled(config.pictures, config.trunk.size, config.seed + 7)
    network = FeatureNetwork(
        config.trunk,
        attributes=len(ATTRIBUTES),
        factors=data.factors.shape[1],
        regions=len(CELEBAMASK),
        kinds=len(KINDS),
    ).to(memory_format=torch.channels_last)
    if start is not None:
        load_state(network, start.network.state_dict(), "start")

    def loss_of(x: Tensor, indices: Tensor) -> Tensor:
        maps = network.maps(x)
        pooled = F.binary_cross_entropy_with_logits(
            network.attributes(network.pooled(maps)).float(), data.attributes[indices]
        )
        factors = F.smooth_l1_loss(network.factors(maps[-1]).float(), data.factors[indices], beta=0.2)
        parsing = F.cross_entropy(network.segment(maps).float(), data.labels[indices].long())
        assert network.kinds is not None
        kind = F.cross_entropy(network.kinds(network.pooled(maps)).float(), data.kinds[indices])
        return pooled + 0.5 * kind + 8 * factors + 20 * parsing

    fit_network(network, data.images, config, loss_of, progress)
    features = DomainFeatures(network, "portraits", role=role)
    held = draw_labelled(config.held_out, config.trunk.size, config.seed + 2_000)
    inputs = as_input(held.images, 0)
    with torch.no_grad():
        regressed = torch.cat([network.factors(network.maps(part)[-1]) for part in inputs.split(256)])
    people = slice(0, len(IDENTITY))
    both = torch.stack([regressed[:, people], held.factors[:, people]])
    both = (both - both.mean(1, keepdim=True)) / both.std(1, keepdim=True)
    labels = features.parse(inputs)
    features.card = {
        **({"started_from": start.card} if start is not None else {}),
        "parser_miou": mean_iou(labels, held.labels.long(), len(CELEBAMASK)),
        "parser_miou_large": mean_iou(labels, held.labels.long(), len(CELEBAMASK), LARGE),
        "identity_factor_correlation": (both[0] * both[1]).mean().item(),
        "held_out": config.held_out,
        "config": config.to_json(),
    }
    return features
