"""The contracts between the parts: what a generator returns, what an inverter and an editor must do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch
from torch import Tensor

if TYPE_CHECKING:
    from semedit.generator import SemanticGenerator
    from semedit.latent import Latent


@dataclass(frozen=True)
class Synthesis:
    """What one call of a generator puts out.

    image (B, 3, H, W), about [-1, 1]; segmentation (B, R, H, W), unbounded, its argmax is the label map;
    coarse_segmentation (B, R, h, w) in [-1, 1]; depths (B, R, h, w), zero for the background.
    """

    image: Tensor
    segmentation: Tensor
    coarse_segmentation: Tensor
    depths: Tensor

    @property
    def labels(self) -> Tensor:
        """Label map (B, H, W), int64."""
        return self.segmentation.argmax(1)

    @classmethod
    def cat(cls, parts: "list[Synthesis]") -> "Synthesis":
        """One batch of several."""
        return cls(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def __getitem__(self, index: slice) -> "Synthesis":
        """Some of the pictures."""
        return Synthesis(*(getattr(self, field.name)[index] for field in fields(self)))


@dataclass(frozen=True)
class Inversion:
    """A picture's code and how well it gives the picture back.

    latent: B codes; reconstruction and target (B, 3, H, W) in [-1, 1]; history: one dict of loss terms a step;
    metrics: name -> per-image values (B,); protocols: metric name -> protocol id; seconds: per image; trajectory: the
    W+ codes (T, B, L, D) of the way, start included; stopped: for each picture "target" or "budget", where a search
    ended it; tuned: a generator for each picture, where pivotal tuning made one.
    """

    latent: "Latent"
    reconstruction: Tensor
    target: Tensor
    history: list[dict[str, float]]
    metrics: Mapping[str, Tensor]
    protocols: Mapping[str, str]
    seconds: float
    trajectory: Tensor | None = None
    stopped: tuple[str, ...] = ()
    tuned: "tuple[SemanticGenerator, ...]" = ()
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

    def edit(self, latent: "Latent", strength: float, regions: str | None = None) -> "Latent": ...


@runtime_checkable
class Inverter(Protocol):
    """images (B, 3, H, W) in [-1, 1] at the generator's size -> Inversion. ``progress`` receives (step, steps)."""

    @property
    def method(self) -> str: ...

    def invert(self, images: Tensor, progress: Callable[[int, int], None] | None = None) -> Inversion: ...
