"""How the FusionNets of a hierarchy are trained: sizes, losses, stages, and what is clustered.

The paper gives the losses, the stages and their order. What it left to a supplement that was not available (see
:data:`OURS`) has been chosen here, and files of nets trained by this package say so.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from baselines.stylefusion.fusion_net import FusionConfig
from baselines.stylefusion.hierarchy import ROOT, TREES, check_tree
from baselines.stylefusion.objective import FusionLossConfig, FusionStage, schedule
from semedit.config import Config, Seed
from semedit.errors import ConfigError

#: Options whose values are not the authors', as theirs are not public.
OURS = (
    "losses", "align_steps", "fuse_steps", "together_steps", "batch", "lr", "psi", "clusters", "size", "pixels",
    "temperature", "pictures",
)  # fmt: skip


class FusionTrainConfig(Config):
    """One run of the trainer: a hierarchy, its nets from the root down, each through the stages of ``schedule``."""

    noun: ClassVar[str] = "StyleFusion training configuration"

    name: str = Field(description="the run's name, and that of its folder unless told")
    tree: dict[str, tuple[str, str]] = Field(
        dict(TREES["faces"]), description="inner node -> its two children; rooted at 'all'"
    )
    parts: dict[str, tuple[str, ...]] = Field(
        description="leaf of the tree -> the domain's regions in it, its main one first"
    )
    nodes: tuple[str, ...] = Field((), description="inner nodes that are trained, with all above them; none: all")
    net: FusionConfig = Field(description="sizes of each FusionNet")
    losses: FusionLossConfig = Field(FusionLossConfig(), description="weights of the losses, strength of perturbation")
    schedule: Literal["full", "no-global", "no-stage-1", "no-stage-2", "no-stage-3", "end-to-end"] = Field(
        "full", description="the paper's three stages, or one of its ablations (figure 16)"
    )
    align_steps: int = Field(1_000, ge=0, description="steps of stage 1, in which codes are brought to a layout")
    fuse_steps: int = Field(1_000, ge=0, description="steps of stage 2, in which codes are fused")
    together_steps: int = Field(2_000, ge=0, description="steps of stage 3, in which both are trained")
    batch: int = Field(4, ge=1, description="draws of codes of a step, those of all processes together")
    lr: float = Field(0.1, gt=0, description="Adam's rate on weights that act with a hundredth of their size")
    psi: float = Field(1.0, gt=0, description="truncation of the codes drawn; 1 is none")
    clusters: int = Field(24, ge=2, description="Ward clusters of pixels")
    size: int = Field(32, ge=4, description="px of the maps that are clustered, and of the masks")
    pixels: int = Field(4_096, ge=2, description="pixels that are clustered; memory grows with their square")
    temperature: float = Field(0.05, gt=0, description="of soft masks, in mean squared difference of a channel")
    pictures: int = Field(128, ge=1, description="pictures whose pixels are clustered and named")
    regions: str = Field("", description="file of regions to train with; empty: clustered, and named by the parser")
    seed: Seed = Field(0, description="seed of the nets and of every draw")
    log_every: int = Field(50, ge=1, description="steps between lines of the log")
    sheet_every: int = Field(500, ge=0, description="steps between sheets of held-out codes; 0: none")
    monitor_every: int = Field(500, ge=0, description="steps between measurements on held-out codes; 0: none")
    checkpoint_every: int = Field(500, ge=1, description="steps between writings of the state, from which runs resume")

    @model_validator(mode="after")
    def _check(self) -> "FusionTrainConfig":
        check_tree(self.tree)
        leaves = {child for pair in self.tree.values() for child in pair} - set(self.tree)
        if leaves != set(self.parts):
            wrong = sorted(leaves ^ set(self.parts))
            raise ValueError(f"each leaf of the tree has its parts, and nothing else has; see '{wrong[0]}'")
        if self.nodes:
            if unknown := sorted(set(self.nodes) - set(self.tree)):
                raise ValueError(f"'{unknown[0]}' is no inner node of the tree ({', '.join(self.tree)})")
            for node, children in self.tree.items():
                for child in children:
                    if child in self.nodes and node not in self.nodes:
                        raise ValueError(f"'{child}' is trained behind '{node}', which is to be trained too")
        if not any(self.steps_of(stage) for stage in self.stages):
            raise ValueError("no stage of this schedule has any steps")
        return self

    @property
    def stages(self) -> tuple[FusionStage, ...]:
        """The stages of the schedule, in their order."""
        return schedule(self.schedule)

    def steps_of(self, stage: FusionStage) -> int:
        """The steps of a stage; one that does everything at once has those of all three."""
        own = {"align": self.align_steps, "fuse": self.fuse_steps, "together": self.together_steps}
        return own.get(stage.name, sum(own.values()))

    @property
    def steps(self) -> int:
        """The steps of each net, all stages together."""
        return sum(self.steps_of(stage) for stage in self.stages)

    def stage_at(self, step: int) -> FusionStage:
        """The stage that a step belongs to; after the end, the last."""
        for stage in self.stages:
            step -= self.steps_of(stage)
            if step < 0:
                return stage
        return self.stages[-1]

    @property
    def trained(self) -> tuple[str, ...]:
        """The inner nodes that are trained, each behind its parent."""
        order, front = list[str](), [ROOT]
        while front:
            node = front.pop(0)
            order.append(node)
            front += [child for child in self.tree[node] if child in self.tree]
        return tuple(node for node in order if not self.nodes or node in self.nodes)

    def ours(self) -> dict[str, Any]:
        """The options of :data:`OURS`, for the card of what was trained."""
        values = self.to_json()
        return {name: values[name] for name in OURS}


def leaf_labels(parts: Mapping[str, Sequence[str]], regions: Sequence[str]) -> list[int]:
    """For each of a domain's regions, the place of the leaf that stands for it.

    Raises ConfigError for a region that two leaves claim, or none, and for a name that the domain does not have.
    """
    found: dict[str, int] = {}
    for place, (leaf, own) in enumerate(parts.items()):
        for name in own:
            if name not in regions:
                raise ConfigError(f"'{leaf}' stands for '{name}', which is no region here ({', '.join(regions)})")
            if name in found:
                raise ConfigError(f"two leaves stand for the region '{name}'")
            found[name] = place
    if missing := [name for name in regions if name not in found]:
        raise ConfigError(f"no leaf of the tree stands for the region '{missing[0]}'")
    return [found[name] for name in regions]
