"""StyleCLIP by latent optimisation: the rows of chosen regions are moved until CLIP finds a prompt in the picture.

Reference: Patashnik et al., "StyleCLIP: Text-Driven Manipulation of StyleGAN Imagery", 2021, section 4,
https://arxiv.org/abs/2103.17249, and its use in SemanticStyleGAN (Shi et al. 2022, figure 11). Followed: the loss, the
L2 term as a sum, the learning-rate schedule, the published preparation of pictures (no CLIP normalisation), fixed
noise. Departures: only the chosen rows are optimised; a batch is optimised at once, each code by itself; the code after
the last update is taken; an identity budget may end the search; the search may begin at the best of some random rows.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from directions.masking import limit_to_regions
from semedit.config import Config, check_strength
from semedit.domains.base import IdentityMetric
from semedit.errors import ConfigError
from semedit.latents.latent import Latent
from semedit.latents.placement import PLACEMENTS
from semedit.latents.truncation import TRUNCATION
from semedit.metrics.clip import Clip
from semedit.metrics.placed import placed
from semedit.networks.style_based import StyleBasedGenerator
from semedit.protocols import Bundle
from semedit.training.engine.schedule import ramp

#: The generator's options for codes whose regions were moved.
Options = Mapping[str, Any]


class StyleClipConfig(Config):
    """Options of the optimisation; the defaults are those of StyleCLIP's script."""

    noun: ClassVar[str] = "StyleCLIP options"

    steps: int = Field(300, ge=1)
    lr: float = Field(0.1, gt=0, description="peak of the schedule: up over 5 % of the steps, down over the last 25 %")
    l2_weight: float = Field(0.008, ge=0, description="weight of the squared distance from the start, a sum")
    identity_weight: float = Field(0.0, ge=0, description="weight of 1 - identity similarity with the start")
    preprocess: Literal["official", "correct"] = "official"
    candidates: int = Field(0, ge=0, description="random codes whose rows are tried as beginnings; 0 as published")
    identity_budget: float | None = Field(None, gt=0, description="loss of identity at which a picture is stopped")


#: Options in which a domain departs from the script's. The small CLIP of drawn portraits needs candidates: from brown
#: hair a search alone ends at black or red, whatever the prompt. Among many of them one is near what is asked for, and
#: a short search ends there; a long one finds what pleases this CLIP and nobody else (spots on cheeks, halos).
DOMAIN_OPTIONS: dict[str, dict[str, Any]] = {
    "portraits": {"candidates": 256, "steps": 8, "lr": 0.01, "l2_weight": 0.0003}
}


