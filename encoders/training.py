"""Training of the ReStyle-pSp encoder on a frozen generator.

For each batch the encoder refines its codes several times from the mean code; each refinement has a loss of its own,
the gradients add up, and one optimiser step follows (Alaluf et al. 2021, section 3). Runs resume, and scale out under
torchrun, as the generator's do.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from encoders.backbone import EncoderConfig, ResidualEncoder, widen_input
from encoders.checkpoint import load_encoder, save_encoder
from encoders.ranger import Ranger
from encoders.restyle import Refiner
from encoders.stored import StoredEncoder
from semedit.config import Config, Seed
from semedit.data.source import Batch, Source
from semedit.domains import Domain
from semedit.errors import ConfigError
from semedit.metrics.pixels import mse
from semedit.metrics.placed import placed
from semedit.networks.generator import SemanticGenerator
from semedit.networks.irse import IrSeFace, IrTrunk
from semedit.networks.precision import training_cast
from semedit.pictures.sheets import save_picture, sheet
from semedit.pictures.tensors import fit
from semedit.storage.atomic import write_json
from semedit.storage.content import check_file
from semedit.storage.pickled import read_pickle
from semedit.storage.weights import load_state
from semedit.training.engine.feed import DataConfig, Feed, open_source, sample_pictures
from semedit.training.engine.folder import run_folder
from semedit.training.engine.run import CONFIG, Due, Plan, run_steps
from semedit.training.engine.state import (
    STATE,
    check_options,
    pack_modules,
    pack_optimisers,
    read_state,
    unpack,
    write_state,
)
from semedit.training.engine.team import Team, syncing

ENCODER = "encoder.safetensors"
#: Options that do not decide what a step computes.
FREE_OPTIONS = ("steps", "log_every", "checkpoint_every", "sheet_every")


class EncoderTrainConfig(Config):
    """One run of the encoder's trainer; the losses' weights and the schedule are ReStyle's."""

    noun: ClassVar[str] = "encoder training configuration"

    name: str = Field(description="the run's name, and that of its folder unless told")
    encoder: EncoderConfig = Field(description="sizes of the encoder")
    data: DataConfig = Field(DataConfig(mirror=True), description="where training pictures come from")
    steps: int = Field(500_000, ge=1, description="optimiser steps in all")
    batch: int = Field(8, ge=1, description="pictures of a step, those of all processes together")
    refinements: int = Field(5, ge=1, description="refinements of each batch")
    lr: float = Field(1e-4, gt=0, description="Ranger's learning rate")
    perceptual_weight: float = Field(0.8, ge=0, description="weight of the domain's perceptual distance")
    mse_weight: float = Field(1.0, ge=0, description="weight of the mean squared error on [-1, 1]")
    identity_weight: float = Field(0.1, ge=0, description="weight of 1 - similarity of persons; 0 needs no network")
    latent_weight: float = Field(0.0, ge=0, description="mean squared distance of codes from the mean code")
    start: str = Field("", description="encoder, or IR-SE50 face network, whose weights the training begins with")
    mean_samples: int = Field(100_000, ge=1, description="mapped codes whose mean the refinement starts from")
    seed: Seed = Field(0, description="seed of the encoder and of every draw")
    precision: Literal["fp32", "bf16"] = Field("fp32", description="number format of the networks' passes")
    log_every: int = Field(50, ge=1, description="steps between lines of the log")
    sheet_every: int = Field(500, ge=1, description="steps between sheets of reconstructions")
    checkpoint_every: int = Field(500, ge=1, description="steps between writings of the state, from which runs resume")


@dataclass
class EncoderState:
    """Everything that training changes."""

    encoder: ResidualEncoder
    optimiser: Ranger
    step: int = 0
    losses: dict[str, Tensor] = field(default_factory=dict)


