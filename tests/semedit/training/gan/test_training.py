"""The trainer: its laws, its checkpoints, and what a kill does to a run."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from semedit.data.drawn import draw_pool
from semedit.data.source import Batch
from semedit.domains.portraits.domain import PORTRAITS
from semedit.errors import CheckpointError, ConfigError, UnknownName
from semedit.latents.regions import CELEBAMASK
from semedit.networks.discriminator import DualDiscriminator
from semedit.networks.generator import SemanticGenerator
from semedit.networks.synthesis import Synthesis
from semedit.training.engine.averaging import update_ema
from semedit.training.engine.feed import DataConfig
from semedit.training.engine.state import STATE
from semedit.training.gan.config import TrainConfig
from semedit.training.gan.draws import draw_mixing
from semedit.training.gan.losses import mask_consistency, path_lengths, r1_penalties, update_path_mean
from semedit.training.gan.recipes import RECIPES, recipe
from semedit.training.gan.state import initial_state, lazy_adam, resumed_state
from semedit.training.gan.step import GanStep
from semedit.training.gan.trainer import train

TINY = recipe("portraits-tiny").replace(
    images=64, batch=8, data=DataConfig(pool=32, differentiable="off"), monitor_every=0
)


def bits(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def step():
    return GanStep(TINY, initial_state(TINY, torch.device("cpu"), CELEBAMASK))


@pytest.fixture(scope="module")
def batch() -> Batch:
    return draw_pool(PORTRAITS.draw, 8, 16, 1).batch(8, 0, 13)


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_survive_json(name):
    config = recipe(name)
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config and config.name == name


def test_overrides_and_bad_options():
    wanted = ["lr=0.001", "generator.local_channels=24", "precision=fp32"]
    config = recipe("portraits-adversarial").with_overrides(wanted)
    assert (config.lr, config.generator.local_channels, config.precision) == (0.001, 24, "fp32")
    for bad, message in (
        ("lr=-1", "greater than 0"),
        ("lrr=1", "valid options"),
        ("batch=6", "divisible"),
        ("lr", "name=value"),
    ):
        with pytest.raises(ConfigError, match=message):
            recipe("portraits-adversarial").with_overrides([bad])
    with pytest.raises(UnknownName, match="portraits-adversarial"):
        recipe("portraits-65")


def test_each_phase_changes_its_own_network_only(step, batch):
    networks = {"g": step.state.generator, "d": step.state.discriminator}
    assert [phase.name for phase in step.phases] == ["Dmain", "Dreg", "Gmain", "Greg"]
    for phase in step.phases:
        before = {name: bits(network) for name, network in networks.items()}
        step.turn_to(phase)
        phase.do(batch)
        changed = {name for name, network in networks.items() if not same(before[name], bits(network))}
        assert changed == {phase.trains}, phase.name


def test_phases_are_done_when_they_are_due(step, batch):
    done = []
    step.phases = tuple(replace(p, do=lambda _, name=p.name: done.append(name)) for p in step.phases)
    for _ in range(5):
        step.run(batch)
    assert done.count("Dmain") == done.count("Gmain") == 5
    assert done.count("Dreg") == 1 and done.count("Greg") == 2  # at steps 0; 0 and 4
    assert done[:4] == ["Dmain", "Dreg", "Gmain", "Greg"]


def test_the_discriminator_is_shown_the_current_generator(step, batch):
    """Weights that are kept between calls in evaluation must not outlive an optimiser step."""
    for _ in range(3):
        step.run(batch)
    generator, w = step.state.generator, torch.randn(1, 16)
    fresh = initial_state(TINY, torch.device("cpu"), CELEBAMASK).generator
    fresh.load_state_dict(generator.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(generator(w).image, fresh(w).image, rtol=0, atol=1e-6)


def test_ema_reaches_its_half_life():
    average, current = torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(average.weight), torch.nn.init.ones_(current.weight)
    decay = 0.5 ** (32 / 10_000)
    for _ in range(312):
        update_ema(average, current, decay)
    assert average.weight.item() == pytest.approx(1 - decay**312, abs=1e-4) and abs(average.weight.item() - 0.5) < 1e-3


def test_lazy_adam_has_the_corrected_options():
    group = lazy_adam(torch.nn.Linear(1, 1), 0.002, 4).param_groups[0]
    assert group["lr"] == pytest.approx(0.0016) and group["betas"] == pytest.approx((0.0, 0.991992), abs=1e-6)
    group = lazy_adam(torch.nn.Linear(1, 1), 0.002, 16).param_groups[0]
    assert group["lr"] == pytest.approx(0.00188235, rel=1e-5) and group["betas"][1] == pytest.approx(0.990586, abs=1e-6)


def test_r1_of_a_linear_discriminator_is_its_squared_norm():
    weight, x = torch.randn(5), torch.randn(3, 5, requires_grad=True)
    (penalty,) = r1_penalties(x @ weight, x)
    torch.testing.assert_close(penalty, weight.square().sum())


def test_mask_consistency_of_a_shift():
    coarse = torch.randn(2, 3, 4, 4)
    fine = coarse.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert mask_consistency(Synthesis(fine, fine, coarse, coarse)).item() == pytest.approx(0, abs=1e-12)
    assert mask_consistency(Synthesis(fine, fine + 0.5, coarse, coarse)).item() == pytest.approx(0.25, rel=1e-5)


def test_path_length_of_a_linear_picture():
    codes, noise = torch.randn(2, 5, 4, requires_grad=True), torch.randn(2, 3, 2, 2)
    image = codes.sum((1, 2))[:, None, None, None] * torch.ones(2, 3, 2, 2)
    lengths = path_lengths(image, codes, noise)
    torch.testing.assert_close(lengths, noise.sum((1, 2, 3)).abs() * 2)
    assert update_path_mean(torch.zeros(()), lengths).item() == pytest.approx(0.01 * lengths.mean().item())


def test_style_mixing_keeps_base_rows_and_mixes_three_ways():
    torch.manual_seed(0)
    rows = draw_mixing(300, 3, 2, torch.device("cpu")).int()
    assert (rows[:, :2] == 0).all()
    pairs = rows[:, 2:].reshape(-1, 2)
    kinds, counts = pairs.unique(dim=0, return_counts=True)
    assert kinds.tolist() == [[0, 0], [0, 1], [1, 1]] and (counts > 240).all()


def test_training_runs_logs_and_resumes_longer(tmp_path):
    state = train(TINY, tmp_path, domain=PORTRAITS)
    assert state.step == TINY.steps == 8
    longer = train(TINY.replace(images=96), tmp_path, domain=PORTRAITS)
    assert longer.step == 12
    steps = [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps)) and steps[-1] == 11
    assert list((tmp_path / "samples").glob("*.png"))


def test_bf16_trains(tmp_path):
    state = train(TINY.replace(precision="bf16", images=16), tmp_path, domain=PORTRAITS)
    assert all(torch.isfinite(p).all() for p in state.generator.parameters())


def test_n_steps_equal_two_halves_bit_for_bit(tmp_path):
    whole = train(TINY, tmp_path / "whole", domain=PORTRAITS)
    train(TINY.replace(images=24), tmp_path / "halves", domain=PORTRAITS)
    halves = train(TINY, tmp_path / "halves", domain=PORTRAITS)
    for name in ("generator", "discriminator", "average"):
        assert same(bits(getattr(whole, name)), bits(getattr(halves, name))), name
    assert torch.equal(whole.path_mean, halves.path_mean)


KILLED = """
import sys, json
from semedit.domains.portraits.domain import PORTRAITS
from semedit.training.gan.trainer import train
from semedit.training.gan.config import TrainConfig
train(TrainConfig.from_json(json.loads(sys.argv[1])), sys.argv[2], domain=PORTRAITS)
"""


@pytest.mark.parametrize("delay", [0.0, 0.13, 0.31])
def test_a_killed_run_ends_with_the_same_bits(tmp_path, delay):
    """SIGKILL some time after the first checkpoint, then the same command again."""
    config = TINY.replace(images=8 * 40, checkpoint_every=3, sheet_every=1000)
    whole = train(config, tmp_path / "whole", domain=PORTRAITS)
    folder = tmp_path / "killed"
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, json.dumps(config.to_json()), str(folder)], env={**os.environ, **threads}
    )
    deadline = time.monotonic() + 120
    while not (folder / STATE).exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (folder / STATE).exists()
    resumed = train(config, folder, domain=PORTRAITS)  # reading the state proves that it is whole
    for name in ("generator", "discriminator", "average"):
        assert same(bits(getattr(whole, name)), bits(getattr(resumed, name))), name


def test_a_run_folder_of_other_options_is_refused(tmp_path):
    train(TINY.replace(images=32), tmp_path, domain=PORTRAITS)
    before = (tmp_path / STATE).read_bytes()
    with pytest.raises(ConfigError, match=r"other options \(lr\)"):
        train(TINY.replace(lr=0.1), tmp_path, domain=PORTRAITS)
    assert (tmp_path / STATE).read_bytes() == before


def test_a_corrupt_state_is_refused(tmp_path):
    (tmp_path / STATE).write_bytes(b"not a state")
    with pytest.raises(CheckpointError, match="cannot be read as a training state"):
        train(TINY, tmp_path, domain=PORTRAITS)


def test_writing_is_atomic(tmp_path, monkeypatch):
    """A write that dies leaves the old file, and nothing half-written under its name."""
    from semedit.storage import atomic

    target = tmp_path / "x.bin"
    atomic.write_bytes(target, b"old")

    def broken(_path, _target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "replace", broken)
    with pytest.raises(atomic.OutputError, match="No space left"):
        atomic.write_bytes(target, b"new")
    assert (
        target.read_bytes() == b"old"
        and [p.name for p in tmp_path.glob("[!.]*")] == ["x.bin"]
        and not list(tmp_path.glob("*.tmp"))
    )


def test_resuming_builds_each_network_once(tmp_path, monkeypatch):
    """Three networks, from the state file alone; none is drawn at random to be overwritten."""
    train(TINY.replace(images=24), tmp_path, domain=PORTRAITS)
    built = []
    for kind in (SemanticGenerator, DualDiscriminator):
        original = kind.__init__

        def counting(self, *args, make=original, **options):
            built.append(type(self))
            make(self, *args, **options)

        monkeypatch.setattr(kind, "__init__", counting)
    monkeypatch.setattr("semedit.training.gan.trainer.starting_state", None)
    state = resumed_state(tmp_path / STATE, TINY, torch.device("cpu"))
    assert sorted(kind.__name__ for kind in built) == ["DualDiscriminator", "SemanticGenerator", "SemanticGenerator"]
    assert all(torch.isfinite(t).all() for t in state.generator.state_dict().values())
    assert train(TINY, tmp_path, domain=PORTRAITS).step == TINY.steps