class StyleClip:
    """An editor towards one prompt or several at once (their losses are summed). ``progress`` counts a search's steps.

    The history of each edited code says what ended its search, "steps" or, where the budget did, "identity", under
    "stopped". After ``edit``: ``stopped_``, the same for the batch; ``losses_``, one dict of summed loss terms for each
    step of the last search, none where a strength of 0 asked for no search.
    """

    def __init__(
        self,
        prompts: str | tuple[str, ...],
        generator: StyleBasedGenerator,
        clip: Clip,
        identity: IdentityMetric | None = None,
        config: StyleClipConfig | None = None,
        progress: Callable[[int, int], None] | None = None,
    ):
        self.prompts = (prompts,) if isinstance(prompts, str) else tuple(prompts)
        self.generator, self.clip, self.identity = generator, clip, identity
        self.config, self.progress = config or StyleClipConfig(), progress
        if identity is None and (self.config.identity_weight or self.config.identity_budget):
            raise ConfigError("an identity term or budget needs an identity network, and none was given")
        self.text = clip.embed_text(self.prompts)
        self.regions_ = "all"
        # The last search: other strengths need no new one.
        self._found: tuple[Tensor, list[int], list[Any], Tensor] | None = None

    @classmethod
    def of_model(
        cls, model: Bundle, prompt: str, clip: Clip | None = None, overrides: list[str] | None = None,
        progress: Callable[[int, int], None] | None = None, **options: Any,
    ) -> "StyleClip":  # fmt: skip
        """The editor of a model, with its domain's CLIP, identity network for losses, and options."""
        defaults = DOMAIN_OPTIONS.get(model.domain.name, {})
        config = StyleClipConfig(**{**defaults, **options}).with_overrides(overrides or [])
        device = model.generator.device
        wanted = config.identity_weight or config.identity_budget
        identity = placed(model.domain.identity_loss(), device) if wanted else None
        return cls(prompt, model.generator, placed(clip or model.domain.clip(), device), identity, config, progress)

    def edit(self, latent: Latent, strength: float, regions: str | None = None) -> Latent:
        """Optimise the rows of ``regions`` (default: all); ``strength`` goes that share of the way, or further.

        Codes (B) of a batch are optimised side by side. All other rows stay bit-identical; 0 changes nothing.
        """
        check_strength(strength)
        regions = regions or self.regions_
        event = {
            "method": "styleclip",
            "text": " + ".join(self.prompts),
            "strength": strength,
            "regions": regions,
        }
        start = latent.wplus()
        if strength == 0:
            if self._found is None:
                self._begin(len(latent))
            return limit_to_regions(latent, start, regions).edited_from(latent, **event)
        rows = list(latent.rows(regions))
        places = [past.metadata.get(PLACEMENTS) for past in latent.pasts]
        known = self._found and self._found[1:3] == (rows, places) and torch.equal(self._found[0], start.data)
        if not self._found or not known:
            where = self.generator.placing(latent, start.data.device)
            self._found = (start.data, rows, places, self.search(start.data, rows, where))
        found = self._found[3]
        moved = torch.lerp(start.data[:, rows], found, strength)
        edited = latent.with_rows(start.data.index_copy(1, torch.tensor(rows), moved), tuple(rows))
        return edited.edited_each(latent, [{**event, "stopped": why} for why in self.stopped_])

    def _begin(self, batch: int) -> None:
        """The record of a search of no steps."""
        self.losses_: list[dict[str, float]] = []
        self.stopped_: tuple[str, ...] = ("steps",) * batch

    def loss(self, image: Tensor) -> Tensor:
        """The CLIP loss (B,): 1 - cosine of picture and prompt, summed over the prompts."""
        return (1 - self.clip.embed(image, self.config.preprocess) @ self.text.T).sum(1)

    @torch.no_grad()
    def beginning(self, start: Tensor, rows: list[int], where: Options | None = None, seed: int = 0) -> Tensor:
        """The rows (B, K, D) at which the search begins: each code's own, or those of the random code that suit best.

        A small CLIP sees nothing between two colours, so that a search from one may never come to the other.
        """
        own, config = start[:, rows].detach().clone(), self.config
        if not config.candidates:
            return own
        z = torch.randn(
            config.candidates, self.generator.config.style_dim, generator=torch.Generator().manual_seed(seed)
        )
        w = (
            self.generator.latent(self.generator.mapping(z.to(start)))
            .truncate(self.generator.mean_w(), TRUNCATION)
            .data
        )
        for index, code in enumerate(start):
            tried = code.repeat(config.candidates + 1, 1, 1)
            tried[1:, rows] = w[:, None]
            far = (tried[:, rows] - own[index]).square().sum((1, 2))
            at = {name: value[index : index + 1] for name, value in (where or {}).items()}
            images = []
            for part in tried.split(16):
                if self.progress:  # no step is done, but whoever hears of it may want to stop
                    self.progress(0, config.steps)
                own_options = {name: value.expand(len(part), *value.shape[1:]) for name, value in at.items()}
                images.append(self.generator(part, **own_options).image)
            image = torch.cat(images)
            own[index] = tried[int((self.loss(image) + config.l2_weight * far).argmin()), rows]
        return own

    @torch.enable_grad()
    def search(self, start: Tensor, rows: list[int], where: Options | None = None) -> Tensor:
        """The chosen rows (B, K, D) of codes (B, L, D) after the optimisation; ``where`` are the generator's
        options for them, if regions were moved."""
        where = where or {}
        config, index = self.config, torch.tensor(rows, device=start.device)
        origin = start[:, rows].detach()
        if self.progress:  # the choice of a beginning takes a while
            self.progress(0, config.steps)
        code = self.beginning(start, rows, where).requires_grad_(True)
        best = origin.clone()
        spent = torch.zeros(len(start), dtype=torch.bool, device=start.device)
        with torch.no_grad():
            before = self.generator(start, **where).image
        optimiser = torch.optim.Adam([code], lr=config.lr)
        self._begin(len(start))
        for step in range(config.steps):
            optimiser.param_groups[0]["lr"] = config.lr * ramp(step / config.steps)
            image = self.generator(start.index_copy(1, index, code), **where).image
            terms = {"clip": self.loss(image), "l2": (code - origin).square().sum((1, 2))}
            weights = {"clip": 1.0, "l2": config.l2_weight, "identity": config.identity_weight}
            if self.identity is not None:
                terms["identity"] = 1 - self.identity.identity(image, before)
                if config.identity_budget is not None:
                    spent |= terms["identity"].detach() > config.identity_budget
                    if spent.all():
                        break
            best = torch.where(spent[:, None, None], best, code.detach())
            loss = torch.stack([weights[name] * term.sum() for name, term in terms.items()]).sum()
            (code.grad,) = torch.autograd.grad(loss, [code])
            optimiser.step()
            self.losses_.append({name: term.sum().item() for name, term in terms.items()})
            if self.progress:
                self.progress(step + 1, config.steps)
        self.stopped_ = tuple("identity" if one else "steps" for one in spent.tolist())
        return torch.where(spent[:, None, None], best, code.detach())