class EncoderStep:
    """One step: ``refinements`` losses on a batch, then the optimiser."""

    def __init__(
        self,
        config: EncoderTrainConfig,
        state: EncoderState,
        generator: SemanticGenerator,
        domain: Domain,
        team: Team,
    ):
        self.config, self.state, self.team = config, state, team
        self.perceptual = placed(domain.perceptual_training(), team.device)
        self.identity = placed(domain.identity_loss(), team.device) if config.identity_weight else None
        self.refiner = Refiner(generator, state.encoder, generator.mean_w(config.mean_samples))
        self.wrapped = self.refiner.encoder = team.wrap(state.encoder)

    def run(self, batch: Batch) -> None:
        """One step on this process's share of a batch; its masks are not looked at."""
        config, state, generator, images = self.config, self.state, self.refiner.generator, batch.images
        state.encoder.train()
        state.optimiser.zero_grad(set_to_none=True)
        target = fit(images, config.encoder.size)
        code, image = self.refiner.start(len(images))
        for number in range(config.refinements):
            noise = [self.team.share(n) for n in generator.noise_maps("random", config.batch)]
            with syncing(self.wrapped, number == config.refinements - 1):
                with training_cast(config.precision, images.device.type):
                    code, image = self.refiner.step(target, code, image, noise)
                losses = self.losses(code, image, images)
                self.weigh(losses).backward()
            self.note(number, losses)
        state.optimiser.step()
        state.step += 1

    def losses(self, code: Tensor, image: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Loss terms of codes (B, L, D) and their pictures (B, 3, H, W), unweighted."""
        found = {"perceptual": self.perceptual.distance(image, target).mean(), "mse": mse(image, target).mean()}
        if self.identity is not None:
            found["identity"] = (1 - self.identity.identity(image, target)).mean()
        if self.config.latent_weight:
            found["latent"] = (code.float() - self.refiner.start_code).square().mean()
        return found

    def weigh(self, losses: dict[str, Tensor]) -> Tensor:
        config = self.config
        weights = {
            "perceptual": config.perceptual_weight,
            "mse": config.mse_weight,
            "identity": config.identity_weight,
            "latent": config.latent_weight,
        }
        return torch.stack([weights[name] * value for name, value in losses.items()]).sum()

    def note(self, number: int, losses: dict[str, Tensor]) -> None:
        """Losses of the first and the last refinement are logged: their distance is what refinement brings."""
        if number in (0, self.config.refinements - 1):
            suffix = "_first" if number == 0 else ""
            self.state.losses |= {name + suffix: value.detach() for name, value in losses.items()}

    def mean_losses(self) -> dict[str, float]:
        """The latest losses, averaged over the processes."""
        return self.team.mean_losses(self.state.losses)


def train_encoder(
    config: EncoderTrainConfig,
    folder: str | Path,
    generator: SemanticGenerator,
    *,
    domain: Domain,
    team: Team | None = None,
    progress: Callable[[int, int], None] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> EncoderState:
    """Run, or resume, the training that ``config`` describes in ``folder``; the encoder is written beside the state.

    ``generator`` is frozen. Raises ConfigError for a folder of another run, or an encoder whose rows are not the
    generator's; MissingWeights if the domain lacks the network of a loss.
    """
    team = team or Team()
    with run_folder(folder, team) as own:
        return _trained(config, own, generator, domain, team, progress, say)


def _trained(config: EncoderTrainConfig, folder: Path, generator: SemanticGenerator, domain: Domain, team: Team,
             progress: Callable[[int, int], None] | None, say: Callable[[str], None]) -> EncoderState:  # fmt: skip
    """The training in a folder that is this run's."""
    if config.start and not (folder / STATE).exists():
        check_file(config.start)
    generator.to(team.device)
    torch.manual_seed(config.seed)
    encoder = ResidualEncoder(config.encoder).to(team.device).to(memory_format=torch.channels_last)
    state = EncoderState(encoder, Ranger(encoder.parameters(), lr=config.lr))
    if (folder / STATE).exists():
        _restore(folder / STATE, config, state, generator.fingerprint)
        say(f"{folder}: going on from step {state.step} of {config.steps}")
    elif config.start:
        start_from(encoder, config.start)
    source = open_source(Feed(config.data, config.batch, config.seed, generator.config.size, None, team), folder)
    step = EncoderStep(config, state, generator, domain, team)
    if team.primary:
        write_json(folder / CONFIG, config.to_json())
    due = (
        Due(config.checkpoint_every, lambda _: _save(folder, config, step, generator.fingerprint), keeps=True),
        Due(config.sheet_every, lambda _: _sheet(folder, step, source)),
    )
    plan = Plan(config.steps, config.batch, config.seed, config.log_every)
    run_steps(plan, state, step, source, team, folder, due, progress)
    return state


def start_from(encoder: ResidualEncoder, path: str | Path) -> None:
    """Give an encoder the weights of another of its sizes, or the trunk of an IR-SE50 face network.

    A face network's first convolution becomes channels 0-2 of the encoder's, and the heads stay as they are. Raises
    CheckpointError for a file of other sizes.
    """
    if Path(path).suffix in (".pt", ".pth") and "output_layer.3.weight" in read_pickle(path):
        face = IrSeFace.load(path)
        own = encoder.trunk.state_dict()
        theirs = {k: v for k, v in face.state_dict().items() if not k.startswith("output_layer.")}
        first = theirs.pop("input_layer.0.weight")
        load_state(encoder.trunk, {**theirs, "input_layer.0.weight": own["input_layer.0.weight"]}, path)
        assert isinstance(encoder.trunk, IrTrunk)
        widen_input(encoder.trunk, first)
    else:
        load_state(encoder, load_encoder(path).encoder.state_dict(), path)


@torch.no_grad()
def progress_sheet(step: EncoderStep, images: Tensor) -> Tensor:
    """A picture: targets (B, 3, H, W) in the first row, then the mean and each refinement."""
    step.state.encoder.eval()
    refiner = Refiner(step.refiner.generator, step.state.encoder, step.refiner.start_code[0, :1])
    way = refiner.refine(images, step.config.refinements)
    return sheet(torch.cat([images, *way.images]), columns=len(images))


def _sheet(folder: Path, step: EncoderStep, source: Source) -> None:
    pictures = sample_pictures(source, 8).images.to(step.team.device)
    save_picture(progress_sheet(step, pictures), folder / "samples" / f"{step.state.step:07d}.png")


def _save(folder: Path, config: EncoderTrainConfig, step: EncoderStep, fingerprint: str) -> None:
    state = step.state
    header = {"step": state.step, "config": config.to_json(), "generator": fingerprint}
    write_state(folder / STATE, header, pack_modules(state, ("encoder",)) | pack_optimisers(state, ("optimiser",)))
    card = {"images": state.step * config.batch, "config": config.to_json()}
    latent_avg = step.refiner.start_code[0, :1]
    save_encoder(folder / ENCODER, StoredEncoder(state.encoder, latent_avg, fingerprint, card))


def _restore(path: Path, config: EncoderTrainConfig, state: EncoderState, fingerprint: str) -> None:
    header, tensors = read_state(path, next(state.encoder.parameters()).device)
    check_options(path, header["config"], config.to_json(), FREE_OPTIONS)
    if header.get("generator") != fingerprint:
        raise ConfigError(f"{path} belongs to generator {header.get('generator')}, not to {fingerprint}")
    unpack(state, tensors, ("encoder",), ("optimiser",), path)
    state.step = header["step"]
