"""What each stage of the training of a FusionNet minimises (StyleFusion, section 4.3, "multi-step training").

A node is trained inside the hierarchy above it: its code goes through the nets of its ancestors, which are frozen, on
its way to a picture. The paper does not say so; it says that parents stay fixed while their children train.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from baselines.stylefusion.fusion_net import FusionNet
from baselines.stylefusion.losses import (
    alignment_penalty,
    channel_weights,
    contributions_of,
    fusion_loss,
    local_loss,
    mask_loss,
)
from baselines.stylefusion.regions import FusionRegions, brought_to
from baselines.stylegan2 import StyleActivations, StyleCode, StyleGAN2Generator
from semedit.config import Config
from semedit.errors import UnknownName

Part = Literal["common", "segments"]
Term = Literal["mask", "local", "align", "fusion"]
BOTH: tuple[Part, ...] = ("common", "segments")


class FusionLossConfig(Config):
    """Weights of the losses and the strength of perturbation. The authors' are not public: these are ours."""

    noun: ClassVar[str] = "FusionNet losses"

    mask: float = Field(1.0, ge=0)
    local: float = Field(1.0, ge=0)
    align: float = Field(0.1, ge=0, description="of the mean of the gates")
    fusion: float = Field(0.01, ge=0)
    epsilon: float = Field(0.1, gt=0, le=1, description="how far a code is perturbed towards another")


@dataclass(frozen=True)
class FusionStage:
    """A stage: which blenders learn, from which losses, on the intermediate codes or on the fused one.

    ``layout`` False leaves the code of the layout out, and with it the blender that aligns.
    """

    name: str
    learns: tuple[Part, ...]
    terms: tuple[Term, ...]
    layout: bool = True


ALIGN = FusionStage("align", ("common",), ("mask", "align", "fusion"))
FUSE = FusionStage("fuse", ("segments",), ("fusion",))
TOGETHER = FusionStage("together", BOTH, ("local", "align", "fusion"))

#: The paper's stages, and those of its ablations (figure 16).
SCHEDULES: dict[str, tuple[FusionStage, ...]] = {
    "full": (ALIGN, FUSE, TOGETHER),
    "no-global": (
        FusionStage("fuse", ("segments",), ("fusion",), layout=False),
        FusionStage("together", ("segments",), ("local", "fusion"), layout=False),
    ),
    "no-stage-1": (FUSE, TOGETHER),
    "no-stage-2": (ALIGN, TOGETHER),
    "no-stage-3": (ALIGN, FUSE),
    "end-to-end": (FusionStage("end-to-end", BOTH, ("mask", "local", "align", "fusion")),),
}


def schedule(name: str = "full") -> tuple[FusionStage, ...]:
    """The stages of the training, or of an ablation. Raises UnknownName."""
    if name not in SCHEDULES:
        raise UnknownName("schedule", name, SCHEDULES)
    return SCHEDULES[name]


@dataclass(frozen=True, eq=False)
class Draw:
    """The codes of one step, B each: of the two regions, of the layout, and those that perturb."""

    first: StyleCode
    second: StyleCode
    layout: StyleCode
    other: StyleCode


@dataclass(frozen=True, eq=False)
class Scene:
    """What a node's net is trained against.

    generator, frozen; regions; groups: the parts of the two children's regions; upwards: the way of the node's code
    through its ancestors, for example ``lambda code: hierarchy.fuse({**others, node: code})``.
    """

    generator: StyleGAN2Generator
    regions: FusionRegions
    groups: tuple[Sequence[str], Sequence[str]]
    upwards: Callable[[StyleCode], StyleCode] = lambda code: code

    def look(self, code: StyleCode) -> StyleActivations:
        """The activations and the picture of a code of the node."""
        return self.generator.activations(self.upwards(code))

    def masks(self, seen: StyleActivations, *, soft: bool) -> Tensor:
        """Masks (B, 2, h, w) of the two regions."""
        return self.regions.masks(seen, self.groups, soft=soft)

    @torch.no_grad()
    def weights(self, first: StyleCode, second: StyleCode) -> list[StyleCode]:
        """The channels that make up region 1 in the pictures of the first codes, and region 2 in the second's."""
        found = []
        for place, code in enumerate((first, second)):
            seen = self.generator.activations(code)
            found.append(channel_weights(contributions_of(seen, self.masks(seen, soft=False)[:, place : place + 1])))
        return found


def set_learning(net: FusionNet, stage: FusionStage) -> list[nn.Parameter]:
    """Let the stage's blenders learn and the others not; returns the parameters that do."""
    for part in BOTH:
        getattr(net, part).requires_grad_(part in stage.learns)
    return [parameter for parameter in net.parameters() if parameter.requires_grad]


def stage_terms(
    stage: FusionStage, net: FusionNet, draw: Draw, scene: Scene, epsilon: float = 0.1
) -> dict[str, Tensor]:
    """The stage's losses, unweighted, each (B,).

    A stage in which only the alignment learns is about the intermediate codes, one in which only the fusion learns
    compares with them (as inputs, where there is no layout), and any other compares the fused code with the inputs.
    """
    terms: dict[str, Tensor] = {}
    sources = (draw.first, draw.second)
    aligned = [net.align(code, draw.layout) for code in sources] if stage.layout else []
    if "align" in stage.terms:
        terms["align"] = torch.stack([alignment_penalty(one.gates) for one in aligned]).sum(0)
    if stage.learns == ("common",):
        terms["mask"] = misplaced(scene, [scene.look(one.code) for one in aligned], draw.layout)
        pairs = zip(aligned, sources, scene.weights(*sources), strict=True)
        terms["fusion"] = torch.stack([fusion_loss(one.code, [own], [w]) for one, own, w in pairs]).sum(0)
        return terms
    inputs = (aligned[0].code, aligned[1].code) if aligned else sources
    layout = draw.layout if stage.layout else None
    result = net.fuse(*inputs, layout)
    if stage.learns == ("segments",):
        sources = inputs
    terms["fusion"] = fusion_loss(result, sources, scene.weights(*sources))
    if "mask" in stage.terms or "local" in stage.terms:
        seen = scene.look(result)
    if "mask" in stage.terms:
        terms["mask"] = misplaced(scene, [seen], draw.layout)
    if "local" in stage.terms:
        terms["local"] = locality(net, draw, layout, seen, scene, epsilon)
    return terms


def misplaced(scene: Scene, seen: Sequence[StyleActivations], layout: StyleCode) -> Tensor:
    """The mask loss (B,) of pictures against those of the layout's codes, summed over ``seen``."""
    with torch.no_grad():
        wanted = scene.masks(scene.look(layout), soft=True)
    return torch.stack([mask_loss(scene.masks(one, soft=True), wanted) for one in seen]).sum(0)


def locality(
    net: FusionNet, draw: Draw, layout: StyleCode | None, seen: StyleActivations, scene: Scene, epsilon: float
) -> Tensor:
    """The local loss (B,) of a fused code's picture: either input is moved by ``epsilon`` towards another code."""
    with torch.no_grad():
        masks = brought_to(scene.masks(seen, soft=False), seen.image.shape[-1])
    first = scene.look(net(draw.first.lerp(draw.other, epsilon), draw.second, layout)).image
    second = scene.look(net(draw.first, draw.second.lerp(draw.other, epsilon), layout)).image
    return local_loss(seen.image, first, second, masks)


def total(terms: Mapping[str, Tensor], config: FusionLossConfig) -> Tensor:
    """The weighted sum of the losses, averaged over the pictures (equation 9)."""
    return torch.stack([getattr(config, name) * term.mean() for name, term in terms.items()]).sum()
