"""An inversion on its way, whatever its method, and the result that all methods return."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

from semedit.domains.base import PerceptualMetric
from semedit.errors import ImageError
from semedit.metrics.pixels import mse, psnr
from semedit.networks.style_based import StyleBasedGenerator
from semedit.networks.synthesis import Rendering
from semedit.pictures.tensors import quantise
from semedit.protocols import Inversion
from semedit.storage.tensors import check_finite

Progress = Callable[[int, int], None]


@dataclass
class Search:
    """An inversion on its way: what is searched for, since when, and what is known of how it went."""

    generator: StyleBasedGenerator
    target: Tensor
    began: float = field(default_factory=time.monotonic)
    trajectory: list[Tensor] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)

    @classmethod
    def begin(cls, generator: StyleBasedGenerator, images: Tensor) -> Self:
        """A search for pictures (B, 3, H, W) in [-1, 1]; other sizes are resized to the generator's.

        Raises ImageError for a tensor of another shape, or with NaN or infinite values.
        """
        if images.dim() != 4 or images.shape[1] != 3 or not images.numel() or not images.is_floating_point():
            raise ImageError(f"pictures of shape {tuple(images.shape)}; (B, 3, H, W) is wanted")
        check_finite({"pictures": images}, "a picture", ImageError)
        target, size = images.to(generator.device), generator.config.size
        if target.shape[-2:] != (size, size):
            target = F.interpolate(target, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
        return cls(generator, target)

    def note(self, codes: Tensor) -> None:
        """One more step of the trajectory: codes (B, L, D)."""
        self.trajectory.append(codes.detach().clone())

    @torch.no_grad()
    def finish(
        self,
        codes: Tensor,
        perceptual: PerceptualMetric,
        *,
        noise: tuple[Tensor, ...] = (),
        stopped: tuple[str, ...] = (),
        tuned: tuple[StyleBasedGenerator, ...] = (),
    ) -> Inversion:
        """Render the final codes (B, L, D), with ``noise`` if it was optimised, and measure what 8-bit pictures of them
        are worth."""
        if tuned:
            synthesis = Rendering.cat([g(codes[i : i + 1]) for i, g in enumerate(tuned)])
        else:
            synthesis = self.generator(codes, noise=list(noise) or "const")
        shown = quantise(synthesis.image)
        return Inversion(
            latent=self.generator.latent(codes.detach().contiguous()),
            synthesis=synthesis,
            target=self.target,
            history=self.history,
            metrics={
                "mse": mse(shown, self.target),
                "psnr": psnr(shown, self.target),
                "perceptual": perceptual.distance(shown, self.target),
            },
            protocols={"mse": "mse[-1,1]", "psnr": "psnr", "perceptual": perceptual.protocol},
            seconds=(time.monotonic() - self.began) / len(codes),
            trajectory=torch.stack(self.trajectory),
            stopped=stopped,
            tuned=tuned,
            noise=noise,
        )
