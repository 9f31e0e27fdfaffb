"""Training of a hierarchy of FusionNets on a frozen StyleGAN2 (StyleFusion, sections 4.3 and 4.4).

Regions are Ward clusters of the generator's activations, named by the domain's parser. The nets are trained one after
the other, from the root down; each sees pictures through its ancestors, which are frozen by then. Runs resume, and
scale out under torchrun, as the generator's do: a run folder holds ``config.json``, ``regions.safetensors``, a folder
for each node (``state.safetensors``, ``log.jsonl``, ``samples/`` of held-out codes), and in the end the hierarchy as
``fusion.safetensors``.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from baselines.stylefusion.config import FusionTrainConfig, leaf_labels
from baselines.stylefusion.fusion_net import FusionNet
from baselines.stylefusion.hierarchy import Hierarchy
from baselines.stylefusion.monitors import fusion_sheet, measure_fusion
from baselines.stylefusion.objective import Draw, Scene, set_learning, stage_terms
from baselines.stylefusion.regions import FusionRegions, learn_regions
from baselines.stylefusion.stored import FILE, StoredFusion, save_fusion
from baselines.stylegan2 import StyleCode, StyleGAN2Generator
from semedit.data.source import Share
from semedit.domains import Domain
from semedit.errors import ConfigError
from semedit.pictures.sheets import save_picture
from semedit.storage.atomic import make_folder, write_json
from semedit.training.engine.folder import run_folder
from semedit.training.engine.run import CONFIG, Due, Plan, run_steps
from semedit.training.engine.state import (
    STATE,
    check_options,
    pack_modules,
    pack_optimisers,
    read_state,
    step_seed,
    unpack,
    write_state,
)
from semedit.training.engine.team import Team

REGIONS = "regions.safetensors"
#: Options that do not decide what a step computes.
FREE_OPTIONS = ("name", "log_every", "sheet_every", "monitor_every", "checkpoint_every")
#: Seed of the codes that are never learnt from, and how many there are.
HELD_OUT_SEED, HELD_OUT = 5_550_001, 8
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FusionDraws:
    """z (B, K, D) of a step: of the two regions, the layout, what perturbs, then of every other node on the way up."""

    z: Tensor

    def to(self, device: torch.device) -> "FusionDraws":
        return FusionDraws(self.z.to(device))


@dataclass(frozen=True)
class DrawSource:
    """This process's shares of batches of draws; step i's are a function of (seed, i)."""

    batch: int
    codes: int
    width: int
    seed: int
    share: Share

    def stream(self, start: int) -> Iterator[FusionDraws]:
        step = start
        while True:
            generator = torch.Generator().manual_seed(step_seed(self.seed, step))
            yield FusionDraws(self.share(torch.randn(self.batch, self.codes, self.width, generator=generator)))
            step += 1


@dataclass(frozen=True, eq=False)
class FusionPlace:
    """A node with what is around it: the hierarchy above it, whose nets are frozen, and the regions of its children."""

    node: str
    hierarchy: Hierarchy
    generator: StyleGAN2Generator
    regions: FusionRegions
    psi: float = 1.0

    @property
    def others(self) -> tuple[str, ...]:
        """The nodes whose codes take part besides the node's own: its ancestors, and what else they fuse."""
        found, node = list[str](), self.node
        while (parent := self.hierarchy.parent(node)) is not None:
            found += [parent, *(child for child in self.hierarchy.tree[parent] if child != node)]
            node = parent
        return tuple(found)

    @property
    def groups(self) -> tuple[Sequence[str], Sequence[str]]:
        """The leaves of the two children."""
        first, second = self.hierarchy.tree[self.node]
        return self.hierarchy.leaves(first), self.hierarchy.leaves(second)

    @torch.no_grad()
    def styles(self, z: Tensor) -> StyleCode:
        """The style codes of z (B, D), truncated."""
        w = self.generator.mapping(z)
        if self.psi != 1:
            w = torch.lerp(self.generator.mean_w().to(w), w, self.psi)
        return self.generator.styles(w)

    def open(self, draws: FusionDraws) -> tuple[Draw, Scene]:
        """The codes of draws, and the scene that they are seen in."""
        codes = [self.styles(z) for z in draws.z.unbind(1)]
        around = dict(zip(self.others, codes[4:], strict=True))

        def upwards(code: StyleCode) -> StyleCode:
            return self.hierarchy.fuse({**around, self.node: code}) if around else code

        return Draw(*codes[:4]), Scene(self.generator, self.regions, self.groups, upwards)


