"""How much memory a training step will need, told before the first one.

The networks are run once without data (on torch's meta device) and the tensors that autograd would keep are counted, so
the estimate follows the configuration exactly, whatever its sizes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from semedit.latents.regions import generic_regions
from semedit.networks.discriminator import DualDiscriminator
from semedit.networks.generator import SemanticGenerator
from semedit.training.gan.config import TrainConfig
from semedit.training.gan.losses import path_lengths, r1_penalties


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


def estimate(config: TrainConfig, world: int = 1) -> MemoryEstimate:
    """The estimate for each of ``world`` processes."""
    batch = max(1, config.batch // (world * config.accumulate))
    table = generic_regions(config.generator.regions, config.generator.transparent)
    with torch.device("meta"):
        generator, discriminator = SemanticGenerator(config.generator, table), DualDiscriminator(config.discriminator)
    generator.render.gradient_checkpointing = discriminator.gradient_checkpointing = config.gradient_checkpointing
    size, regions = config.generator.size, config.generator.regions

    def cast() -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=config.precision == "bf16")

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, device="meta")

    def pictures() -> tuple[Tensor, Tensor]:
        return random(batch, 3, size, size).requires_grad_(), random(batch, regions, size, size).requires_grad_()

    def kept(run: str) -> int:
        counter = Kept(generator, discriminator)
        with counter.hooks, cast():
            if run == "Dmain":
                logits = [discriminator(*pictures()), discriminator(*pictures())]
            elif run == "Dreg":
                inputs = pictures()
                logits = list(r1_penalties(discriminator(*inputs), *inputs))
            elif run == "Gmain":
                out = generator(generator.mapping(random(batch, config.generator.style_dim)))
                logits = [discriminator(out.image, out.segmentation)]
            else:
                share = max(1, batch // config.path_batch_shrink)
                codes = random(share, generator.layout.expanded_rows, config.generator.style_dim).requires_grad_()
                out = generator(codes)
                logits = [path_lengths(out.image, codes, torch.randn_like(out.image))]
        del logits
        return counter.bytes

    names = ["Dmain", "Dreg", "Gmain"] + (["Greg"] if config.path_weight else [])
    parameters = [sum(p.numel() for p in module.parameters()) for module in (generator, discriminator)]
    weights = 4 * (5 * parameters[0] + 4 * parameters[1])  # weight, gradient, two moments; and the average
    return MemoryEstimate(weights, {name: kept(name) for name in names}, batch)
