"""A flow over the codes of one generator, with an editor for each of its attributes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor

from directions.contract import EditorLibrary
from directions.learnt_file import load_learnt
from directions.study import Calibration, Study
from directions.styleflow.editor import SOURCE, TARGET, FlowEditor
from directions.styleflow.flow import ConditionalFlow, FlowConfig
from directions.styleflow.official import load_official_flow
from semedit.config import Config, Seed
from semedit.errors import CheckpointError, ConfigError, LatentError, NotFitted, UnknownName
from semedit.latents.latent import Latent
from semedit.metrics.placed import placed
from semedit.protocols import Bundle
from semedit.storage.content import reading, shaped
from semedit.storage.weights import Weights, opened, save_weights

KIND = "flow"
Labeller = Callable[[Latent], Tensor]


class FlowTraining(Config):
    """How a flow is learnt: maximum likelihood, Adam, a cosine schedule."""

    noun: ClassVar[str] = "flow training"

    epochs: int = Field(10, ge=1, description="passes over the codes")
    batch: int = Field(256, ge=1)
    lr: float = Field(1e-3, gt=0)
    tolerance: float = Field(1e-3, gt=0, description="of the solver while learning; edits are solved more exactly")
    held_out: float = Field(0.1, ge=0, lt=1, description="share of the codes that is measured on, not learnt from")
    seed: Seed = 0


@dataclass(frozen=True)
class FlowReport:
    """Negative log-likelihood a feature, in nats, of the last epoch and of codes that training did not see."""

    trained: int
    held_out: int
    loss: float
    held_out_loss: float


@dataclass(frozen=True)
class Encoding:
    """What a flow made of rows (B, L, D) under attributes (B, A)."""

    flow: ConditionalFlow
    rows: Tensor
    attributes: Tensor
    variables: Tensor

    def holds(self, flow: ConditionalFlow, rows: Tensor, attributes: Tensor) -> bool:
        """Whether the same flow would be given the same numbers."""
        known = flow is self.flow and rows.device == self.rows.device
        return known and torch.equal(rows, self.rows) and torch.equal(attributes, self.attributes)


class FlowLibrary(EditorLibrary[FlowEditor]):
    """A flow over a generator's codes with an editor for each attribute.

    ``labeller`` gives the attributes (B, A) of latents that were not edited by a flow yet; models supply one that
    renders and scores. ``regions`` are the default regions of attributes ("all" where none are named), ``training``
    how the flow is learnt. After ``fit``: ``flow_``; ``report_``, which is None for a flow that others have learnt.
    """

    FILE: ClassVar[str] = "flow.safetensors"
    COMMAND: ClassVar[str] = "semedit fit flow"
    NOUN: ClassVar[str] = "attribute of the flow"

    def __init__(self, attributes: tuple[str, ...], fingerprint: str = "", labeller: Labeller | None = None, *,
                 regions: Mapping[str, str] | None = None, training: FlowTraining | None = None):  # fmt: skip
        self.attributes, self.labeller, self.training = attributes, labeller, training or FlowTraining()
        self._labelled: tuple[Tensor, Tensor] | None = None
        self._encoded: Encoding | None = None
        places = {name: (regions or {}).get(name, "all") for name in attributes}
        super().__init__({name: FlowEditor(self, name, Calibration(places[name])) for name in attributes}, fingerprint)

    def fit(self, codes: Tensor, scores: Tensor, progress: Callable[[int, int], None] | None = None) -> Self:
        """Learn the flow of codes (M, D) under their attributes (M, A); progress counts the steps.

        The last codes are held out. Raises LatentError for other shapes.
        """
        options = self.training
        if codes.dim() != 2 or scores.shape != (len(codes), len(self.attributes)):
            raise LatentError(
                f"codes {tuple(codes.shape)} with scores {tuple(scores.shape)}; (M, D) and (M, {len(self.attributes)}) "
                f"are wanted"
            )
        torch.manual_seed(options.seed)
        sizes = {"dim": codes.shape[1], "attributes": len(self.attributes)}
        flow = ConditionalFlow(FlowConfig(tolerance=options.tolerance, **sizes)).train()
        count = len(codes) - round(options.held_out * len(codes))
        batches = max(1, count // options.batch)
        steps, done = options.epochs * batches, 0
        optimiser = torch.optim.Adam(flow.parameters(), lr=options.lr)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        losses: list[float] = []
        for _ in range(options.epochs):
            losses = []
            for chosen in torch.randperm(count)[: batches * options.batch].split(options.batch):
                loss = -flow.log_prob(codes[chosen, None], scores[chosen]).mean() / codes.shape[1]
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                schedule.step()
                losses.append(loss.item())
                done += 1
                if progress:
                    progress(done, steps)
        flow.config = FlowConfig(**sizes)
        self.flow_ = flow.eval().requires_grad_(False)
        held = self._held_out_loss(codes[count:], scores[count:])
        self.report_: FlowReport | None = FlowReport(count, len(codes) - count, sum(losses) / len(losses), held)
        return self

    def _held_out_loss(self, codes: Tensor, scores: Tensor) -> float:
        """Mean negative log-likelihood a feature of codes (N, D) under attributes (N, A); NaN where N is 0."""
        size = self.training.batch
        parts = zip(codes.split(size), scores.split(size), strict=True)
        unseen = [-self.flow_.log_prob(c[:, None], s).mean(1) for c, s in parts if len(c)]
        return (torch.cat(unseen).mean() / codes.shape[1]).item() if unseen else float("nan")

    def check_fitted(self) -> None:
        if not hasattr(self, "flow_"):
            raise NotFitted("the flow is used before fit or load")

    def conditions(self, latent: Latent) -> tuple[Tensor, Tensor]:
        """Attributes (B, A) that each code had before flow edits, and those that it has been brought to.

        Edits by other means in between change neither: to the flow they are part of what makes the person. Codes that
        no flow has edited are labelled. Raises LatentError where there is no labeller for them.
        """
        self.check_fitted()
        source = torch.empty(len(latent), len(self.attributes))
        target, unknown = source.clone(), []
        for index, past in enumerate(latent.pasts):
            if TARGET in past.metadata:
                source[index], target[index] = (self._known(past.metadata, name) for name in (SOURCE, TARGET))
            else:
                unknown.append(index)
        if unknown:
            if self.labeller is None:
                raise LatentError("the attributes of this latent are not known; give the flow a labeller")
            source[unknown] = target[unknown] = self._label(latent.take(unknown))
        return source, target

    def _known(self, metadata: Mapping[str, Any], name: str) -> Tensor:
        """The attributes (A,) that a code's metadata tells. Raises LatentError for those of another flow, or none."""
        known = shaped(list[float], metadata.get(name), f"'{name}' of a latent", LatentError)
        if len(known) != len(self.attributes):
            raise LatentError(
                f"this latent was edited by a flow under {len(known)} attributes, and this one is under "
                f"{len(self.attributes)}; undo those edits, or edit with that flow"
            )
        return torch.tensor(known)

    def _label(self, latent: Latent) -> Tensor:
        """Attributes (B, A) of codes by the labeller; the last ones are kept, for edits of other strengths."""
        assert self.labeller is not None
        if self._labelled is None or not torch.equal(self._labelled[0], latent.data):
            self._labelled = latent.data, self.labeller(latent).cpu()
        return self._labelled[1]

    @torch.no_grad()
    def transport(self, latent: Latent, here: Tensor, there: Tensor, regions: str) -> Latent:
        """Codes in W+ brought from attributes (B, A) to others, in the rows of ``regions`` alone."""
        self.check_fitted()
        wplus, rows = latent.wplus().data.clone(), list(latent.rows(regions))
        here, there = here.to(wplus), there.to(wplus)
        # A code in W has the same rows throughout: one of them is mapped for all.
        x = latent.data[:, None] if latent.space == "w" else wplus[:, rows]
        wplus[:, rows] = self.flow_.decode(self._encode(x, here), there)
        return latent.with_rows(wplus, tuple(rows))

    def _encode(self, x: Tensor, attributes: Tensor) -> Tensor:
        """The Gaussian variables of rows x (B, L, D) under attributes (B, A); the last ones are kept, for other edits
        of the same codes."""
        if self._encoded is None or not self._encoded.holds(self.flow_, x, attributes):
            self._encoded = Encoding(self.flow_, x.clone(), attributes.clone(), self.flow_.encode(x, attributes))
        return self._encoded.variables

    def to(self, device: torch.device | str) -> Self:
        """Move the flow; returns this library."""
        self.check_fitted()
        self.flow_.to(device)
        return self

    def save(self, path: str | Path, *, half: bool = False) -> None:
        """Write a file; ``half`` stores the flow's weights as float16, which moves a picture by 0.001 at most."""
        self.check_fitted()
        config = {
            "fingerprint": self.fingerprint,
            "flow": self.flow_.config.to_json(),
            "attributes": list(self.attributes),
        }
        save_weights(path, Weights(KIND, config, self.flow_.state_dict(), self.described()), half=half)

    @classmethod
    def load(cls, path: str | Path, *fingerprints: str) -> Self:
        """Read a file; LatentError if it was learnt for a generator other than those named (none: any)."""
        weights = load_learnt(path, KIND, *fingerprints)
        with reading(path):
            return cls._of(weights, path)

    @classmethod
    def _of(cls, weights: Weights, path: str | Path) -> Self:
        """The library that a file describes."""
        names = shaped(list[str], weights.config["attributes"], path)
        library = cls(tuple(names), weights.config["fingerprint"])
        config = FlowConfig.from_json(weights.config["flow"])
        if config.attributes != len(names):
            raise CheckpointError(f"{path}: {len(names)} attributes for a flow under {config.attributes}")
        flow = opened(lambda: ConditionalFlow(config), weights.tensors, path)
        library.flow_ = flow.eval().requires_grad_(False)
        facts = weights.extra
        library.report_ = FlowReport(**facts["report"]) if facts.get("report") else None
        for name in library.attributes:
            found = facts.get("studies", {}).get(name)
            study, scale = Study.from_json(found) if found else None, facts["scales"][name]
            library.record(
                name, Calibration.of(facts["regions"][name], scale, study.unmasked_scale if study else scale, study)
            )
        return library

    @classmethod
    def of_model(cls, model: Bundle, path: Path) -> Self:
        """The flow of a model, which labels codes by rendering and scoring them."""
        library = super().of_model(model, path)
        library.labeller = lambda latent: scores_of(model, library.attributes, latent)
        return library.to(model.generator.device)

    @classmethod
    def brought(cls, path: str | Path, model: Bundle, attributes: tuple[str, ...] = ()) -> Self:
        """A flow file for a model: one of its own generator, or an official ``.pt``, which does not say whose it is.

        An official flow does not name its attributes either: they are ``attributes``, in their order, or if that is
        empty all of the domain's. Raises CheckpointError for another file, LatentError for a flow of another generator
        or width, ConfigError for another number of attributes, UnknownName for one that the domain does not score.
        """
        generator, domain = model.generator, model.domain
        if Path(path).suffix not in (".pt", ".pth"):
            library = cls.load(path, generator.fingerprint, *generator.lineage)
        else:
            flow, names = load_official_flow(path), attributes or domain.attribute_names
            if len(names) != flow.config.attributes:
                raise ConfigError(
                    f"{path}: a flow under {flow.config.attributes} attributes, not {len(names)}; name them all, in "
                    f"their order ({', '.join(domain.attribute_names)} are what domain '{domain.name}' scores)"
                )
            library = cls(
                tuple(names), generator.fingerprint, regions=domain.edit_regions if generator.regions else None
            )
            library.flow_, library.report_ = flow, None
        for name in library.attributes:
            if name not in domain.attribute_names:
                raise UnknownName(f"attribute of domain '{domain.name}'", name, domain.attribute_names)
        if library.flow_.config.dim != generator.config.style_dim:
            raise LatentError(
                f"{path}: a flow of rows of width {library.flow_.config.dim}, for a generator of width "
                f"{generator.config.style_dim}"
            )
        return library

    def described(self) -> dict[str, Any]:
        """What is known of the flow, as JSON."""
        self.check_fitted()
        return {
            "report": vars(self.report_) if self.report_ else None,
            "scales": {name: editor.scale_ for name, editor in self.items()},
            "regions": {name: editor.regions_ for name, editor in self.items()},
            "studies": {name: editor.study_.to_json() for name, editor in self.items() if editor.study_},
        }


def scores_of(model: Bundle, attributes: tuple[str, ...], latent: Latent) -> Tensor:
    """Probabilities (B, A) of attributes, by the domain's classifier, of the pictures of codes."""
    scorer = placed(model.domain.attributes(), model.generator.device)
    return scorer.score(model.synthesise(latent).image)[:, [scorer.index(name) for name in attributes]]
