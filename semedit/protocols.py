"""The contracts between the parts: what inverters and editors take, what they must do, what an inversion is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from torch import Tensor

from semedit.domains.base import Domain
from semedit.latents.latent import Latent
from semedit.latents.truncation import TRUNCATION
from semedit.metrics.attributes import Scorer
from semedit.networks.precision import Precision
from semedit.networks.style_based import Noise, StyleBasedGenerator
from semedit.networks.synthesis import Rendering
from semedit.pictures.alignment import Alignment


@dataclass(frozen=True)
class Inversion:
    """A picture's code and how well it gives the picture back.

    latent: B codes; synthesis: what the generator makes of them; target (B, 3, H, W) in [-1, 1]; history: one dict of
    loss terms a step; metrics: name -> per-image values (B,); protocols: metric name -> protocol id; seconds: per
    image; trajectory: the W+ codes (T, B, L, D) of the way, start included; stopped: for each picture "target" or
    "budget", where a search ended it; tuned: a generator for each picture, where pivotal tuning made one; noise: the
    maps that the search optimised besides the codes, if it did, and that the synthesis was made with; alignments: how
    each picture was cut out of its photo, where it was.
    """

    latent: Latent
    synthesis: Rendering
    target: Tensor
    history: list[dict[str, float]]
    metrics: Mapping[str, Tensor]
    protocols: Mapping[str, str]
    seconds: float
    trajectory: Tensor | None = None
    stopped: tuple[str, ...] = ()
    tuned: tuple[StyleBasedGenerator, ...] = ()
    noise: tuple[Tensor, ...] = ()
    alignments: tuple[Alignment, ...] = ()

    @property
    def reconstruction(self) -> Tensor:
        """The codes' pictures (B, 3, H, W), about [-1, 1]."""
        return self.synthesis.image

    def __repr__(self) -> str:
        means = [f"{name} {value.float().mean().item():.3g}" for name, value in self.metrics.items()]
        count = f"{len(self)} picture{'' if len(self) == 1 else 's'}"
        return f"Inversion({count}, {', '.join([*means, f'{self.seconds:.1f} s'])}, {self.latent!r})"

    def __len__(self) -> int:
        return len(self.latent)

    def __getitem__(self, index: int) -> "Inversion":
        """The inversion of one picture of the batch; its alignment joins the latent's metadata."""
        chosen, latent = slice(index, index + 1), self.latent[index]
        if self.alignments:
            latent = latent.annotated(alignment=self.alignments[index].to_json())
        return replace(
            self,
            latent=latent,
            synthesis=self.synthesis[chosen],
            target=self.target[chosen],
            metrics={name: value[chosen] for name, value in self.metrics.items()},
            trajectory=None if self.trajectory is None else self.trajectory[:, chosen],
            stopped=self.stopped[chosen],
            tuned=self.tuned[chosen],
            alignments=self.alignments[chosen],
        )


class Editor(Protocol):
    """latent -> edited latent. ``strength`` 0 is the identity, bit for bit; only the chosen regions' rows change.

    ``regions`` is the text of ``--regions`` (RegionTable.select); None means the editor's own choice.
    """

    def edit(self, latent: Latent, strength: float, regions: str | None = None) -> Latent: ...


@runtime_checkable
class PictureEditor(Editor, Protocol):
    """An editor of pictures rather than codes: no code of the generator gives what :meth:`render` shows.

    ``edit`` notes what was done, and leaves the codes as they are.
    """

    def render(self, latent: Latent, strength: float, regions: str | None = None) -> Rendering:
        """The edited pictures of codes; ``strength`` 0 gives their own, and outside ``regions`` they stay."""
        ...


class Inverter(Protocol):
    """images (B, 3, H, W) in [-1, 1] at the generator's size -> Inversion. ``progress`` receives (step, steps)."""

    @property
    def method(self) -> str: ...

    def invert(self, images: Tensor, progress: Callable[[int, int], None] | None = None) -> Inversion: ...


class Refines(Protocol):
    """An encoder with the generator that it reads for: codes come nearer to pictures step by step."""

    generator: StyleBasedGenerator

    def start(self, batch: int) -> tuple[Tensor, Tensor]:
        """The codes (B, L, D) that refinement starts from, and their pictures (B, 3, H, W)."""
        ...

    def fit(self, images: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) at the encoder's size."""
        ...

    def step(self, target: Tensor, code: Tensor, image: Tensor, noise: Noise = "const") -> tuple[Tensor, Tensor]:
        """The next codes and their pictures, of pictures at the encoder's size."""
        ...


class Bundle(Protocol):
    """What methods of inversion and editing take from the user's model."""

    generator: StyleBasedGenerator
    domain: Domain
    precision: Precision

    @property
    def refiner(self) -> Refines:
        """The encoder with the generator that it reads for. Raises MissingWeights if there is none."""
        ...

    def inverter(self, method: str | None = None) -> Inverter:
        """The inverter of a registered method. Raises UnknownName, or MissingWeights for what it needs."""
        ...

    def sample(self, count: int, seed: int = 0, psi: float = TRUNCATION) -> Latent:
        """``count`` random codes in W (B, D), truncated towards the mean by ``psi`` (1 leaves them)."""
        ...

    def synthesise(self, latent: Latent) -> Rendering:
        """Render codes. LatentError for codes of another generator."""
        ...

    def scorer(self, attr: str, prompts: tuple[str, ...] | None = None) -> Scorer | None:
        """What scores an attribute: the domain's classifier, or else prompts; None where neither is at hand."""
        ...
