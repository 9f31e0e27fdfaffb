"""What an edit did: the pictures before and after it, and how far they differ."""

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from semedit.domains import Domain
from semedit.metrics.attributes import Scorer
from semedit.metrics.placed import placed
from semedit.networks.synthesis import Rendering, Synthesis


@dataclass(frozen=True)
class EditReport:
    """What an edit did to B pictures: the pictures before and after, and measures, each (B,).

    scores: probability of the attribute (NaN where there is nothing to score); inside_share: share of the absolute
    pixel change inside the chosen regions' masks (old or new), dilated by 2 px, NaN where there are none;
    preservation: 1 - mean absolute change on [0, 1].
    """

    before: Rendering
    after: Rendering
    score_before: Tensor
    score_after: Tensor
    inside_share: Tensor
    preservation: Tensor
    perceptual: Tensor
    identity: Tensor
    protocols: dict[str, str]

    def __getitem__(self, index: int) -> "EditReport":
        """The report of one picture."""
        chosen = {f.name: getattr(self, f.name)[index : index + 1] for f in fields(self) if f.name != "protocols"}
        return replace(self, **chosen)


@torch.no_grad()
def compare(
    domain: Domain,
    old: Rendering,
    new: Rendering,
    regions: tuple[int, ...],
    attr: str | None = None,
    scorer: Scorer | None = None,
) -> EditReport:
    """Compare pictures before and after an edit of ``regions``; ``scorer`` gives the score of ``attr``, if both do."""

    def scores(images: Tensor) -> Tensor:
        if attr is None or scorer is None:
            return torch.full((len(images),), float("nan"))
        return scorer.score(images)[:, scorer.names.index(attr)]

    device = old.image.device
    perceptual, identity = placed(domain.perceptual(), device), placed(domain.identity(), device)
    return EditReport(
        old,
        new,
        scores(old.image),
        scores(new.image),
        inside_share(old, new, regions),
        1 - (old.image - new.image).abs().flatten(1).mean(1) / 2,
        perceptual.distance(old.image, new.image),
        identity.identity(old.image, new.image),
        {
            "perceptual": perceptual.protocol,
            "identity": identity.protocol,
            "score": f"{domain.name}-{scorer.protocol}" if scorer else "none",
        },
    )


def inside_share(old: Rendering, new: Rendering, regions: tuple[int, ...], dilate: int = 2) -> Tensor:
    """Share (B,) of the absolute pixel change that lies in the regions' masks, old or new, dilated by ``dilate`` px.

    1 where nothing changed, NaN for pictures of generators whose codes have no regions.
    """
    if not (isinstance(old, Synthesis) and isinstance(new, Synthesis)):
        return torch.full((len(old.image),), float("nan"))
    chosen = torch.tensor(regions, device=old.image.device)
    inside = (torch.isin(old.labels, chosen) | torch.isin(new.labels, chosen)).float()[:, None]
    inside = torch.nn.functional.max_pool2d(inside, 2 * dilate + 1, stride=1, padding=dilate)
    change = (old.image - new.image).abs().sum(1, keepdim=True)
    total = change.flatten(1).sum(1)
    return torch.where(total > 0, (change * inside).flatten(1).sum(1) / total.clamp(min=1e-12), torch.ones_like(total))
