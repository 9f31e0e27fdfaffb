"""Several processes: the same gradients as one, the same averages on all, and runs that resume on another number."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from semedit.data.drawn import draw_pool
from semedit.data.source import Batch, Share
from semedit.domains.portraits.domain import PORTRAITS
from semedit.errors import ConfigError
from semedit.latents.regions import CELEBAMASK
from semedit.training.engine.feed import DataConfig
from semedit.training.engine.state import STATE, read_state
from semedit.training.engine.team import join_team
from semedit.training.gan.recipes import recipe
from semedit.training.gan.state import initial_state
from semedit.training.gan.step import GanStep
from semedit.training.gan.trainer import train
from semedit.training.teaching.course import teach
from semedit.training.teaching.recipes import course

CONFIG = recipe("portraits-tiny").replace(images=64, data=DataConfig(pool=32, differentiable="off"), monitor_every=0)

#: Runs the four phases on a share of one global batch and saves every gradient and value that must agree.
PHASES = """
import sys, torch
sys.path[:0] = sys.argv[2:3]
from tests.semedit.training.test_distributed import phases
from semedit.training.engine.team import join_team
torch.set_num_threads(1)
with join_team() as team:
    torch.save(phases(team), f"{sys.argv[1]}/{team.rank}.pt")
"""


def phases(team, config=CONFIG) -> dict[str, torch.Tensor]:
    """Gradients of each phase, the path-length mean and the average after one step, for one process's share."""
    state = initial_state(config, torch.device("cpu"), CELEBAMASK)
    step = GanStep(config, state, team, ("colour", "translation", "cutout"))
    whole = draw_pool(PORTRAITS.draw, config.batch, config.generator.size, 3).batch(config.batch, 0, 13)
    batch = Batch(team.share(whole.images), team.share(whole.masks))
    found = {}

    torch.manual_seed(5)
    for phase in step.phases:
        step.turn_to(phase)
        phase.do(batch)
        module = state.generator if phase.trains == "g" else state.discriminator
        grads = {n: p.grad for n, p in module.named_parameters() if p.grad is not None}
        found |= {f"{phase.name}.{n}": grad.clone() for n, grad in grads.items()}
    step.average()
    found |= {f"average.{n}": p.clone() for n, p in state.average.named_parameters()}
    found["path_mean"] = state.path_mean
    found["z"] = team.share(step.draw(config.batch).z)
    return found


def torchrun(processes: int, *command: str, **options) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())}
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    return subprocess.Popen([*launcher, *command], env=environment, start_new_session=True, **options)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What each of two processes found."""
    folder = tmp_path_factory.mktemp("two")
    script = folder / "phases.py"
    script.write_text(PHASES)
    assert torchrun(2, str(script), str(folder), str(Path.cwd())).wait(timeout=200) == 0
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


def test_two_processes_have_the_gradients_of_one(two):
    with join_team() as team:
        one = phases(team)
    compared = [name for name in one if name.startswith(("Dmain", "Dreg", "Gmain", "Greg"))]
    assert {name.split(".")[0] for name in compared} == {"Dmain", "Dreg", "Gmain", "Greg"}
    for name in compared:
        scale = one[name].abs().max().clamp(min=1e-6)
        assert ((two[0][name] - one[name]).abs().max() / scale) < 2e-3, name
        assert torch.equal(two[0][name], two[1][name]), name
    torch.testing.assert_close(two[0]["path_mean"], one["path_mean"], rtol=1e-4, atol=1e-7)


def test_averages_agree_and_draws_differ(two):
    for name in two[0]:
        if name.startswith(("average", "path_mean")):
            assert torch.equal(two[0][name], two[1][name]), name
    assert not torch.equal(two[0]["z"], two[1]["z"])


def test_accumulation_gives_the_gradients_of_the_whole_batch():
    with join_team() as team:
        whole, parts = phases(team), phases(team, CONFIG.replace(accumulate=2))
    for name in (n for n in whole if n.startswith(("Dmain", "Dreg", "Gmain"))):
        scale = whole[name].abs().max().clamp(min=1e-6)
        assert ((parts[name] - whole[name]).abs().max() / scale) < 2e-3, name


def test_shares_deal_out_a_batch_like_cards():
    batch = torch.arange(16)
    assert [Share(r, 2)(batch).tolist() for r in range(2)] == [list(range(0, 16, 2)), list(range(1, 16, 2))]
    local = Share(1, 2)(batch)
    assert torch.equal(Share(1, 2).part(1, 4)(batch), Share(1, 4)(local))
    assert list(Share(1, 2).slots(6)) == [1, 3, 5]


def test_a_batch_that_cannot_be_dealt_out_is_refused(monkeypatch):
    with pytest.raises(ConfigError, match="cannot be dealt out to 3 processes"):
        CONFIG.check_processes(3)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="use torchrun"), join_team():
        pass


def test_a_torchrun_run_survives_a_kill_and_resumes_on_one_process(tmp_path):
    """SIGKILL two processes after a checkpoint, go on with two, then with one; all end where an unbroken run ends."""
    folder = tmp_path / "run"
    sets = [
        "--set", "data.pool=32", "--set", "monitor_every=0", "--set", "checkpoint_every=3", "--images", "160",
        "--set", 'data.differentiable="off"',
    ]  # fmt: skip
    command = ["-m", "semedit", "train", "portraits-tiny", "--out", str(folder), *sets]
    process = torchrun(2, *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (folder / STATE).exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    killed_at = read_state(folder / STATE)[0]["step"]
    assert killed_at < 20
    assert torchrun(2, *command, stdout=subprocess.DEVNULL).wait(timeout=200) == 0
    header, tensors = read_state(folder / STATE)
    assert header["step"] == 20
    steps = [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps)) and steps[-1] == 19
    longer = CONFIG.replace(images=168, checkpoint_every=3)
    assert train(longer, folder, domain=PORTRAITS).step == 21
    single = train(CONFIG.replace(images=160), tmp_path / "single", domain=PORTRAITS)
    theirs, ours = tensors["average.render.blocks.0.conv.weight"], single.average.render.blocks[0].conv.weight
    assert (theirs - ours).abs().max() < 0.05 * ours.abs().max()


def test_two_processes_teach_as_one_does(tmp_path):
    """Through every change of what learns: the render net alone, then everything."""
    few = ["mapping.steps=4", "points.steps=4", "pairs.steps=8", "adversarial=null", "log_every=1", "monitor_every=0"]
    options = [word for assignment in few for word in ("--set", assignment)]
    command = ["-m", "semedit", "train", "portraits-taught-tiny", *options, "--out", str(tmp_path / "two")]
    assert torchrun(2, *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait(timeout=200) == 0
    teach(course("portraits-taught-tiny").with_overrides(few), tmp_path / "one", domain=PORTRAITS)
    for stage, name in (("mapping", "reading"), ("points", "labels"), ("pairs", "colour")):
        two, one = (
            [json.loads(line)[name] for line in (tmp_path / run / stage / "log.jsonl").read_text().splitlines()]
            for run in ("two", "one")
        )
        assert len(one) == len(two) >= 4 and two == pytest.approx(one, rel=0.02), stage
