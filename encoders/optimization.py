"""Latent optimisation: search the code whose rendering matches a picture.

Reference: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020, section 5 and appendix D, in
the form of SemanticStyleGAN's released inversion script (W+, Adam, cosine ramps, no noise autocorrelation term).
Departures: a batch of pictures is optimised at once, each by its own loss; the perceptual term comes from the domain;
an optional term asks that the segmentation agree with what a parser sees in the picture, so that each region's pixels
are explained by that region's rows, as region edits need.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from semedit.config import Config
from semedit.data.source import one_hot_masks
from semedit.domains.base import PerceptualMetric
from semedit.errors import ConfigError, ImageError
from semedit.generator import SemanticGenerator
from semedit.images import quantise
from semedit.perceptual import mse, psnr
from semedit.protocols import Inversion


class OptimizationConfig(Config):
    """Options of the search; the defaults are those of the official script."""

    noun: ClassVar[str] = "inversion options"

    steps: int = Field(400, ge=1)
    lr: float = Field(0.1, gt=0)
    space: Literal["w", "w+"] = "w+"
    perceptual_weight: float = Field(1.0, ge=0)
    mse_weight: float = Field(0.1, ge=0)
    mean_weight: float = Field(1.0, ge=0, description="pull towards the mean code")
    noise_weight: float = Field(10.0, ge=0, description="mean square of the noise maps, when they are optimised")
    optimize_noise: bool = False
    labels_weight: float = Field(0.0, ge=0, description="mean squared difference of the segmentation from a parser's")


#: Options for drawn portraits, whose feature distance has another scale than LPIPS: pixels count for more.
PORTRAITS_OPTIONS = OptimizationConfig(
    steps=300, lr=0.05, mse_weight=4.0, perceptual_weight=1.0, mean_weight=0.4, labels_weight=0.3
)


def ramp(t: float, up: float = 0.05, down: float = 0.25) -> float:
    """Learning-rate factor r(t), t in [0, 1]: up over 5 %, flat, cosine down over 25 %."""
    return (0.5 - 0.5 * math.cos(math.pi * min(1.0, (1.0 - t) / down))) * min(1.0, t / up)


@dataclass(frozen=True)
class Goal:
    """What the search is after: picture (B, 3, H, W), mean code (1, D), and masks (B, R, H, W) in {-1, 1} or None."""

    picture: Tensor
    mean: Tensor
    masks: Tensor | None


class OptimizationInverter:
    """Inverts pictures by optimising W or W+ codes.

    ``perceptual`` is a differentiable distance with a protocol id (semedit.domains.base.PerceptualMetric); ``parser``
    maps pictures (B, 3, H, W) to label maps (B, H, W), and is needed when ``labels_weight`` is not 0.
    """

    def __init__(
        self,
        generator: SemanticGenerator,
        perceptual: PerceptualMetric,
        config: OptimizationConfig | None = None,
        parser: Callable[[Tensor], Tensor] | None = None,
    ):
        self.generator, self.perceptual, self.parser = generator, perceptual, parser
        self.config = config or OptimizationConfig()
        if self.config.labels_weight and parser is None:
            raise ConfigError("labels_weight needs a parser")

    def terms(self, codes: Tensor, goal: Goal, noise: list[Tensor]) -> dict[str, Tensor]:
        """Loss terms (B,) of codes (B, L, D), unweighted."""
        out = self.generator(codes, noise=noise)
        found = {
            "perceptual": self.perceptual.distance(out.image, goal.picture),
            "mse": mse(out.image, goal.picture),
            "mean": (codes - goal.mean[:, None]).square().mean((1, 2)),
            "noise": torch.stack([n.square().mean() for n in noise]).mean().expand(len(codes)),
        }
        if goal.masks is not None:
            found["labels"] = mse(out.segmentation, goal.masks)
        return found

    def goal(self, target: Tensor) -> Goal:
        """The goal of pictures (B, 3, H, W) at the generator's size; they are parsed if labels count."""
        masks = None
        if self.config.labels_weight and self.parser is not None:
            masks = one_hot_masks(self.parser(target), self.generator.config.regions)
        return Goal(target, self.generator.mean_w(), masks)

    def weigh(self, terms: dict[str, Tensor]) -> Tensor:
        config = self.config
        loss = config.perceptual_weight * terms["perceptual"] + config.mse_weight * terms["mse"]
        loss = loss + config.mean_weight * terms["mean"] + config.noise_weight * terms["noise"]
        return loss + config.labels_weight * terms["labels"] if "labels" in terms else loss

    def invert(self, images: Tensor, progress: Callable[[int, int], None] | None = None) -> Inversion:
        """Find the codes of pictures (B, 3, H, W) in [-1, 1]; other sizes are resized to the generator's.

        The search starts from the mean code. ``history`` holds one dict of batch means a step. Raises ImageError for a
        tensor of another shape.
        """
        if images.dim() != 4 or images.shape[1] != 3:
            raise ImageError(f"pictures of shape {tuple(images.shape)}; (B, 3, H, W) is wanted")
        began, generator, config = time.monotonic(), self.generator, self.config
        size = generator.config.size
        target = images.to(generator.device)
        if target.shape[-2:] != (size, size):
            target = F.interpolate(target, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
        goal = self.goal(target)
        rows = 1 if config.space == "w" else generator.layout.rows
        codes = goal.mean[:, None].repeat(len(target), rows, 1).requires_grad_()
        noise = [n.clone().requires_grad_(config.optimize_noise) for n in generator.render.noise_buffers()]
        optimiser = torch.optim.Adam([codes, *(noise if config.optimize_noise else [])], lr=config.lr)
        history: list[dict[str, float]] = []
        for step in range(config.steps):
            optimiser.param_groups[0]["lr"] = config.lr * ramp(step / config.steps)
            wplus = codes.expand(-1, generator.layout.rows, -1)
            terms = self.terms(wplus, goal, noise)
            loss = self.weigh(terms)
            optimiser.zero_grad(set_to_none=True)
            loss.sum().backward()
            optimiser.step()
            history.append({name: value.mean().item() for name, value in terms.items()})
            if progress:
                progress(step + 1, config.steps)
        return self.result(
            codes.detach().expand(-1, generator.layout.rows, -1).contiguous(), noise, target, history, began
        )

    @torch.no_grad()
    def result(self, codes: Tensor, noise: list[Tensor], target: Tensor, history: list[dict[str, float]],
               began: float) -> Inversion:  # fmt: skip
        """Render the final codes and measure what an 8-bit picture of them is worth."""
        reconstruction = self.generator(codes, noise=noise).image
        shown = quantise(reconstruction)
        metrics = {
            "mse": mse(shown, target),
            "psnr": psnr(shown, target),
            "perceptual": self.perceptual.distance(shown, target),
        }
        protocols = {"mse": "mse[-1,1]", "psnr": "psnr", "perceptual": self.perceptual.protocol}
        details = {"noise": [n.detach() for n in noise]} if self.config.optimize_noise else {}
        seconds = (time.monotonic() - began) / len(codes)
        latent = self.generator.latent(codes)
        return Inversion(latent, reconstruction, target, history, metrics, protocols, seconds, details)
