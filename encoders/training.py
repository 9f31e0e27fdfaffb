"""Training of the ReStyle-pSp encoder on a frozen generator.

For each batch the encoder refines its codes several times from the mean code; each refinement has a loss of its own,
the gradients add up, and one optimiser step follows (Alaluf et al. 2021, section 3). Runs resume, and scale out under
torchrun, as the generator's do.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from encoders.backbone import ResidualEncoder, widen_input
from encoders.checkpoint import load_encoder, save_encoder
from encoders.config import EncoderTrainConfig
from encoders.points import PointsDistance
from encoders.restyle import Refiner
from encoders.state import EncoderState, initial_state
from encoders.stored import StoredEncoder
from semedit.data.source import Batch, Source
from semedit.domains import Domain
from semedit.errors import ConfigError
from semedit.metrics.pixels import mse
from semedit.metrics.placed import placed
from semedit.networks.irse import IrSeFace, IrTrunk
from semedit.networks.precision import training_cast
from semedit.networks.style_based import StyleBasedGenerator
from semedit.pictures.sheets import save_picture, sheet
from semedit.storage.atomic import write_json
from semedit.storage.content import check_file
from semedit.storage.pickled import read_pickle
from semedit.storage.weights import load_state
from semedit.training.engine.feed import Feed, open_source, sample_pictures
from semedit.training.engine.folder import run_folder
from semedit.training.engine.run import CONFIG, Due, Plan, run_steps
from semedit.training.engine.schedule import descent
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
from semedit.training.teaching.classroom import kept_lessons, open_teacher
from semedit.training.teaching.objectives import choose_points, label_weights, wplus
from semedit.training.teaching.source import LessonSource, TaughtBatch, TaughtSource

ENCODER = "encoder.safetensors"
#: Pixels among which a point is chosen by the weight of its label.
CANDIDATES = 4
#: Options that do not decide what a step computes.
FREE_OPTIONS = ("steps", "log_every", "checkpoint_every", "sheet_every")


@torch.no_grad()
def spread(generator: StyleBasedGenerator, samples: int = 10_000) -> float:
    """The mean variance of the coordinates of mapped codes."""
    z = torch.randn(samples, generator.config.style_dim, generator=torch.Generator().manual_seed(0))
    return generator.mapping(z.to(generator.device)).var(0).mean().item()


class EncoderStep:
    """One step: ``refinements`` losses on a batch, then the optimiser."""

    def __init__(
        self,
        config: EncoderTrainConfig,
        state: EncoderState,
        generator: StyleBasedGenerator,
        domain: Domain,
        team: Team,
    ):
        self.config, self.state, self.team = config, state, team
        self.perceptual = placed(domain.perceptual_training(), team.device) if config.looks else None
        self.identity = placed(domain.identity_loss(), team.device) if config.identity_weight else None
        self.points = PointsDistance(generator, config.precision) if config.point_weight else None
        self.refiner = Refiner(generator, state.encoder, generator.mean_w(config.mean_samples))
        #: Mean variance of the coordinates of mapped codes.
        self.spread = spread(generator)
        self.optimisers = list(state.optimisers.values())
        self.base = [[group["lr"] for group in optimiser.param_groups] for optimiser in self.optimisers]
        self.wrapped = self.refiner.encoder = team.wrap(state.encoder)

    def run(self, batch: Batch) -> None:
        """One step on this process's share of a batch; its masks are not looked at."""
        config, state, generator, images = self.config, self.state, self.refiner.generator, batch.images
        state.encoder.train(not config.frozen_norms)
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        target, true = self.refiner.fit(images), self.true_codes(batch)
        code, image = self.refiner.start(len(images))
        for number in range(config.refinements):
            last = number == config.refinements - 1
            noise = [self.team.share(n) for n in generator.noise_maps("random", config.batch)]
            with syncing(self.wrapped, last):
                with training_cast(config.precision, images.device.type):
                    code = self.refiner.encode(target, code, image)
                    if config.looks or not last:
                        with torch.set_grad_enabled(config.looks):
                            image = generator(code, noise=noise).image
                losses = self.losses(code, image, images, true)
                if self.points is not None and true is not None and isinstance(batch, TaughtBatch):
                    losses["points"] = self.points(code, true, self.draw_points(batch.lessons.labels)).mean()
                self.weigh(losses).backward()
            self.note(number, losses)
        factor = descent(state.step, config.steps, config.cooling)
        for optimiser, base in zip(self.optimisers, self.base, strict=True):
            for group, lr in zip(optimiser.param_groups, base, strict=True):
                group["lr"] = lr * factor
            optimiser.step()
        state.step += 1

    def true_codes(self, batch: Batch) -> Tensor | None:
        """The codes (B, L, D) that the generator has for a batch of lessons; None for other pictures."""
        if not ((self.config.code_weight or self.points) and isinstance(batch, TaughtBatch)):
            return None
        with torch.no_grad():
            return wplus(self.refiner.generator, batch.lessons)

    def losses(self, code: Tensor, image: Tensor, target: Tensor, true: Tensor | None = None) -> dict[str, Tensor]:
        """Loss terms of codes (B, L, D) and their pictures (B, 3, H, W), unweighted."""
        found = {}
        if self.perceptual is not None:
            found = {"perceptual": self.perceptual.distance(image, target).mean(), "mse": mse(image, target).mean()}
        if self.identity is not None:
            found["identity"] = (1 - self.identity.identity(image, target)).mean()
        if self.config.latent_weight:
            found["latent"] = (code.float() - self.refiner.start_code).square().mean()
        if true is not None and self.config.code_weight:
            found["code"] = (code.float() - true).square().mean() / self.spread
        return found

    def draw_points(self, labels: Tensor) -> Tensor:
        """This process's share of points (B, P, 2) in pixels (x, y), drawn by the labels (B, H, W) of the batch."""
        config, width = self.config, labels.shape[-1]
        weight = label_weights(labels, len(self.refiner.generator.regions), config.point_balance)
        chosen = choose_points(labels, weight, (config.batch, config.points, CANDIDATES), self.team.share)
        return torch.stack([chosen % width, chosen // width], dim=2)

    def weigh(self, losses: dict[str, Tensor]) -> Tensor:
        config = self.config
        weights = {
            "perceptual": config.perceptual_weight,
            "mse": config.mse_weight,
            "identity": config.identity_weight,
            "latent": config.latent_weight,
            "code": config.code_weight,
            "points": config.point_weight,
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
    generator: StyleBasedGenerator,
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


def _trained(config: EncoderTrainConfig, folder: Path, generator: StyleBasedGenerator, domain: Domain, team: Team,
             progress: Callable[[int, int], None] | None, say: Callable[[str], None]) -> EncoderState:  # fmt: skip
    """The training in a folder that is this run's."""
    if config.start and not (folder / STATE).exists():
        check_file(config.start)
    generator.to(team.device)
    state = initial_state(config, team.device)
    if (folder / STATE).exists():
        _restore(folder / STATE, config, state, generator.fingerprint)
        say(f"{folder}: going on from step {state.step} of {config.steps}")
    elif config.start:
        start_from(state.encoder, config.start)
    source = pictures(config, generator, domain, team, folder)
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


def pictures(config: EncoderTrainConfig, generator: StyleBasedGenerator, domain: Domain, team: Team,
             folder: Path) -> Source:  # fmt: skip
    """The batches of a run: lessons, or pictures alone. Raises ConfigError where a domain has no lessons."""
    if config.lessons is None:
        return open_source(Feed(config.data, config.batch, config.seed, generator.config.size, None, team), folder)
    teacher = open_teacher(config.lessons, generator.config, domain)
    lessons = kept_lessons(folder, teacher, team, config.lessons.count, config.lessons.seed, False)
    own = LessonSource(lessons.to(team.device), config.batch, config.seed, team.share)
    return TaughtSource(own, len(domain.regions))


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
    tensors = pack_modules(state, ("encoder",)) | pack_optimisers(state, tuple(state.optimisers))
    write_state(folder / STATE, header, tensors)
    card = {"images": state.step * config.batch, "config": config.to_json()}
    latent_avg = step.refiner.start_code[0, :1]
    save_encoder(folder / ENCODER, StoredEncoder(state.encoder, latent_avg, fingerprint, card))


def _restore(path: Path, config: EncoderTrainConfig, state: EncoderState, fingerprint: str) -> None:
    header, tensors = read_state(path, next(state.encoder.parameters()).device)
    then = EncoderTrainConfig.from_json(header["config"])  # options that came later have their defaults there
    check_options(path, then.to_json(), config.to_json(), FREE_OPTIONS)
    if header.get("generator") != fingerprint:
        raise ConfigError(f"{path} belongs to generator {header.get('generator')}, not to {fingerprint}")
    unpack(state, tensors, ("encoder",), tuple(state.optimisers), path)
    state.step = header["step"]
