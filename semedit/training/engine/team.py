"""The processes of one run, as torchrun starts them, and which part of the global batch is whose.

Every process draws the random numbers of the *global* batch from the same seed and keeps its own slots, so the numbers
do not depend on how many processes there are: two processes compute the gradients of one, and a run resumes on any
number of them. Slots are dealt out like cards (slot i belongs to process i mod W), which keeps the strided groups of
the minibatch standard deviation whole.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce
from torch.nn.parallel import DistributedDataParallel

from semedit.data.source import Share
from semedit.errors import ConfigError


@dataclass(frozen=True)
class Team:
    """This process's place among the processes of a run."""

    rank: int = 0
    world: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def primary(self) -> bool:
        """Whether this process writes the files and talks to the user."""
        return self.rank == 0

    @property
    def share(self) -> Share:
        return Share(self.rank, self.world)

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module behind torch's data-parallel wrapper, or itself where there is one process."""
        if self.world == 1:
            return module
        ids = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(module, device_ids=ids, broadcast_buffers=False)

    def mean(self, value: Tensor) -> Tensor:
        """Mean of ``value`` over the processes; gradients flow through it."""
        return value if self.world == 1 else all_reduce(value) / self.world

    def barrier(self) -> None:
        if self.world > 1:
            dist.barrier()


def syncing(module: nn.Module, last: bool) -> AbstractContextManager[None]:
    """Gradients are exchanged only in the ``last`` of several accumulated backward passes."""
    if last or not isinstance(module, DistributedDataParallel):
        return nullcontext()
    return module.no_sync()


@contextmanager
def join_team(device: str = "cpu") -> Iterator[Team]:
    """This process's Team: torchrun's, told by its environment variables, or a team of one.

    With several processes, "cuda" means the local rank's own GPU. Raises ConfigError where the variables make no sense.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Team(device=torch.device(device))
        return
    if not {"RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys():
        raise ConfigError("WORLD_SIZE is set, but not RANK, LOCAL_RANK, MASTER_ADDR and MASTER_PORT; use torchrun")
    place = torch.device(device)
    if place.type == "cuda":
        place = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(place)
    dist.init_process_group("nccl" if place.type == "cuda" else "gloo", timeout=timedelta(minutes=30))
    try:
        yield Team(dist.get_rank(), world, place)
    finally:
        dist.destroy_process_group()
