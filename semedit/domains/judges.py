"""Who scores: one rule for attributes, perceptual distances and words alike.

A score never comes from the network that labelled the samples which an editor learnt from, or that a loss used: what
was optimised finds itself improved. A domain has a judge of each kind, of an architecture and a seed of its own, which
nothing learns from. Where one is missing, the optimised network scores in its place, and every id says so.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor, nn

from semedit.domains.base import Domain, PerceptualMetric
from semedit.errors import ConfigError, MissingWeights
from semedit.metrics.attributes import AttributeScorer, Scorer
from semedit.metrics.clip import Clip
from semedit.metrics.features import DomainFeatures
from semedit.metrics.placed import placed

#: What marks the figures of a network that was optimised.
OPTIMISED = "optimised"


class Measuring(Protocol):
    """A network of measures, with its protocol id."""

    @property
    def protocol(self) -> str: ...

    def to(self, device: torch.device) -> Self: ...


class Named(Protocol):
    """Something with a protocol id."""

    @property
    def protocol(self) -> str: ...


def named_by(metric: str, protocol: str) -> str:
    """The name of a figure under a protocol id: it ends in OPTIMISED where the network that gave it was."""
    optimised = protocol.endswith(f"({OPTIMISED})") and not metric.endswith(OPTIMISED)
    return f"{metric}_{OPTIMISED}" if optimised else metric


N = TypeVar("N", bound=Measuring)
S = TypeVar("S", bound=Named, covariant=True)
T = TypeVar("T", bound=Named)


@dataclass(frozen=True)
class Judge(Generic[S]):
    """A network that scores; ``optimised`` where samples were labelled or losses computed by it."""

    network: S
    optimised: bool = False

    @property
    def protocol(self) -> str:
        """The network's protocol id, marked if it was optimised."""
        return f"{self.network.protocol} ({OPTIMISED})" if self.optimised else self.network.protocol

    def named(self, metric: str) -> str:
        """The name of a figure of this network: that of an optimised one ends in OPTIMISED."""
        return named_by(metric, self.protocol)


@dataclass(frozen=True)
class Panel(Generic[S]):
    """The networks of one kind that may speak: ``first`` scores, those ``beside`` it were optimised.

    Where there is no judge, ``first`` was optimised too, and ``missing`` says why.
    """

    first: Judge[S]
    beside: tuple[Judge[S], ...] = ()
    missing: str = ""

    @property
    def guide(self) -> Judge[S] | None:
        """The network that was optimised; None where only a judge is there."""
        return next((one for one in self if one.optimised), None)

    def __iter__(self) -> Iterator[Judge[S]]:
        return iter((self.first, *self.beside))

    def each(self, made: Callable[[S], T]) -> "Panel[T]":
        """The same panel of what ``made`` makes of each network."""
        first, *beside = (Judge(made(one.network), one.optimised) for one in self)
        return Panel(first, tuple(beside), self.missing)


def panel(used: Sequence[Callable[[], N]], judges: Sequence[Callable[[], N]], device: torch.device) -> Panel[N]:
    """Who scores where samples were labelled, or losses computed, by the networks that ``used`` opens.

    The first of ``judges`` that is there, and is none of them, scores. Raises MissingWeights if no network is there.
    """
    found: list[N] = []
    absent: list[MissingWeights] = []
    for load in used:
        try:
            one = load()
        except MissingWeights as error:
            absent.append(error)
        else:
            found += [one] if not any(one is other for other in found) else []
    beside = tuple(Judge(placed(one, device), optimised=True) for one in found)
    reasons = []
    for load in judges:
        try:
            judge = load()
        except MissingWeights as error:
            reasons.append(str(error))
            continue
        if not any(alike(judge, one) for one in found):
            return Panel(Judge(placed(judge, device)), beside)
        reasons.append(f"the judge {judge.protocol} is the network that was optimised")
    if not beside:
        raise absent[0] if absent else MissingWeights(reasons[0])
    return Panel(beside[0], beside[1:], "; ".join(reasons))


def alike(one: Any, other: Any) -> bool:
    """Whether two objects are one network: the same object, or one whose network has the same weights."""
    if one is other:
        return True
    networks = [getattr(x, "network", None) for x in (one, other)]
    if not all(isinstance(network, nn.Module) for network in networks):
        return False
    mine, theirs = (network.state_dict() for network in networks)  # type: ignore[union-attr]
    return mine.keys() == theirs.keys() and all(
        mine[name].shape == theirs[name].shape and torch.equal(mine[name].cpu(), theirs[name].cpu()) for name in mine
    )


def perceptual_panel(domain: Domain, device: torch.device) -> Panel[PerceptualMetric]:
    """Who measures perceptual distances: searches, encoders and generators learn by the domain's own networks."""
    return panel((domain.perceptual, domain.perceptual_training), (domain.perceptual_judge,), device)


@torch.no_grad()
def judged_distances(domain: Domain, a: Tensor, b: Tensor) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Perceptual distances (B,) of pictures, and their protocol ids: "perceptual" of who scores, and where that is a
    judge, "perceptual_optimised" of the network that guided."""
    found = perceptual_panel(domain, a.device)
    named = {"perceptual": found.first}
    if found.beside:
        named[found.beside[0].named("perceptual")] = found.beside[0]
    values = {name: one.network.distance(a, b) for name, one in named.items()}
    return values, {name: one.protocol for name, one in named.items()}


def feature_panel(domain: Domain, device: torch.device) -> Panel[DomainFeatures]:
    """Who embeds and parses pictures: generators are taught by distances in the domain's own features."""
    return panel((domain.features,), (domain.features_judge,), device)


def attribute_panel(domain: Domain, device: torch.device) -> Panel[AttributeScorer]:
    """Who scores attributes: the domain's classifier labelled what editors were learnt from."""
    return panel((domain.attributes,), (domain.attributes_judge,), device)


def clip_panel(domain: Domain, device: torch.device, used: Clip | None = None, prompt: str = "") -> Panel[Clip]:
    """Who says how well pictures and words agree where ``used`` (default: the domain's CLIP) was optimised.

    Another CLIP is judged by the domain's judge, or else by the domain's own; neither judges a ``prompt`` that is too
    long for it.
    """
    if used is None:
        made = panel((domain.clip,), (domain.clip_judge,), device)
    else:
        made = panel((lambda: used,), (domain.clip_judge, domain.clip), device)
    if prompt and made.beside:
        try:
            made.first.network.embed_text((prompt,))
        except ConfigError as error:
            return Panel(made.beside[0], made.beside[1:], str(error))
    return made


#: Scorers of one attribute, by classifier or by words.
ScorerPanel = Panel[Scorer]