class FusionObjective(nn.Module):
    """From draws to the named losses of a stage; ``net`` is trained, ``place`` frozen."""

    def __init__(self, net: FusionNet, place: FusionPlace, config: FusionTrainConfig):
        super().__init__()
        self.net, self.config, self.place = net, config, (place,)  # in a tuple, so that its networks are none of ours

    def forward(self, draws: FusionDraws, step: int) -> dict[str, Tensor]:
        draw, scene = self.place[0].open(draws)
        stage = self.config.stage_at(step)
        return {k: v.mean() for k, v in stage_terms(stage, self.net, draw, scene, self.config.losses.epsilon).items()}


@dataclass
class FusionState:
    """Everything that the training of one net changes."""

    net: FusionNet
    optimiser: torch.optim.Adam
    step: int = 0
    losses: dict[str, Tensor] = field(default_factory=dict)


class FusionStep:
    """The step of a node: the losses of its stage, weighted, then Adam on the blenders that the stage teaches."""

    def __init__(self, config: FusionTrainConfig, state: FusionState, place: FusionPlace, team: Team):
        self.config, self.state, self.place, self.team = config, state, place, team
        self.plain = FusionObjective(state.net, place, config)
        self.objective: nn.Module | None = None
        self.stage = ""

    def run(self, batch: FusionDraws) -> None:
        """One step on this process's share of a batch of draws."""
        state, stage = self.state, self.config.stage_at(self.state.step)
        if stage.name != self.stage or self.objective is None:
            # A data-parallel wrapper waits for the gradients of all that required one when it was made.
            set_learning(state.net, stage)
            self.stage, self.objective, state.losses = stage.name, self.team.wrap(self.plain), {}
        losses: dict[str, Tensor] = self.objective(batch, state.step)
        state.optimiser.zero_grad(set_to_none=True)
        torch.stack([getattr(self.config.losses, name) * value for name, value in losses.items()]).sum().backward()
        state.optimiser.step()
        state.losses = {name: value.detach() for name, value in losses.items()}
        state.step += 1

    def mean_losses(self) -> dict[str, float]:
        """The latest losses, averaged over the processes."""
        return self.team.mean_losses(self.state.losses)


