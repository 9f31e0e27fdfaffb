"""Training of the ResNet-50 that scores attributes of real faces, on CelebA (Shi et al. 2022, section 5.2).

As InterFaceGAN has it (Shen et al. 2020): a softmax cross-entropy for each attribute, all of one network. The papers
give neither schedule nor crop: here Adam with a cosine schedule, on the central square of the aligned pictures, half of
them mirrored. Runs stream their pictures, resume, and scale out under torchrun.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.config import Config, Seed
from semedit.data.celeba import (
    MAPPING,
    TRAIN,
    VALIDATION,
    AttributeBatch,
    CelebA,
    CelebADataset,
    CelebASource,
    read_celeba,
)
from semedit.errors import CheckpointError, ConfigError
from semedit.metrics.face_attributes import FILE, FaceAttributeClassifier, FaceAttributeConfig, FaceAttributeScorer
from semedit.networks.precision import training_cast
from semedit.pictures.tensors import to_images
from semedit.storage.atomic import write_json
from semedit.storage.pickled import read_pickle, state_of
from semedit.storage.weights import load_state
from semedit.training.engine.folder import run_folder
from semedit.training.engine.run import CONFIG, Due, Plan, run_steps
from semedit.training.engine.state import (
    STATE,
    check_options,
    pack_modules,
    pack_optimisers,
    read_state,
    unpack,
    write_state,
)
from semedit.training.engine.team import Team

#: Options that do not decide what a step computes.
FREE_OPTIONS = ("log_every", "checkpoint_every", "workers", "held_out")
#: The value of ``mapping`` for data without pictures of CelebAMask-HQ.
NO_MAPPING = "none"


class FaceAttributeRun(Config):
    """One run of the trainer."""

    noun: ClassVar[str] = "attribute run"

    data: str = Field(description="folder of CelebA")
    mapping: str = Field("", description=f"CelebAMask-HQ's {MAPPING} (default: in the data's folder); none: no check")
    network: FaceAttributeConfig = FaceAttributeConfig()
    start: str = Field("", description="torchvision's ResNet-50 of ImageNet to begin with, a local .pth; else scratch")
    steps: int = Field(25_000, ge=1, description="optimiser steps in all")
    batch: int = Field(64, ge=1, description="pictures of a step, those of all processes together")
    lr: float = Field(1e-4, gt=0, description="Adam's learning rate at the beginning; it falls to 0 along a cosine")
    precision: Literal["fp32", "bf16"] = Field("fp32", description="number format of the network's passes")
    held_out: int = Field(19_867, ge=1, description="validation pictures whose accuracy is measured")
    workers: int = Field(4, ge=0, description="processes that read pictures")
    seed: Seed = 0
    log_every: int = Field(50, ge=1, description="steps between lines of the log")
    checkpoint_every: int = Field(1000, ge=1, description="steps between writings of the state")


@dataclass
class AttributeState:
    """Everything that training changes."""

    network: FaceAttributeClassifier
    optimiser: torch.optim.Adam
    step: int = 0
    losses: dict[str, Tensor] = field(default_factory=dict)


class AttributeStep:
    """One step: cross-entropies of all attributes, then the optimiser."""

    def __init__(self, config: FaceAttributeRun, state: AttributeState, team: Team):
        self.config, self.state, self.team = config, state, team
        self.wrapped: nn.Module = team.wrap(state.network)

    def run(self, batch: AttributeBatch) -> None:
        state = self.state
        state.network.train()
        for group in state.optimiser.param_groups:
            group["lr"] = self.config.lr * 0.5 * (1 + math.cos(math.pi * state.step / self.config.steps))
        with training_cast(self.config.precision, batch.images.device.type):
            odds = self.wrapped(batch.images).float()
        # The cross-entropy of two logits is that of their difference.
        loss = F.binary_cross_entropy_with_logits(odds, batch.labels.float())
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        state.optimiser.step()
        state.losses = {"loss": loss.detach()}
        state.step += 1

    def mean_losses(self) -> dict[str, float]:
        """The latest loss, averaged over the processes."""
        return self.team.mean_losses(self.state.losses)


def train_attributes(
    config: FaceAttributeRun,
    folder: str | Path,
    team: Team | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FaceAttributeScorer:
    """Run, or resume, the training that ``config`` describes in ``folder``; the scorer is written there in the end.

    Raises ConfigError for data of another form, for CelebAMask-HQ's mapping that is not there, or for a folder of
    another run; CheckpointError for a start of another network; OutputError if another trainer is at work in the
    folder, or it is not a run's.
    """
    team = team or Team()
    with run_folder(folder, team) as own:
        return _trained(config, own, team, progress)


def _trained(config: FaceAttributeRun, folder: Path, team: Team,
             progress: Callable[[int, int], None] | None) -> FaceAttributeScorer:  # fmt: skip
    """The training in a folder that is this run's."""
    data = read_celeba(config.data, TRAIN, mapping_of(config))
    if len(data.names) != config.network.attributes:
        config = config.replace(network=config.network.replace(attributes=len(data.names)))
    torch.manual_seed(config.seed)
    network = FaceAttributeClassifier(config.network)
    if config.start:
        start_from(network, config.start)
    network.to(team.device)
    state = AttributeState(network, torch.optim.Adam(network.parameters(), lr=config.lr))
    if (folder / STATE).exists():
        header, tensors = read_state(folder / STATE, team.device)
        check_options(folder / STATE, header["config"], config.to_json(), FREE_OPTIONS)
        unpack(state, tensors, ("network",), ("optimiser",), folder / STATE)
        state.step = header["step"]
    if team.primary:
        write_json(folder / CONFIG, config.to_json())
    dataset = CelebADataset(data, config.network.size, mirror=True)
    source = CelebASource(dataset, config.batch, config.seed, team.share, config.workers)

    def save(_: object) -> None:
        packed = pack_modules(state, ("network",)) | pack_optimisers(state, ("optimiser",))
        write_state(folder / STATE, {"step": state.step, "config": config.to_json()}, packed)

    plan = Plan(config.steps, config.batch, config.seed, config.log_every)
    run_steps(plan, state, AttributeStep(config, state, team), source, team, folder,
              (Due(config.checkpoint_every, save, keeps=True),), progress)  # fmt: skip
    scorer = FaceAttributeScorer(network, data.names)
    if team.primary:
        held = read_celeba(config.data, VALIDATION, mapping_of(config))
        accuracy, balanced = accuracies(scorer, held, config.held_out, config.workers)
        scorer.card = {"accuracy": accuracy, "balanced_accuracy": balanced, "held_out": min(len(held), config.held_out),
                       "trained_on": len(data), "config": config.to_json()}  # fmt: skip
        scorer.save(folder / FILE)
    return scorer


