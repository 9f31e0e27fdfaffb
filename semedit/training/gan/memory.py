"""How much memory a training step will need, told before the first one.

The step's own phases are gone through once without data (on torch's meta device) and the tensors that autograd would
keep are counted, so the estimate follows step and configuration exactly, whatever their sizes.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from semedit.data.source import Batch
from semedit.networks.precision import sketched_cast
from semedit.training.gan.config import GanConfig
from semedit.training.gan.draws import BatchPart
from semedit.training.gan.state import initial_state
from semedit.training.gan.step import GanStep


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes: ``weights`` (networks, gradients, Adam, average), and what each phase keeps for its backward pass."""

    weights: int
    phases: dict[str, int]
    per_process: int

    @property
    def peak(self) -> int:
        return self.weights + max(self.phases.values())

    def summary(self) -> str:
        """One line for a human reader."""
        name = max(self.phases, key=lambda key: self.phases[key])
        return (
            f"memory: about {self.peak / 1e9:.2f} GB a process for a batch of {self.per_process} (weights, gradients "
            f"and moments {self.weights / 1e9:.2f} GB; {name} keeps the most); to need less, set accumulate, "
            "gradient_checkpointing or precision=bf16, or a smaller batch"
        )


class Kept:
    """Counts the storages that autograd saves while it is active, each once, parameters left out."""

    def __init__(self, *modules: torch.nn.Module):
        self.known = {p.untyped_storage()._cdata for module in modules for p in module.parameters()}
        self.storages: dict[int, Tensor] = {}
        self.hooks = torch.autograd.graph.saved_tensors_hooks(self.pack, lambda tensor: tensor)

    def pack(self, tensor: Tensor) -> Tensor:
        key = tensor.untyped_storage()._cdata
        if key not in self.known:
            self.storages[key] = tensor
        return tensor

    @property
    def bytes(self) -> int:
        return sum(tensor.untyped_storage().nbytes() for tensor in self.storages.values())


class Rehearsal(GanStep):
    """The step without data: its phases go as far as their loss, and ``kept`` says what autograd keeps for that."""

    def __init__(self, config: GanConfig):
        meta = torch.device("meta")
        with torch.random.fork_rng(devices=[]), meta:
            state = initial_state(config, meta)
        super().__init__(config, state)
        self.kept = 0

    def autocast(self) -> AbstractContextManager[None]:
        return sketched_cast(self.config.precision)

    def descend(
        self,
        optimiser: torch.optim.Adam,  # noqa: ARG002
        module: nn.Module,  # noqa: ARG002
        loss_of: Callable[[BatchPart], Tensor],
        spared: nn.Module | None = None,  # noqa: ARG002
    ) -> None:
        counter = Kept(self.state.generator, self.state.discriminator)
        with counter.hooks:
            loss_of(self.parts[0])
        self.kept = counter.bytes

    def batch(self) -> Batch:
        """Pictures and masks of the run's sizes, without data."""
        batch, size = self.config.batch, self.config.generator.size
        shapes = ((batch, channels, size, size) for channels in (3, self.config.regions))
        return Batch(*(torch.empty(shape, device=self.device) for shape in shapes))


def estimate(config: GanConfig, world: int = 1) -> MemoryEstimate:
    """The estimate for each of ``world`` processes. Raises ConfigError if the batch does not deal out to them."""
    config.check_processes(world)
    batch = config.batch // (world * config.accumulate)
    # One process goes through one part at a time; two styles mixed need the most.
    alone = config.with_overrides([f"batch={batch}", "accumulate=1", "style_mixing=1", "compile="])
    rehearsal, phases = Rehearsal(alone), {}
    data = rehearsal.batch()
    with torch.random.fork_rng(devices=[]):
        for phase in rehearsal.phases:
            rehearsal.turn_to(phase)
            phase.do(data)
            phases[phase.name] = rehearsal.kept
    networks = (rehearsal.state.generator, rehearsal.state.discriminator)
    parameters = [sum(p.numel() for p in module.parameters()) for module in networks]
    weights = 4 * (5 * parameters[0] + 4 * parameters[1])  # weight, gradient, two moments; and the average
    return MemoryEstimate(weights, phases, batch)
