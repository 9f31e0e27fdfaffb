"""What the encoder's training changes: the encoder, its optimisers, the step to do next."""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from encoders.backbone import ResidualEncoder
from encoders.config import EncoderTrainConfig
from encoders.ranger import Ranger
from semedit.training.engine.muon import Muon, matrices_of


@dataclass
class EncoderState:
    """Everything that training changes. ``matrices`` is Muon for the weights that are matrices, if that is wanted."""

    encoder: ResidualEncoder
    optimiser: Ranger
    matrices: Muon | None = None
    step: int = 0
    losses: dict[str, Tensor] = field(default_factory=dict)

    @property
    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """The optimisers that there are, by the names of their fields."""
        return {"optimiser": self.optimiser, **({"matrices": self.matrices} if self.matrices is not None else {})}


def initial_state(config: EncoderTrainConfig, device: torch.device) -> EncoderState:
    """A fresh encoder from ``config.seed``, and its optimisers."""
    torch.manual_seed(config.seed)
    encoder = ResidualEncoder(config.encoder).to(device).to(memory_format=torch.channels_last)
    if not config.matrix_lr:
        return EncoderState(encoder, Ranger(encoder.parameters(), lr=config.lr))
    chosen = matrices_of(encoder)
    known = {id(weight) for weight in chosen}
    groups = [{"params": [weight], "lr": config.matrix_lr * first_size(weight)} for weight in chosen]
    rest = [parameter for parameter in encoder.parameters() if id(parameter) not in known]
    return EncoderState(encoder, Ranger(rest, lr=config.lr), Muon(groups, lr=config.matrix_lr))


def first_size(weight: Tensor) -> float:
    """The standard deviation that a weight begins with: a convolution's 1 / sqrt(3 fan-in); 1 of equalised layers."""
    return 1 / math.sqrt(3 * weight[0].numel()) if weight.dim() == 4 else 1.0
