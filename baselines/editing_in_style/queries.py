"""Queries: which channels an edit of a part takes over from the reference (Editing in Style, section 3.2).

The released code departs from the paper in the sequential query; both are here, by name.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from semedit.errors import ConfigError, LatentError

Convention = Literal["code", "paper"]


def everywhere(contributions: Tensor, strength: float) -> Tensor:
    """Global transfer (equation 2): ``strength`` for every channel, whatever its contribution (C,)."""
    return torch.full_like(contributions, strength)


def simultaneous(contributions: Tensor, strength: float) -> Tensor:
    """q (C,) = min(1, strength M), of a part's contributions M (C,) (equation 4)."""
    return (strength * contributions).clamp(max=1.0)


def sequential(contributions: Tensor, rho: float, epsilon: float, *, convention: Convention = "code") -> Tensor:
    """q (C,) of zeros and ones: the channels of largest M, while what they change outside stays within a budget.

    Channels are taken in descending order of M as long as the sum of their 1 - M, their own included, is smaller than
    ``epsilon``. As in the released code, those of M not larger than ``rho`` are left out. The "paper" has the sum no
    larger than epsilon, and leaves out those of M not larger than rho / (1 + rho) (equation 5).
    Raises ConfigError for another convention.
    """
    if convention not in ("code", "paper"):
        raise ConfigError(f"the conventions are 'code' and 'paper', not '{convention}'")
    order = torch.argsort(contributions, descending=True, stable=True)
    spent = (1 - contributions[order]).cumsum(0)
    within = spent < epsilon if convention == "code" else spent <= epsilon
    chosen = torch.zeros_like(contributions).index_copy(0, order, within.to(contributions))
    threshold = rho if convention == "code" else rho / (1 + rho)
    return torch.where(contributions > threshold, chosen, 0.0)


def sequential_layers(
    contributions: Sequence[Tensor], rho: float | Sequence[float], epsilon: float | Sequence[float],
    *, convention: Convention = "code",
) -> tuple[Tensor, ...]:  # fmt: skip
    """Sequential queries (C_l,) of all layers, of a part's contributions (C_l,) in each.

    In the "code" each layer has a budget of its own, and rho and epsilon may be lists; in the "paper" one budget is for
    the channels of all layers together. Raises ConfigError for lists of another length, or where one budget is wanted.
    """
    if convention == "paper":
        if not isinstance(rho, (int, float)) or not isinstance(epsilon, (int, float)):
            raise ConfigError("by the paper's convention all layers share one rho and one epsilon")
        joint = sequential(torch.cat(list(contributions)), rho, epsilon, convention=convention)
        return joint.split([len(layer) for layer in contributions])
    count = len(contributions)
    pairs = zip(contributions, one_each(rho, count), one_each(epsilon, count), strict=True)
    return tuple(sequential(layer, r, e, convention=convention) for layer, r, e in pairs)


def one_each(value: float | Sequence[float], count: int) -> tuple[float, ...]:
    """A number for each of ``count`` layers. Raises ConfigError for a list of another length."""
    values = (value,) * count if isinstance(value, (int, float)) else tuple(value)
    if len(values) != count:
        raise ConfigError(f"{len(values)} numbers for {count} layers; one for all, or one for each")
    return values


def interpolate(target: Tensor, reference: Tensor, query: Tensor, *, bias: bool = False) -> Tensor:
    """target + q (reference - target), channel by channel (equation 3); shaped like ``reference``.

    Styles are (B, C), or (B, 2, C, 1, 1), scale and bias, of which the bias stays the target's unless ``bias``. One
    target serves all references. q = 0 gives the target bit for bit, and q = 1 the reference.
    Raises LatentError for other shapes.
    """
    scales = reference.shape[-1:] if reference.dim() == 2 else reference.shape[2:3]
    if reference.dim() not in (2, 5) or target.shape[1:] != reference.shape[1:] or query.shape != scales:
        raise LatentError(
            f"styles {tuple(target.shape)} and {tuple(reference.shape)} with a query {tuple(query.shape)}; "
            f"(B, C) or (B, 2, C, 1, 1) with (C,) is wanted"
        )
    if len(target) not in (1, len(reference)):
        raise LatentError(f"{len(target)} targets for {len(reference)} references; one for all, or one for each")
    weight = query.to(reference)
    if reference.dim() == 5:
        weight = torch.stack([weight, weight if bias else torch.zeros_like(weight)])[:, :, None, None]
    start = target.expand_as(reference)
    return torch.lerp(start, reference, weight.expand_as(reference))
