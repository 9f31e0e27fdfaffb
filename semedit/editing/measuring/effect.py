"""What an edit did: the pictures before and after it, and how far they differ."""

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from semedit.domains import Domain
from semedit.domains.judges import Judge, Panel, perceptual_panel
from semedit.metrics.attributes import Scorer
from semedit.metrics.pixels import preservation
from semedit.metrics.placed import placed
from semedit.networks.synthesis import Rendering, Synthesis
from semedit.pictures.tensors import quantise


@dataclass(frozen=True)
class EditReport:
    """What an edit did to B pictures: the pictures before and after, and measures, each (B,), of them as 8-bit files.

    scores: probability of the attribute (NaN where there is nothing to score); inside_share: share of the absolute
    pixel change inside the chosen regions' masks (old or new), dilated by 2 px, NaN where there are none;
    preservation: 1 - mean absolute change on [0, 1]. A judge scores, see :mod:`semedit.domains.judges`; what ends in
    ``_optimised`` is of the network that labelled samples or stood in losses, NaN where it is not there. ``protocols``
    has the id of each measure.
    """

    before: Rendering
    after: Rendering
    score_before: Tensor
    score_after: Tensor
    inside_share: Tensor
    preservation: Tensor
    perceptual: Tensor
    identity: Tensor
    score_before_optimised: Tensor
    score_after_optimised: Tensor
    perceptual_optimised: Tensor
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
    scorers: Panel[Scorer] | None = None,
) -> EditReport:
    """Compare pictures before and after an edit of ``regions``; ``scorers`` score ``attr``, if both are given."""
    device = old.image.device
    distances, identity = perceptual_panel(domain, device), placed(domain.identity(), device)
    before, after = quantise(old.image), quantise(new.image)
    judge, guide = (scorers.first, scorers.guide) if scorers and attr else (None, None)

    def scores(by: Judge[Scorer] | None, images: Tensor) -> Tensor:
        if by is None or attr is None:
            return torch.full((len(images),), float("nan"))
        return by.network.score(images)[:, by.network.names.index(attr)]

    guiding = distances.guide
    return EditReport(
        old,
        new,
        scores(judge, before),
        scores(judge, after),
        inside_share(old, new, regions),
        preservation(before, after),
        distances.first.network.distance(before, after),
        identity.identity(before, after),
        scores(guide, before),
        scores(guide, after),
        guiding.network.distance(before, after) if guiding else scores(None, before),
        {
            "perceptual": distances.first.protocol,
            "perceptual_optimised": guiding.protocol if guiding else "none",
            "identity": identity.protocol,
            "score": f"{domain.name}-{judge.protocol}" if judge else "none",
            "score_optimised": f"{domain.name}-{guide.protocol}" if guide else "none",
        },
    )


def inside_share(old: Rendering, new: Rendering, regions: tuple[int, ...], dilate: int = 2) -> Tensor:
    """Share (B,) of the absolute change that lies in the regions' masks, old or new, dilated by ``dilate`` px.

    The change is that of 8-bit pixels; 1 where nothing changed, NaN for pictures of generators whose codes have no
    regions.
    """
    if not (isinstance(old, Synthesis) and isinstance(new, Synthesis)):
        return torch.full((len(old.image),), float("nan"))
    chosen = torch.tensor(regions, device=old.image.device)
    inside = (torch.isin(old.labels, chosen) | torch.isin(new.labels, chosen)).float()[:, None]
    inside = torch.nn.functional.max_pool2d(inside, 2 * dilate + 1, stride=1, padding=dilate)
    change = (quantise(old.image) - quantise(new.image)).abs().sum(1, keepdim=True)
    total = change.flatten(1).sum(1)
    return torch.where(total > 0, (change * inside).flatten(1).sum(1) / total.clamp(min=1e-12), torch.ones_like(total))
