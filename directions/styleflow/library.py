"""A flow over the codes of one generator, with an editor for each of its attributes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from directions.learnt_file import load_learnt
from directions.study import Study
from directions.styleflow.editor import SOURCE, TARGET, FlowEditor
from directions.styleflow.flow import ConditionalFlow, FlowConfig
from semedit.errors import LatentError, NotFitted, UnknownName
from semedit.latents.latent import Latent
from semedit.protocols import Bundle
from semedit.storage.weights import Weights, load_state, save_weights

KIND = "flow"
Labeller = Callable[[Latent], Tensor]


@dataclass(frozen=True)
class FlowReport:
    """Negative log-likelihood a feature, in nats, of the last epoch and of codes that training did not see."""

    trained: int
    held_out: int
    loss: float
    held_out_loss: float


class FlowLibrary(Mapping[str, FlowEditor]):
    """A flow over a generator's codes with an editor for each attribute.

    ``labeller`` gives the attributes (B, A) of latents that were not edited by a flow yet; models supply one that
    renders and scores.
    """

    FILE: ClassVar[str] = "flow.safetensors"

    def __init__(self, attributes: tuple[str, ...], fingerprint: str = "", labeller: Labeller | None = None):
        self.attributes, self.fingerprint, self.labeller = attributes, fingerprint, labeller
        self.scales_ = dict.fromkeys(attributes, 1.0)
        self.regions_ = dict.fromkeys(attributes, "all")
        self.studies_: dict[str, Study] = {}

    def __getitem__(self, attribute: str) -> FlowEditor:
        if attribute not in self.attributes:
            raise UnknownName("attribute of the flow", attribute, self.attributes)
        study = self.studies_.get(attribute)
        unmasked = study.unmasked_scale if study else self.scales_[attribute]
        return FlowEditor(self, attribute, self.scales_[attribute], self.regions_[attribute], unmasked)

    def __iter__(self) -> Iterator[str]:
        return iter(self.attributes)

    def __len__(self) -> int:
        return len(self.attributes)

    def fit(
        self,
        codes: Tensor,
        scores: Tensor,
        *,
        epochs: int = 10,
        batch: int = 256,
        lr: float = 1e-3,
        held_out: float = 0.1,
        seed: int = 0,
        progress: Callable[[int, int], None] | None = None,
    ) -> "FlowLibrary":
        """Learn the flow of codes (M, D) under their attributes (M, A): maximum likelihood, Adam.

        The last ``held_out`` share of the codes is measured on, not learnt from. Raises LatentError for other shapes.
        """
        if codes.dim() != 2 or scores.shape != (len(codes), len(self.attributes)):
            raise LatentError(
                f"codes {tuple(codes.shape)} with scores {tuple(scores.shape)}; (M, D) and (M, {len(self.attributes)}) "
                f"are wanted"
            )
        torch.manual_seed(seed)
        config = FlowConfig(dim=codes.shape[1], attributes=len(self.attributes))
        flow = ConditionalFlow(config.model_copy(update={"tolerance": 1e-3})).train()
        count = len(codes) - round(held_out * len(codes))
        steps, done = epochs * max(1, count // batch), 0
        optimiser = torch.optim.Adam(flow.parameters(), lr=lr)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        losses: list[float] = []
        for _ in range(epochs):
            losses = []
            for chosen in torch.randperm(count)[: max(1, count // batch) * batch].split(batch):
                loss = -flow.log_prob(codes[chosen, None], scores[chosen]).mean() / config.dim
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                schedule.step()
                losses.append(loss.item())
                done += 1
                if progress:
                    progress(done, steps)
        flow.config = config
        self.flow_ = flow.eval().requires_grad_(False)
        unseen = [-self.flow_.log_prob(c[:, None], s).mean(1) for c, s in zip(
            codes[count:].split(batch), scores[count:].split(batch), strict=True)]  # fmt: skip
        held = (torch.cat(unseen).mean() / config.dim).item() if unseen else float("nan")
        self.report_ = FlowReport(count, len(codes) - count, sum(losses) / len(losses), held)
        return self

    def check_fitted(self) -> None:
        if not hasattr(self, "flow_"):
            raise NotFitted("the flow is used before fit or load")

    def conditions(self, latent: Latent) -> tuple[Tensor, Tensor]:
        """Attributes (B, A) that a latent had before flow edits, and those that it has been brought to."""
        self.check_fitted()
        last = latent.history[-1].get("method") if latent.history else None
        known = latent.metadata.get("codes", {})
        if TARGET in known and last == "styleflow":
            return torch.tensor(known[SOURCE]), torch.tensor(known[TARGET])
        if self.labeller is None:
            raise LatentError("the attributes of this latent are not known; give the flow a labeller")
        scores = self.labeller(latent)
        return scores, scores

    @torch.no_grad()
    def transport(self, latent: Latent, here: Tensor, there: Tensor, regions: str) -> Latent:
        """Codes in W+ brought from attributes (B, A) to others, in the rows of ``regions`` alone."""
        self.check_fitted()
        wplus, rows = latent.wplus().data.clone(), list(latent.rows(regions))
        here, there = here.to(wplus), there.to(wplus)
        # A code in W has the same rows throughout: one of them is mapped for all.
        x = latent.data[:, None] if latent.space == "w" else wplus[:, rows]
        wplus[:, rows] = self.flow_.decode(self.flow_.encode(x, here), there)
        return latent.with_rows(wplus, tuple(rows))

    def save(self, path: str | Path) -> None:
        self.check_fitted()
        config = {
            "fingerprint": self.fingerprint,
            "flow": self.flow_.config.to_json(),
            "attributes": list(self.attributes),
        }
        studies = {name: study.to_json() for name, study in self.studies_.items()}
        extra = {
            "scales": self.scales_,
            "regions": self.regions_,
            "report": vars(self.report_),
            "studies": studies,
        }
        save_weights(path, Weights(KIND, config, self.flow_.state_dict(), extra))

    @classmethod
    def load(cls, path: str | Path, fingerprint: str = "", *others: str) -> "FlowLibrary":
        """Read a file; LatentError if it was learnt for a generator other than those named."""
        weights = load_learnt(path, KIND, fingerprint, *others)
        library = cls(tuple(weights.config["attributes"]), weights.config["fingerprint"])
        flow = ConditionalFlow(FlowConfig.from_json(weights.config["flow"]))
        load_state(flow, weights.tensors, path)
        library.flow_ = flow.eval().requires_grad_(False)
        library.scales_, library.regions_ = dict(weights.extra["scales"]), dict(weights.extra["regions"])
        library.report_ = FlowReport(**weights.extra["report"])
        library.studies_ = {n: Study.from_json(study) for n, study in weights.extra.get("studies", {}).items()}
        return library

    @classmethod
    def of_model(cls, model: Bundle, path: Path) -> "FlowLibrary":
        """The flow of a model, which labels codes by rendering and scoring them."""
        library = cls.load(path, model.generator.fingerprint, *model.generator.lineage)
        library.labeller = lambda latent: scores_of(model, library.attributes, latent)
        library.flow_.to(model.generator.device)
        return library

    def described(self) -> dict[str, Any]:
        """What is known of the flow, as JSON."""
        self.check_fitted()
        studies = {name: study.to_json() for name, study in self.studies_.items()}
        return {"report": vars(self.report_), "scales": self.scales_, "regions": self.regions_, "studies": studies}

    def record(self, attribute: str, regions: str, study: Study | None) -> None:
        """Keep the default regions of an attribute's edits, and what was measured of them."""
        self.regions_[attribute] = regions
        if study:
            self.scales_[attribute], self.studies_[attribute] = study.scale, study


def scores_of(model: Bundle, attributes: tuple[str, ...], latent: Latent) -> Tensor:
    """Probabilities (B, A) of attributes, by the domain's classifier, of the pictures of codes."""
    scorer = model.domain.attributes()
    return scorer.score(model.synthesise(latent).image)[:, [scorer.index(name) for name in attributes]]