def train_fusion(
    config: FusionTrainConfig,
    folder: str | Path,
    generator: StyleGAN2Generator,
    *,
    domain: Domain,
    team: Team | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> StoredFusion:
    """Run, or resume, the training that ``config`` describes in ``folder``; returns the hierarchy, frozen.

    ``progress`` receives (step, steps) of the net at work, ``say`` a line of text now and then. A net whose state has
    reached its end is not trained again. Raises ConfigError for a folder of another run or generator, or parts that do
    not make up the domain's regions; MissingWeights if the domain has no parser; OutputError if another trainer is at
    work in the folder, or it is not a run's.
    """
    team = team or Team()
    with run_folder(folder, team) as own:
        return _trained(config, own, generator, domain, team, progress, say)


def _trained(config: FusionTrainConfig, folder: Path, generator: StyleGAN2Generator, domain: Domain, team: Team,
             progress: Progress | None, say: Callable[[str], None]) -> StoredFusion:  # fmt: skip
    """The training in a folder that is this run's."""
    generator.to(team.device)
    regions = open_regions(config, folder, generator, domain, team)
    if team.primary:
        write_json(folder / CONFIG, config.to_json())
    nets: dict[str, FusionNet] = {}
    for number, node in enumerate(config.trained):
        place = FusionPlace(node, Hierarchy.of(config.tree, nets), generator, regions, config.psi)
        nets[node] = train_node(config, folder / node, place, number, team, progress, say)
    card = {"trained": list(nets), "schedule": config.schedule, "steps": config.steps, "chosen by us": config.ours()}
    found = StoredFusion(Hierarchy.of(config.tree, nets), config.parts, regions, generator.fingerprint, card)
    if team.primary:
        save_fusion(folder / FILE, found)
    return found


def train_node(
    config: FusionTrainConfig, folder: Path, place: FusionPlace, number: int, team: Team, progress: Progress | None,
    say: Callable[[str], None],
) -> FusionNet:  # fmt: skip
    """The net of one node, trained to its end in a folder of its own, and frozen."""
    seed = config.seed * 1_000 + number
    torch.manual_seed(seed)
    net = FusionNet(config.net).to(team.device)
    state = FusionState(net, torch.optim.Adam(net.parameters(), lr=config.lr, betas=(0.9, 0.99)))
    make_folder(folder)
    if (folder / STATE).exists():
        restore(folder / STATE, config, state, place)
    if state.step < config.steps:
        if team.primary:
            say(f"{config.name}: {place.node}, steps {state.step} to {config.steps}")
        step = FusionStep(config, state, place, team)
        width, codes = place.generator.config.style_dim, 4 + len(place.others)
        held = next(DrawSource(HELD_OUT, codes, width, HELD_OUT_SEED, Share()).stream(0)).to(team.device)
        source = DrawSource(config.batch, codes, width, seed, team.share)
        layout = config.stages[-1].layout

        def show() -> None:
            picture = fusion_sheet(net, *place.open(held), layout=layout)
            save_picture(picture, folder / "samples" / f"{state.step:07d}.png")

        due = (
            Due(config.sheet_every, lambda _: show()),
            Due(config.monitor_every,
                lambda log: log.write(state.step - 1, measure_fusion(net, *place.open(held), layout=layout))),
            Due(config.checkpoint_every, lambda _: checkpoint(folder / STATE, config, state, place),
                keeps=True),
        )  # fmt: skip
        plan = Plan(config.steps, config.batch, seed, config.log_every)
        run_steps(plan, state, step, source, team, folder, due, progress)
    return net.eval().requires_grad_(False)


def checkpoint(path: Path, config: FusionTrainConfig, state: FusionState, place: FusionPlace) -> None:
    """Write the full state of a node's training."""
    header = {
        "step": state.step, "config": config.to_json(), "node": place.node, "generator": place.generator.fingerprint,
    }  # fmt: skip
    write_state(path, header, pack_modules(state, ("net",)) | pack_optimisers(state, ("optimiser",)))


def restore(path: Path, config: FusionTrainConfig, state: FusionState, place: FusionPlace) -> None:
    """Go on from a node's own state file. Raises ConfigError if it was made with other options, or is another's."""
    header, tensors = read_state(path, next(state.net.parameters()).device)
    check_options(path, header["config"], config.to_json(), (*FREE_OPTIONS, "nodes"))
    if header.get("generator") != place.generator.fingerprint:
        raise ConfigError(f"{path} belongs to generator {header.get('generator')}, not {place.generator.fingerprint}")
    unpack(state, tensors, ("net",), ("optimiser",), path)
    state.step = header["step"]


def open_regions(
    config: FusionTrainConfig, folder: Path, generator: StyleGAN2Generator, domain: Domain, team: Team
) -> FusionRegions:
    """The regions of a run: those of its folder, those of a file, or newly clustered ones, named by the parser."""
    kept = folder / REGIONS
    if team.primary and not kept.exists():
        if config.regions:
            found = FusionRegions.load(config.regions)
        else:
            parse, table = domain.features().parse, domain.regions.names
            places = torch.tensor(leaf_labels(config.parts, table))
            draw = torch.Generator().manual_seed(config.seed)
            z = torch.randn(config.pictures, generator.config.style_dim, generator=draw)
            with torch.no_grad():
                w = generator.mapping(z.to(generator.device))
            found = learn_regions(
                generator, w, lambda images: places.to(images.device)[parse(images)], tuple(config.parts),
                clusters=config.clusters, size=config.size, pixels=config.pixels, temperature=config.temperature,
                seed=config.seed, complete=True,
            ).regions  # fmt: skip
        found.save(kept)
    team.barrier()
    found = FusionRegions.load(kept)
    if found.fingerprint and generator.fingerprint and found.fingerprint != generator.fingerprint:
        raise ConfigError(f"{kept} belongs to generator {found.fingerprint}, not to {generator.fingerprint}")
    if missing := [leaf for leaf in config.parts if not found.parts.get(leaf)]:
        raise ConfigError(f"{kept}: no cluster of pixels is called '{missing[0]}'")
    return found
