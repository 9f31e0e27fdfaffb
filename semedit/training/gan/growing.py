"""Networks at twice the size, or more, of trained ones.

Growing doubles the size: mapping, local generators and render blocks carry over; a new render block and a new first
discriminator block join. The grown generator's pictures are at first the old ones, enlarged.
"""

import copy
import math
from collections.abc import Mapping

import torch
from torch import Tensor

from semedit.errors import ConfigError
from semedit.networks.discriminator import DiscriminatorConfig, DualDiscriminator
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


def enlarged_critic(config: DiscriminatorConfig, size: int) -> DiscriminatorConfig:
    """A discriminator's sizes at ``size`` px: as wide there as at its own."""
    more = {config.size << step: config.width(config.size) for step in range(doublings(config.size, size) + 1)}
    return config.replace(size=size, channels={**more, **config.channels})


def grown_discriminator(source: DualDiscriminator, config: TrainConfig) -> DualDiscriminator:
    """``source`` at the run's size: unchanged, or with new first blocks in both branches."""
    target = config.discriminator
    check_same(source.config.to_json(), target.to_json(), "discriminator")
    steps = doublings(source.config.size, target.size)
    if not steps:
        return copy.deepcopy(source)
    grown = DualDiscriminator(target)
    state = grown.state_dict()
    carry(state, deepened(state, source.state_dict(), steps), "discriminator")
    grown.load_state_dict(state)
    return grown


def deepened(own: Mapping[str, Tensor], old: Mapping[str, Tensor], steps: int) -> dict[str, Tensor]:
    """The state of a discriminator that is ``steps`` blocks deeper than the one of state ``old``; ``own`` is fresh.

    It judges at first as the old one judges a smaller picture: a branch begins with the old first convolution, whose
    channels the new blocks hand on, halved, as far as they are wide enough.
    """
    state, branches = dict(own), dict[str, int]()
    for name, value in old.items():
        branch, _, rest = name.partition(".")
        number, _, parameter = rest.partition(".")
        if not branch.endswith("_branch"):
            state[name] = value
        elif number == "0":
            kept = branches[branch] = min(len(value), len(own[name]))
            state[name] = torch.cat([value[:kept].to(own[name].device), own[name][kept:]])
        else:
            state[f"{branch}.{int(number) + steps}.{parameter}"] = value
    for branch, channels in branches.items():
        for block in range(1, steps + 1):
            pass_on(state, f"{branch}.{block}", channels)
    return state


def pass_on(state: dict[str, Tensor], block: str, channels: int) -> None:
    """Have a residual block's first ``channels`` be those of its input, halved."""
    skip, other = (state[f"{block}.{name}.weight"].clone() for name in ("skip", "conv2"))
    outputs, inputs = skip.shape[:2]
    kept = min(channels, outputs, inputs)
    skip[:kept], other[:kept] = 0, 0
    skip.view(outputs, inputs)[:kept, :kept].fill_diagonal_(math.sqrt(2 * inputs))  # 1 after its scale and gain
    state[f"{block}.skip.weight"], state[f"{block}.conv2.weight"] = skip, other


def carry(state: dict[str, Tensor], old: dict[str, Tensor], what: str) -> None:
    """Put the tensors of ``old`` into ``state``; ConfigError for one of another shape."""
    for name, value in old.items():
        if name == "local.embedding":
            continue
        if name not in state or state[name].shape != value.shape:
            raise ConfigError(f"the start's {what} does not fit the run's: '{name}' is {tuple(value.shape)}")
        state[name] = value.clone()
