"""Latent optimisation: search the code whose rendering matches a picture.

Reference: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020, section 5 and appendix D, in
the form of SemanticStyleGAN's released inversion script (W+, Adam, cosine ramps, no noise autocorrelation term).
Departures: a batch of pictures is optimised at once, each by its own loss; the perceptual term comes from the domain;
an optional term asks that the segmentation agree with what a parser sees in the picture, so that each region's pixels
are explained by that region's rows, as region edits need; a picture that has reached its targets is left alone.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import torch
from pydantic import Field
from torch import Tensor

from encoders.measures import Measures, need
from encoders.search import Progress, Search
from semedit.config import Config
from semedit.metrics.pixels import mse
from semedit.networks.precision import Precision, cast
from semedit.networks.style_based import StyleBasedGenerator
from semedit.pictures.tensors import one_hot_masks
from semedit.protocols import Bundle, Inversion
from semedit.training.engine.schedule import ramp


class OptimizationConfig(Config):
    """Options of the search; the defaults are those of the official script."""

    noun: ClassVar[str] = "inversion options"

    steps: int = Field(400, ge=1, description="the budget: optimisation steps at most")
    lr: float = Field(0.1, gt=0)
    space: Literal["w", "w+"] = "w+"
    perceptual_weight: float = Field(1.0, ge=0)
    mse_weight: float = Field(0.1, ge=0)
    mean_weight: float = Field(1.0, ge=0, description="pull towards the mean code")
    noise_weight: float = Field(10.0, ge=0, description="mean square of the noise maps, when they are optimised")
    identity_weight: float = Field(0.0, ge=0, description="1 - similarity, by the network that losses use")
    labels_weight: float = Field(0.0, ge=0, description="mean squared difference of the segmentation from a parser's")
    optimize_noise: bool = False
    target_perceptual: float | None = Field(None, ge=0, description="stop once the perceptual distance is as small")
    target_id: float | None = Field(None, ge=-1, le=1, description="stop once the identity similarity is as large")

    @property
    def targeted(self) -> bool:
        return self.target_perceptual is not None or self.target_id is not None


@dataclass(frozen=True)
class Goal:
    """What the search is after: picture (B, 3, H, W), mean code (1, D), and masks (B, R, H, W) in {-1, 1} or None."""

    picture: Tensor
    mean: Tensor
    masks: Tensor | None


class OptimizationInverter:
    """Inverts pictures by optimising W or W+ codes, from the mean code or from codes that are given.

    ``precision`` "bf16" renders and compares in autocast; codes, losses and the result's own rendering stay in float32.
    """

    method = "optimize"
    options: ClassVar[type[OptimizationConfig]] = OptimizationConfig

    def __init__(self, generator: StyleBasedGenerator, measures: Measures, config: OptimizationConfig | None = None,
                 precision: Precision = "fp32"):  # fmt: skip
        self.generator, self.measures, self.precision = generator, measures, precision
        self.config = config = config or OptimizationConfig()
        if config.labels_weight:
            need(measures.parser, "a parser", "labels_weight")
            need(generator.regions or None, "a generator with regions", "labels_weight")
        if config.identity_weight:
            need(measures.identity_loss, "the identity network of losses", "identity_weight")
        if config.target_id is not None:
            need(measures.identity, "an identity network", "target_id")

    @classmethod
    def for_model(cls, model: Bundle, config: OptimizationConfig) -> Self:
        """The inverter of a model, with what its options need. Raises MissingWeights."""
        return cls(model.generator, measures_for(model, config), config, model.precision)

    def terms(self, codes: Tensor, goal: Goal, noise: list[Tensor]) -> tuple[dict[str, Tensor], Tensor]:
        """Loss terms (B,) of codes (B, L, D), unweighted, and their pictures (B, 3, H, W)."""
        with cast(self.precision, codes.device):
            out = self.generator(codes, noise=noise)
            perceptual = self.measures.perceptual.distance(out.image, goal.picture).float()
        found = {
            "perceptual": perceptual,
            "mse": mse(out.image, goal.picture),
            "mean": (codes - goal.mean[:, None]).square().mean((1, 2)),
            "noise": torch.stack([n.square().mean() for n in noise]).mean().expand(len(codes)),
        }
        if self.config.identity_weight and self.measures.identity_loss:
            found["identity"] = 1 - self.measures.identity_loss.identity(out.image, goal.picture)
        if goal.masks is not None:
            found["labels"] = mse(out.segmentation, goal.masks)
        return found, out.image

    def goal(self, target: Tensor) -> Goal:
        """The goal of pictures (B, 3, H, W) at the generator's size; they are parsed if labels count."""
        masks = None
        if self.config.labels_weight and self.measures.parser is not None:
            masks = one_hot_masks(self.measures.parser(target), len(self.generator.regions))
        return Goal(target, self.generator.mean_w(), masks)

    def weigh(self, terms: dict[str, Tensor]) -> Tensor:
        config = self.config
        weights = {
            "perceptual": config.perceptual_weight,
            "mse": config.mse_weight,
            "mean": config.mean_weight,
            "noise": config.noise_weight,
            "identity": config.identity_weight,
            "labels": config.labels_weight,
        }
        return torch.stack([weights[name] * value for name, value in terms.items()]).sum(0)

    @torch.no_grad()
    def reached(self, perceptual: Tensor, image: Tensor, target: Tensor) -> Tensor:
        """Which pictures (B,) of a batch have reached all targets; none where there is no target."""
        config = self.config
        done = torch.full((len(target),), config.targeted, device=target.device)
        if config.target_perceptual is not None:
            done &= perceptual <= config.target_perceptual
        if config.target_id is not None and self.measures.identity:
            done &= self.measures.identity.identity(image, target) >= config.target_id
        return done

    def invert(
        self,
        images: Tensor,
        progress: Progress | None = None,
        start: Tensor | None = None,
        search: Search | None = None,
    ) -> Inversion:
        """Find the codes of pictures (B, 3, H, W) in [-1, 1]; other sizes are resized to the generator's.

        The search starts from ``start`` (B, L, D), or the mean code, and goes on with ``search`` if one has begun.
        ``history`` holds one dict of batch means a step, ``trajectory`` the codes before the first step and after each.
        Raises ImageError for a tensor of another shape.
        """
        generator, config = self.generator, self.config
        search = search or Search.begin(generator, images)
        goal = self.goal(search.target)
        rows = generator.layout.rows
        codes = goal.mean[:, None].repeat(len(search.target), 1 if config.space == "w" else rows, 1)
        if start is not None:
            codes = start.mean(1, keepdim=True) if config.space == "w" else start.clone()
        codes.requires_grad_()
        noise = [n.clone().requires_grad_(config.optimize_noise) for n in generator.noise_maps("const", 1)]
        optimiser = torch.optim.Adam([codes, *(noise if config.optimize_noise else [])], lr=config.lr)
        done = torch.zeros(len(search.target), dtype=torch.bool, device=generator.device)
        if not search.trajectory:
            search.note(codes.expand(-1, rows, -1))
        for step in range(config.steps):
            optimiser.param_groups[0]["lr"] = config.lr * ramp(step / config.steps)
            terms, pictures = self.terms(codes.expand(-1, rows, -1), goal, noise)
            done |= self.reached(terms["perceptual"].detach(), pictures, goal.picture)
            if done.all():
                break
            optimiser.zero_grad(set_to_none=True)
            self.weigh(terms).sum().backward()
            before = codes.detach().clone()
            optimiser.step()
            with torch.no_grad():
                codes.copy_(torch.where(done[:, None, None], before, codes))
            search.history.append({name: value.mean().item() for name, value in terms.items()})
            search.note(codes.expand(-1, rows, -1))
            if progress:
                progress(step + 1, config.steps)
        if config.targeted:
            done |= self.last_look(codes, goal, noise)
        stopped = tuple("target" if reached else "budget" for reached in done.tolist())
        found = tuple(n.detach() for n in noise) if config.optimize_noise else ()
        final = codes.detach().expand(-1, rows, -1).contiguous()
        return search.finish(final, self.measures.perceptual, noise=found, stopped=stopped)

    @torch.no_grad()
    def last_look(self, codes: Tensor, goal: Goal, noise: list[Tensor]) -> Tensor:
        """Whether the last step has brought pictures to their targets."""
        terms, pictures = self.terms(codes.expand(-1, self.generator.layout.rows, -1), goal, noise)
        return self.reached(terms["perceptual"], pictures, goal.picture)


def measures_for(model: Bundle, config: OptimizationConfig) -> Measures:
    """The networks that these options need, on the model's device. Raises MissingWeights."""
    return Measures.of(
        model.domain,
        model.generator.device,
        parser=config.labels_weight > 0,
        identity=config.target_id is not None,
        loss=config.identity_weight > 0,
    )
