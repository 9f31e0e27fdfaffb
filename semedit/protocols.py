"""The contracts between the parts: what inverters and editors take, what they must do, what an inversion is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from semedit.domains.base import Domain
from semedit.latents.latent import Latent
from semedit.metrics.attributes import Scorer
from semedit.networks.generator import SemanticGenerator
from semedit.networks.synthesis import Synthesis


@dataclass(frozen=True)
class Inversion:
    """A picture's code and how well it gives the picture back.

    latent: B codes; reconstruction and target (B, 3, H, W) in [-1, 1]; history: one dict of loss terms a step;
    metrics: name -> per-image values (B,); protocols: metric name -> protocol id; seconds: per image; trajectory: the
    W+ codes (T, B, L, D) of the way, start included; stopped: for each picture "target" or "budget", where a search
    ended it; tuned: a generator for each picture, where pivotal tuning made one.
    """

    latent: Latent
    reconstruction: Tensor
    target: Tensor
    history: list[dict[str, float]]
    metrics: Mapping[str, Tensor]
    protocols: Mapping[str, str]
    seconds: float
    trajectory: Tensor | None = None
    stopped: tuple[str, ...] = ()
    tuned: tuple[SemanticGenerator, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def single(self, index: int, **metadata: Any) -> "Inversion":
        """The inversion of one picture of the batch, with ``metadata`` added to its latent."""
        chosen = slice(index, index + 1)
        return replace(
            self,
            latent=self.latent[index].annotated(**metadata),
            reconstruction=self.reconstruction[chosen],
            target=self.target[chosen],
            metrics={name: value[chosen] for name, value in self.metrics.items()},
            trajectory=None if self.trajectory is None else self.trajectory[:, chosen],
            stopped=self.stopped[chosen],
            tuned=self.tuned[chosen],
        )


@runtime_checkable
class Editor(Protocol):
    """latent -> edited latent. ``strength`` 0 is the identity, bit for bit; only the chosen regions' rows change.

    ``regions`` is the text of ``--regions`` (RegionTable.select); None means the editor's own choice.
    """

    def edit(self, latent: Latent, strength: float, regions: str | None = None) -> Latent: ...


@runtime_checkable
class Inverter(Protocol):
    """images (B, 3, H, W) in [-1, 1] at the generator's size -> Inversion. ``progress`` receives (step, steps)."""

    @property
    def method(self) -> str: ...

    def invert(self, images: Tensor, progress: Callable[[int, int], None] | None = None) -> Inversion: ...


class Bundle(Protocol):
    """What methods of inversion and editing take from the user's model."""

    generator: SemanticGenerator
    domain: Domain

    @property
    def refiner(self) -> Any:
        """The encoder with the generator that it reads for. Raises MissingWeights if there is none."""
        ...

    def sample(self, count: int, seed: int = 0, psi: float = 0.7) -> Latent:
        """``count`` random codes in W (B, D), truncated towards the mean by ``psi`` (1 leaves them)."""
        ...

    def synthesise(self, latent: Latent) -> Synthesis:
        """Render codes. LatentError for codes of another generator."""
        ...

    def scorer(self, attr: str, prompts: tuple[str, ...] | None = None) -> Scorer | None:
        """What scores an attribute: the domain's classifier, or else prompts; None where neither is at hand."""
        ...
