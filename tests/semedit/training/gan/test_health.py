"""What a run says of itself: health, best state, memory."""

import json

import pytest
import torch

from semedit.data.drawn import draw_pool
from semedit.data.label_map import LabelMap
from semedit.data.source import Batch
from semedit.domains.portraits.domain import PORTRAITS
from semedit.latents.regions import CELEBAMASK
from semedit.networks.precision import cast
from semedit.pictures.tensors import to_images
from semedit.storage.weights import load_weights
from semedit.training.engine.feed import DataConfig, Feed, PoolSource
from semedit.training.engine.team import Team
from semedit.training.gan.health import BEST, Monitor, areas, diversity
from semedit.training.gan.memory import Kept, estimate
from semedit.training.gan.recipes import recipe
from semedit.training.gan.state import initial_state
from semedit.training.gan.step import GanStep
from semedit.training.gan.trainer import train

TINY = recipe("portraits-tiny").replace(
    images=32, data=DataConfig(pool=64, differentiable="off"), monitor_every=2, metric_samples=64
)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def source():
    feed = Feed(TINY.data, TINY.batch, TINY.seed, 16, LabelMap.identity(CELEBAMASK), Team())
    return PoolSource(draw_pool(PORTRAITS.draw, 64, 16, 1), feed)


@pytest.fixture
def monitor(source, tmp_path):
    said: list[str] = []
    made = Monitor(TINY, source, PORTRAITS, tmp_path, said.append)
    return made, said


def test_a_run_logs_its_health_and_keeps_its_best_state(tmp_path):
    train(TINY, tmp_path, domain=PORTRAITS)
    looks = [row for row in map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines()) if "frechet" in row]
    assert [row["step"] for row in looks] == [1, 3]
    assert {"diversity", "data_diversity", "margin", "mask_agreement", "area_hair", "data_area_hair"} <= looks[0].keys()
    best = load_weights(tmp_path / BEST, "generator").extra
    assert best["frechet"] == pytest.approx(min(row["frechet"] for row in looks))
    assert best["protocol"] == f"fd({PORTRAITS.features().protocol})" and best["images"] in (16, 32)


def test_looking_does_not_change_the_run(tmp_path):
    quiet = TINY.replace(monitor_every=0)
    a, b = train(TINY, tmp_path / "a", domain=PORTRAITS), train(quiet, tmp_path / "b", domain=PORTRAITS)
    assert all(torch.equal(x, y) for x, y in zip(a.generator.parameters(), b.generator.parameters(), strict=True))


def test_a_collapse_is_called_one(monitor):
    watch, said = monitor
    state = initial_state(TINY, CPU, CELEBAMASK)
    for parameter in state.average.local.parameters():  # every sample becomes the same
        parameter.data.zero_()
    state.losses = {"real_score": torch.tensor(30.0), "fake_score": torch.tensor(-5.0), "g": torch.tensor(float("nan"))}
    watch.look(state)
    text = " ".join(said)
    assert "collapsing" in text and "tells all pictures apart (margin 35)" in text and "not finite" in text
    assert "has vanished from samples" in text


def test_healthy_samples_raise_no_warning(monitor, source):
    watch, _ = monitor
    data = source.pool
    found = {"diversity": diversity(to_images(data.images[:32])), "margin": 1.0}
    names = CELEBAMASK.names
    found |= {f"area_{n}": s for n, s in zip(names, areas(data.labels[:32], 13), strict=True)}
    assert watch.warnings(found, initial_state(TINY, CPU, CELEBAMASK)) == []


def test_areas_add_up():
    labels = torch.tensor([[[0, 0], [1, 2]]])
    assert areas(labels, 4) == [0.5, 0.25, 0.25, 0.0]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", ["Dmain", "Dreg", "Gmain", "Greg"])
def test_the_memory_estimate_is_what_autograd_keeps(name, precision):
    """The count without data equals the count of a real step (before any optimiser)."""
    config = TINY.replace(batch=4, style_mixing=1.0, precision=precision)
    state = initial_state(config, CPU, CELEBAMASK)
    step = GanStep(config, state)
    step.autocast = lambda: cast(precision, CPU)  # also where the processor would rather compute in fp32
    counter = Kept(state.generator, state.discriminator)
    counted: list[int] = []
    step.descend = lambda *args, **_: counted.append((args[2](step.parts[0]), counter.bytes)[1])  # forward only
    data = draw_pool(PORTRAITS.draw, 4, 16, 1).batch(4, 0, 13)
    phase = next(phase for phase in step.phases if phase.name == name)
    step.turn_to(phase)
    with counter.hooks:
        phase.do(data)
    assert counted[0] == pytest.approx(estimate(config).phases[name], rel=0.05)


def test_the_estimate_of_a_step_in_bf16_is_smaller():
    sizes = [max(estimate(TINY.replace(precision=name)).phases.values()) for name in ("fp32", "bf16")]
    assert 0.4 * sizes[0] < sizes[1] < 0.7 * sizes[0]


def test_the_estimate_goes_through_the_phases_of_the_step():
    config = TINY.replace(path_weight=0.0)
    step = GanStep(config, initial_state(config, CPU, CELEBAMASK))
    assert list(estimate(config).phases) == [phase.name for phase in step.phases] == ["Dmain", "Dreg", "Gmain"]
    adapting = TINY.replace(masks=False)
    assert estimate(adapting).phases["Dmain"] < 0.9 * estimate(TINY).phases["Dmain"]  # one branch is not looked through


def test_the_estimate_follows_its_knobs():
    config = recipe("celebamask-hq-512")
    whole = estimate(config)
    assert estimate(config.replace(accumulate=8)).peak < 0.5 * whole.peak
    assert estimate(config, world=2).peak < 0.8 * whole.peak
    open_ended = config.replace(gradient_checkpointing=False)
    assert estimate(open_ended).phases["Dmain"] > 1.5 * whole.phases["Dmain"]
    assert "GB a process" in whole.summary()


def test_compiled_and_checkpointed_steps_equal_plain_ones():
    """The eager backend of torch.compile, and recomputation, change nothing but memory and time."""
    data = draw_pool(PORTRAITS.draw, 8, 16, 1).batch(8, 0, 13)
    found = []
    for options in ({}, {"compile": "eager"}, {"gradient_checkpointing": True}):
        config = TINY.replace(**options)
        step = GanStep(config, initial_state(config, CPU, CELEBAMASK))
        torch.manual_seed(0)
        step.run(Batch(data.images, data.masks))
        found.append(step.state.generator.render.blocks[0].conv.weight.detach().clone())
    for other in found[1:]:
        torch.testing.assert_close(found[0], other, rtol=1e-4, atol=1e-5)
