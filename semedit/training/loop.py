"""The training loop: data, steps, logs, sample sheets and checkpoints of one run folder; the same command resumes.

A run folder holds ``config.json``, ``state.safetensors`` (the full state, replaced atomically), ``log.jsonl``,
``samples/`` and ``generator.safetensors`` (the averaged generator, written with each state). Every draw of step i comes
from a seed that depends on (seed, i) alone, so a run that was killed and resumed ends with the same bits.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from semedit.checkpoint import save_generator
from semedit.domains.portraits.pool import cached_pool, draw_pool
from semedit.files import make_folder, replacing, write_json
from semedit.generator import SemanticGenerator
from semedit.images import labels_to_colours, save_picture, sheet
from semedit.regions import RegionTable
from semedit.training.gan import GanState, GanStep, initial_state
from semedit.training.recipes import TrainConfig
from semedit.training.state_file import restore_state, save_state, step_seed

STATE, GENERATOR, LOG, CONFIG = "state.safetensors", "generator.safetensors", "log.jsonl", "config.json"
SHEET_COUNT = 16


class RunLog:
    """JSON lines, and TensorBoard scalars where that package is installed.

    Lines of steps that will be done again (after a kill) are dropped on opening.
    """

    def __init__(self, folder: Path, step: int):
        path = folder / LOG
        lines = path.read_text().splitlines() if path.exists() else []
        kept = [line for line in lines if _step_of(line) < step]
        with replacing(path) as temporary:
            temporary.write_text("".join(line + "\n" for line in kept))
        self.file = open(path, "a", buffering=1)  # noqa: SIM115 (lives as long as the run)
        try:
            from torch.utils.tensorboard import SummaryWriter

            self.board: Any = SummaryWriter(str(folder / "tensorboard"), purge_step=step)
        except ImportError:
            self.board = None

    def write(self, step: int, values: dict[str, float]) -> None:
        self.file.write(json.dumps({"step": step, **values}) + "\n")
        if self.board is not None:
            for name, value in values.items():
                self.board.add_scalar(name, value, step)

    def close(self) -> None:
        self.file.close()
        if self.board is not None:
            self.board.close()


def _step_of(line: str) -> int:
    try:
        return int(json.loads(line)["step"])
    except (json.JSONDecodeError, KeyError):
        return 2**62  # a half-written last line


def sample_sheet(generator: SemanticGenerator, path: Path, count: int = SHEET_COUNT, psi: float = 1.0) -> None:
    """Write a sheet of fixed samples, each picture with its label map below."""
    z = torch.randn(count, generator.config.style_dim, generator=torch.Generator().manual_seed(0)).to(generator.device)
    with torch.no_grad():
        latent = generator.latent(generator.mapping(z)).truncate(generator.mean_w(), psi)
        out = generator(latent)
    colours = labels_to_colours(out.labels, generator.regions)
    save_picture(sheet(torch.cat([out.image, colours], dim=2), columns=8), path)


def train(
    config: TrainConfig,
    folder: str | Path,
    *,
    regions: RegionTable,
    device: str = "cpu",
    progress: Callable[[int, int, dict[str, float]], None] | None = None,
) -> GanState:
    """Run, or resume, the training that ``config`` describes in ``folder``; returns the final state.

    ``progress`` receives (step, steps, losses) after each step. Raises ConfigError if the folder holds another run.
    """
    folder = make_folder(folder)
    state = initial_state(config, torch.device(device), regions)
    if (folder / STATE).exists():
        restore_state(folder / STATE, config, state)
    write_json(folder / CONFIG, config.to_json())
    size, data = config.generator.size, config.data
    pool = cached_pool(folder, data.pool, size, data.seed, data.style) if data.pool else None
    step, log = GanStep(config, state), RunLog(folder, state.step)
    began, first = time.monotonic(), state.step
    try:
        while state.step < config.steps:
            seed = step_seed(config.seed, state.step)
            source = pool or draw_pool(config.batch, size, seed % 2**40, data.style)
            torch.manual_seed(seed)
            step.run(source.batch(config.batch, seed, config.generator.regions).to(state.path_mean.device))
            done = state.step == config.steps
            if progress:
                progress(state.step, config.steps, state.losses)
            if state.step % config.log_every == 0 or done:
                rate = (state.step - first) * config.batch / (time.monotonic() - began)
                log.write(state.step - 1, {**state.losses, "images": state.step * config.batch, "images_per_s": rate})
            if state.step % config.sheet_every == 0 or done:
                sample_sheet(state.average, folder / "samples" / f"{state.step:07d}.png")
            if state.step % config.checkpoint_every == 0 or done:
                save_state(folder / STATE, config, state)
                save_generator(folder / GENERATOR, state.average, extra={"images": state.step * config.batch})
    finally:
        log.close()
    return state