def mapping_of(config: FaceAttributeRun) -> Path | None:
    """The file that says which pictures CelebAMask-HQ holds out; None where the run says that there are none.

    Raises ConfigError where it is not there: a classifier that has seen what it judges would flatter.
    """
    if config.mapping == NO_MAPPING:
        return None
    path = Path(config.mapping) if config.mapping else Path(config.data) / MAPPING
    if not path.exists():
        raise ConfigError(
            f"{path} is missing: it says which pictures CelebAMask-HQ tests on, which must not be trained on; "
            f"mapping={NO_MAPPING} goes on without it"
        )
    return path


def start_from(network: FaceAttributeClassifier, path: str | Path) -> None:
    """Give the trunk the weights of torchvision's ResNet-50 but for its last layer. Raises CheckpointError."""
    own, theirs = network.trunk.state_dict(), dict(state_of(read_pickle(path), path))
    if "fc.weight" not in theirs:
        raise CheckpointError(f"{path}: not a ResNet of torchvision ('fc.weight' is missing)")
    last = {name: own[name] for name in ("fc.weight", "fc.bias")}
    load_state(network.trunk, {**theirs, **last}, path)


def accuracies(scorer: FaceAttributeScorer, data: CelebA, count: int, workers: int = 0, batch: int = 64
               ) -> tuple[dict[str, float], dict[str, float]]:  # fmt: skip
    """Share of right answers for each attribute on the first ``count`` pictures, and the mean of that of those that
    have it and of those that do not (NaN is left out where there are none)."""
    dataset = CelebADataset(data, scorer.network.config.size, mirror=False)
    items = [(index, 0) for index in range(min(count, len(data)))]
    batches = [items[start : start + batch] for start in range(0, len(items), batch)]
    loader = torch.utils.data.DataLoader(dataset, batch_sampler=batches, num_workers=workers)
    scorer.network.eval()
    answers, truth = [], []
    for pixels, labels in loader:
        answers.append(scorer.score(to_images(pixels)) > 0.5)
        truth.append(labels)
    said, known = torch.cat(answers), torch.cat(truth)
    right = (said == known).float()
    plain = {name: right[:, i].mean().item() for i, name in enumerate(scorer.names)}
    balanced = {}
    for i, name in enumerate(scorer.names):
        sides = [right[known[:, i] == side, i] for side in (True, False)]
        if all(len(side) for side in sides):
            balanced[name] = 0.5 * sum(side.mean().item() for side in sides)
    return plain, balanced
