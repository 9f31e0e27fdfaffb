"""StyleGAN2's training: the common trainer on pictures alone, its start, its way back into a model."""

import json
from dataclasses import replace

import pytest
import torch

from baselines.stylegan2 import RECIPES, StyleGAN2Run, StyleGAN2TrainConfig, load_generator, to_official
from semedit.cli.main import run
from semedit.data.drawn import draw_pool
from semedit.data.source import Batch
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.loading import load
from semedit.errors import ConfigError
from semedit.storage.weights import load_weights
from semedit.training.engine.feed import DataConfig
from semedit.training.gan.draws import draw_crossover
from semedit.training.gan.memory import estimate
from semedit.training.gan.state import initial_state
from semedit.training.gan.step import GanStep
from semedit.training.gan.trainer import GENERATOR, train
from tests.cli.conftest import refuse

CPU = torch.device("cpu")
TINY = RECIPES["stylegan2-portraits-tiny"]().replace(
    images=64, data=DataConfig(pool=32, differentiable="off"), monitor_every=0
)


def trained(config, folder):
    return train(config, folder, domain=PORTRAITS, kind=StyleGAN2Run)


def bits(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def step():
    return GanStep(TINY, initial_state(TINY, CPU))


@pytest.fixture(scope="module")
def batch() -> Batch:
    return draw_pool(PORTRAITS.draw, 8, 16, 1).batch(8, 0, 0)


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_survive_json(name):
    config = RECIPES[name]()
    assert StyleGAN2TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config and config.name == name


def test_the_small_one_is_of_the_size_of_the_default_generator():
    from semedit.training.teaching.recipes import course

    with torch.device("meta"):
        ours = RECIPES["stylegan2-portraits-128-alone"]().build_generator(PORTRAITS.regions)
        theirs = course("portraits-128").adversarial.build_generator(PORTRAITS.regions)
    counts = [sum(p.numel() for p in network.parameters()) for network in (ours, theirs)]
    assert 0.8 < counts[0] / counts[1] < 1.25


def test_masks_and_local_generators_are_not_to_be_had():
    for bad in ("masks=true", "freeze_local=true_freeze"):
        with pytest.raises(ConfigError, match="neither masks nor local generators"):
            TINY.with_overrides([bad])
    with pytest.raises(ConfigError, match="same size"):
        TINY.with_overrides(["discriminator.size=32"])


def test_each_phase_changes_its_own_network_only(step, batch):
    networks = {"g": step.state.generator, "d": step.state.discriminator}
    assert [phase.name for phase in step.phases] == ["Dmain", "Dreg", "Gmain", "Greg"]
    for phase in step.phases:
        before = {name: bits(network) for name, network in networks.items()}
        step.turn_to(phase)
        phase.do(batch)
        changed = {name for name, network in networks.items() if not same(before[name], bits(network))}
        assert changed == {phase.trains}, phase.name
    assert set(step.state.losses) == {"d", "real_score", "fake_score", "r1_image", "g", "path", "path_length"}


def test_path_lengths_leave_the_mapping_alone(step, batch):
    mapping, phase = bits(step.state.generator.mapping), step.phases[3]
    step.turn_to(phase)
    phase.do(batch)
    assert same(mapping, bits(step.state.generator.mapping)) and step.state.path_mean > 0


def test_rows_are_mixed_from_a_crossover_on():
    torch.manual_seed(0)
    rows = draw_crossover(400, 6, CPU).int()
    assert (rows.diff(dim=1) >= 0).all() and (rows[:, 0] == 0).all() and (rows[:, -1] == 1).all()
    counts = rows.sum(1).bincount(minlength=6)[1:]
    assert len(counts) == 5 and (counts > 50).all()


def test_memory_is_saved_and_nothing_else_changes(batch):
    losses, kept = [], []
    for saving in (False, True):
        config = TINY.replace(gradient_checkpointing=saving)
        step = GanStep(config, initial_state(config, CPU))
        torch.manual_seed(3)
        step.run(batch)
        losses.append(step.mean_losses())
        kept.append(estimate(config).phases["Gmain"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4) and kept[1] < kept[0]


def test_n_steps_equal_two_halves_bit_for_bit(tmp_path):
    whole = trained(TINY, tmp_path / "whole")
    trained(TINY.replace(images=24), tmp_path / "halves")
    halves = trained(TINY, tmp_path / "halves")
    for name in ("generator", "discriminator", "average"):
        assert same(bits(getattr(whole, name)), bits(getattr(halves, name))), name
    assert torch.equal(whole.path_mean, halves.path_mean) and whole.step == 8
    assert list((tmp_path / "whole" / "samples").glob("*.png"))
    opened = load_generator(tmp_path / "whole" / GENERATOR)
    assert same(bits(opened), bits(whole.average))


def test_a_run_starts_from_a_run_or_an_official_file(tmp_path):
    first = trained(TINY.replace(images=8), tmp_path / "first")
    torch.save({"g_ema": to_official(first.average)}, tmp_path / "official.pt")
    for start in ("first", "official.pt"):
        config = TINY.replace(start=str(tmp_path / start), images=8, lr=1e-9)
        again = trained(config, tmp_path / f"from-{start}")
        for name, tensor in again.average.state_dict().items():
            torch.testing.assert_close(tensor, first.average.state_dict()[name], atol=1e-4, rtol=0)
    wider = replace_width(TINY.replace(start=str(tmp_path / "first")))
    with pytest.raises(ConfigError, match="stylegan2 is of other sizes"):
        trained(wider, tmp_path / "wider")


def replace_width(config):
    return config.replace(generator=config.generator.replace(channels={4: 16, 8: 8, 16: 8}))


def test_the_command_line_trains_packs_and_shows(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny = [
        "train",
        "stylegan2-portraits-tiny",
        "--images",
        "16",
        "--set",
        "data.pool=16",
        "--set",
        "metric_samples=16",
    ]
    assert run([*tiny, "--dry-run"]) == 0 and '"masks": false' in capsys.readouterr().out
    assert run([*tiny, "--out", "run"]) == 0
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert any({"diversity", "frechet", "margin"} <= line.keys() for line in log)
    assert load_weights(tmp_path / "run" / "best.safetensors", "stylegan2").extra["frechet"] > 0
    assert run(["models", "pack", "run", "--out", str(tmp_path / "home" / "models" / "mine")]) == 0
    entry = json.loads((tmp_path / "home" / "models" / "mine" / "card.json").read_text())
    assert entry["recipe"] == "stylegan2-portraits-tiny" and entry["images"] == 16
    assert load("mine").sample(2).data.shape == (2, 16)
    assert run([*tiny, "--start", "mine", "--out", "on"]) == 0
    refuse(capsys, [*tiny, "--label-map", "x.yaml"], "pictures alone")


def test_augmentation_reaches_both_kinds_of_pictures(batch):
    step = GanStep(TINY, initial_state(TINY, CPU), augment=("colour", "translation", "cutout"))
    step.phases = tuple(replace(phase, every=1) for phase in step.phases)
    step.run(batch)
    assert all(torch.isfinite(value) for value in step.state.losses.values())
