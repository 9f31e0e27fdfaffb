"""One step of a stage: losses of an objective, Muon for matrices, Adam for the rest, a moving average."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from semedit.data.lessons import Lessons
from semedit.networks.style_based import StyleBasedGenerator
from semedit.training.engine.averaging import update_ema
from semedit.training.engine.muon import Muon, matrices_of
from semedit.training.engine.schedule import descent
from semedit.training.engine.team import Team
from semedit.training.teaching.config import StageConfig


@dataclass
class TeachState:
    """Everything that a stage changes. ``head`` is the stage's own linear reading (one column where it has none)."""

    generator: StyleBasedGenerator
    average: StyleBasedGenerator
    head: nn.Linear
    muon: Muon
    adam: torch.optim.Adam
    step: int = 0
    losses: dict[str, Tensor] = field(default_factory=dict)


NETWORKS, OPTIMISERS = ("generator", "average", "head"), ("muon", "adam")


def learned(
    generator: StyleBasedGenerator, parts: Mapping[str, float], head: nn.Linear, stage: StageConfig
) -> TeachState:
    """The state at step 0 of a stage that trains some parts of a generator: name -> share of the learning rate."""
    generator.requires_grad_(False).train()
    matrices: list[nn.Parameter] = []
    others = [{"params": list(head.requires_grad_(True).parameters()), "lr": stage.lr}]
    for name, share in parts.items():
        part = getattr(generator, name).requires_grad_(True)
        if name == "mapping":  # its layers' learning-rate multiplier is undone; Muon is no help to it
            others.append({"params": list(part.parameters()), "lr": stage.lr / generator.config.mapping_lr_mul * share})
            continue
        chosen = [] if isinstance(part, nn.Parameter) else matrices_of(part)
        known = {id(p) for p in chosen}
        matrices += chosen
        all_of = [part] if isinstance(part, nn.Parameter) else part.parameters()
        others.append({"params": [p for p in all_of if id(p) not in known], "lr": stage.lr * share})
    adam = torch.optim.Adam(others, betas=(0.9, 0.99), fused=True)
    average = copy.deepcopy(generator).eval().requires_grad_(False)
    muon = Muon([{"params": matrices}], lr=stage.matrix_lr)
    return TeachState(generator, average, head, muon, adam)


def rate(stage: StageConfig, step: int) -> float:
    """The learning rate of a step, as a share of the stage's: a ramp, a plateau, a linear descent."""
    return min((step + 1) / stage.warmup, descent(step, stage.steps, stage.cooling))


class TeachStep:
    """The step of a stage on a state; ``objective`` is a module from lessons to named losses (see objectives)."""

    def __init__(self, stage: StageConfig, state: TeachState, objective: Any, team: Team):
        self.stage, self.state, self.team, self.weights = stage, state, team, objective.weights
        self.plain: nn.Module = objective
        self.objective: nn.Module | None = None
        self.base = [[group["lr"] for group in optim.param_groups] for optim in (state.muon, state.adam)]

    def run(self, batch: Lessons) -> None:
        """One step on this process's share of a batch of lessons."""
        state, factor = self.state, rate(self.stage, self.state.step)
        if self.choose_parts() or self.objective is None:
            # A data-parallel wrapper waits for the gradients of all that required one when it was made.
            self.objective = self.team.wrap(self.plain)
        losses: dict[str, Tensor] = self.objective(batch)
        for optimiser, base in zip((state.muon, state.adam), self.base, strict=True):
            optimiser.zero_grad(set_to_none=True)
            for group, lr in zip(optimiser.param_groups, base, strict=True):
                group["lr"] = lr * factor
        torch.stack([self.weights[name] * value for name, value in losses.items()]).sum().backward()
        state.muon.step()
        state.adam.step()
        # The average is young at first: it forgets the start as fast as it can.
        update_ema(state.average, state.generator, min(self.stage.average, (1 + state.step) / (10 + state.step)))
        state.losses |= {name: value.detach() for name, value in losses.items()}
        state.step += 1

    def choose_parts(self) -> bool:
        """Set which parts learn at this step, and say whether that has changed; all of the stage's, always."""
        return False

    def mean_losses(self) -> dict[str, float]:
        """The latest losses, averaged over the processes."""
        return self.team.mean_losses(self.state.losses)
