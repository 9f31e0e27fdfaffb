"""Networks at twice the size, or more, of trained ones.

Growing doubles the size: mapping, local generators and render blocks carry over; a new render block and a new first
discriminator block join. The grown generator's pictures are at first the old ones, enlarged.
"""

import copy
import math

import torch
from torch import Tensor

from semedit.errors import ConfigError
from semedit.networks.discriminator import DualDiscriminator
from semedit.networks.generator import GeneratorConfig, SemanticGenerator
from semedit.training.gan.config import TrainConfig

#: Options that may differ between a generator and the one it is grown from.
GROWING = ("size", "render_channels", "channels")


def check_same(old: dict[str, object], new: dict[str, object], what: str) -> None:
    """ConfigError naming the options in which a run's network differs from its start's, besides those of growing."""
    if changed := sorted(name for name in new if name not in GROWING and old.get(name) != new[name]):
        raise ConfigError(f"the start's {what} differs from the run's in {', '.join(changed)}")


def doublings(old: int, new: int) -> int:
    """How often ``old`` doubles to ``new``; ConfigError if it does not.

    >>> doublings(64, 256)
    2
    """
    if new < old:
        raise ConfigError(f"a {old} px start cannot be shrunk to {new} px")
    return int(math.log2(new // old))


def grown_generator(source: SemanticGenerator, config: TrainConfig) -> SemanticGenerator:
    """``source`` at the run's size: unchanged, or with new render blocks whose heads begin at zero."""
    return enlarged(source, config.generator)


def enlarged(source: SemanticGenerator, target: GeneratorConfig) -> SemanticGenerator:
    """``source`` with the sizes of ``target``, which may differ in those that growing changes; ConfigError if others
    do."""
    check_same(source.config.to_json(), target.to_json(), "generator")
    if not doublings(source.config.size, target.size):
        return copy.deepcopy(source)
    grown = SemanticGenerator(target, source.regions)
    state, old = grown.state_dict(), source.state_dict()
    # Octaves are appended at the end; the weight's equalised scale depends on their number.
    columns, before = state["local.embedding"].shape[1], old["local.embedding"].shape[1]
    embedding = torch.zeros_like(state["local.embedding"])
    embedding[:, :before] = old["local.embedding"] * math.sqrt(columns / before)
    carry(state, old, "generator")
    state["local.embedding"] = embedding
    for b in range(len(source.render.blocks), len(grown.render.blocks)):
        for name in (n for n in state if n.startswith(f"render.blocks.{b}.") and "to_" in n and n.endswith("weight")):
            state[name] = torch.zeros_like(state[name])
    grown.load_state_dict(state)
    return grown


def grown_discriminator(source: DualDiscriminator, config: TrainConfig) -> DualDiscriminator:
    """``source`` at the run's size: unchanged, or with new first blocks in both branches."""
    target = config.discriminator
    check_same(source.config.to_json(), target.to_json(), "discriminator")
    steps = doublings(source.config.size, target.size)
    if not steps:
        return copy.deepcopy(source)
    grown = DualDiscriminator(target)
    state, old = grown.state_dict(), {}
    for name, value in source.state_dict().items():
        branch, _, rest = name.partition(".")
        if not branch.endswith("_branch"):
            old[name] = value
        elif not rest.startswith("0."):  # the input convolution is made anew
            block, _, rest = rest.partition(".")
            old[f"{branch}.{int(block) + steps}.{rest}"] = value
    carry(state, old, "discriminator")
    grown.load_state_dict(state)
    return grown


def carry(state: dict[str, Tensor], old: dict[str, Tensor], what: str) -> None:
    """Put the tensors of ``old`` into ``state``; ConfigError for one of another shape."""
    for name, value in old.items():
        if name == "local.embedding":
            continue
        if name not in state or state[name].shape != value.shape:
            raise ConfigError(f"the start's {what} does not fit the run's: '{name}' is {tuple(value.shape)}")
        state[name] = value.clone()
