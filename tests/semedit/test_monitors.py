"""What a run says of itself: health, best state, memory; and the measures between sets of pictures."""

import json

import numpy as np
import pytest
import torch

from semedit import metrics
from semedit.checkpoint import load_weights
from semedit.data.source import Batch
from semedit.domains.portraits.domain import PORTRAITS
from semedit.domains.portraits.pool import draw_pool
from semedit.errors import CheckpointError, ConfigError, MissingWeights
from semedit.regions import CELEBAMASK
from semedit.training.feed import Feed, PoolSource
from semedit.training.gan import GanStep, initial_state
from semedit.training.loop import train
from semedit.training.memory import Kept, estimate
from semedit.training.monitors import BEST, Monitor, areas, diversity
from semedit.training.recipes import DataConfig, recipe
from semedit.training.team import Team

TINY = recipe("portraits-tiny").model_copy(
    update={"images": 32, "data": DataConfig(pool=64, differentiable="off"), "monitor_every": 2, "metric_samples": 64}
)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def source():
    feed = Feed(TINY.data, TINY.batch, TINY.seed, 16, CELEBAMASK, Team())
    return PoolSource(draw_pool(64, 16, 1), feed)


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
    quiet = TINY.model_copy(update={"monitor_every": 0})
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
    found = {"diversity": diversity(data.images[:32].float() / 127.5 - 1), "margin": 1.0}
    names = CELEBAMASK.names
    found |= {f"area_{n}": s for n, s in zip(names, areas(data.labels[:32], 13), strict=True)}
    assert watch.warnings(found, initial_state(TINY, CPU, CELEBAMASK)) == []


def test_areas_add_up():
    labels = torch.tensor([[[0, 0], [1, 2]]])
    assert areas(labels, 4) == [0.5, 0.25, 0.25, 0.0]


@pytest.mark.parametrize("phase", ["Dmain", "Gmain"])
def test_the_memory_estimate_is_what_autograd_keeps(phase):
    """The count without data equals the count of a real step (in float32, before any optimiser)."""
    config = TINY.model_copy(update={"batch": 4})
    state = initial_state(config, CPU, CELEBAMASK)
    step = GanStep(config, state)
    counter = Kept(state.generator, state.discriminator)
    counted: list[int] = []
    step.descend = lambda *args, **_: counted.append((args[2](step.parts[0]), counter.bytes)[1])  # forward only
    data = draw_pool(4, 16, 1).batch(4, 0, 13)
    with counter.hooks:
        if phase == "Dmain":
            state.generator.requires_grad_(False)
            step.d_main(data)
        else:
            state.discriminator.requires_grad_(False)
            step.g_main()
    assert 0.75 < counted[0] / estimate(config).phases[phase] < 1.33


def test_the_estimate_follows_its_knobs():
    config = recipe("celebamask-hq-512")
    whole = estimate(config).peak
    assert estimate(config.model_copy(update={"accumulate": 8})).peak < 0.5 * whole
    assert estimate(config, world=2).peak < 0.8 * whole
    open_ended = config.model_copy(update={"gradient_checkpointing": False})
    assert estimate(open_ended).phases["Dmain"] > 1.5 * estimate(config).phases["Dmain"]
    assert "GB a process" in estimate(config).summary()


def test_compiled_and_checkpointed_steps_equal_plain_ones():
    """The eager backend of torch.compile, and recomputation, change nothing but memory and time."""
    data = draw_pool(8, 16, 1).batch(8, 0, 13)
    found = []
    for options in ({}, {"compile": "eager"}, {"gradient_checkpointing": True}):
        config = TINY.model_copy(update=options)
        step = GanStep(config, initial_state(config, CPU, CELEBAMASK))
        torch.manual_seed(0)
        step.run(Batch(data.images, data.masks))
        found.append(step.state.generator.render.blocks[0].conv.weight.detach().clone())
    for other in found[1:]:
        torch.testing.assert_close(found[0], other, rtol=1e-4, atol=1e-5)


# Measures between sets


def test_frechet_of_shifted_sets():
    x = torch.randn(2000, 6, generator=torch.Generator().manual_seed(0))
    shift = torch.tensor([3.0, 0, 0, 4.0, 0, 0])
    for measure in (metrics.frechet, metrics.legacy_frechet):
        assert abs(measure(x, x)) < 1e-3
        assert measure(x, x + shift) == pytest.approx(25, abs=1e-2)
        assert measure(x, 2 * x) == pytest.approx(measure(2 * x, x), abs=1e-6)


def test_legacy_frechet_always_adds_its_epsilon():
    x = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)).double()
    plain, offset = metrics.legacy_frechet(x, x, epsilon=0.0), metrics.legacy_frechet(x, x)
    assert offset - plain == pytest.approx(-2 * 3 * 1e-6, rel=0.05)


def test_inception_scores_at_their_ends():
    uniform, sure = torch.zeros(200, 5), torch.eye(5).repeat(40, 1) * 200
    for measure in (metrics.inception_score, metrics.legacy_inception_score):
        assert measure(uniform)[0] == pytest.approx(1) and measure(sure)[0] == pytest.approx(5, rel=0.1)
    with pytest.raises(ConfigError, match="at least 10"):
        metrics.legacy_inception_score(torch.zeros(5, 3))


def test_precision_and_recall_tell_quality_from_coverage():
    draw = torch.Generator().manual_seed(0)
    real = torch.randn(600, 4, generator=draw)
    narrow = 0.1 * torch.randn(600, 4, generator=draw)
    precision, recall = metrics.precision_recall(narrow, real)
    assert precision > 0.95 and recall < 0.3
    precision, recall = metrics.precision_recall(torch.randn(600, 4, generator=draw), real)
    assert precision > 0.8 and recall > 0.8
    assert metrics.precision_recall(real + 50, real) == (0.0, 0.0)


def test_kernel_distance():
    draw = torch.Generator().manual_seed(0)
    a, b = torch.randn(300, 8, generator=draw), torch.randn(300, 8, generator=draw)
    assert abs(metrics.kernel_distance(a, b)[0]) < 0.05 < metrics.kernel_distance(a, b + 1)[0]


def test_every_number_names_its_protocol():
    features = PORTRAITS.features()
    embedded = features.embed(draw_pool(64, 64, 1).images.float() / 127.5 - 1)
    found = metrics.set_measures(features, embedded[:32], embedded[32:])
    assert set(found) == {"frechet", "kernel_distance", "precision", "recall", "inception_score"}
    assert all(features.protocol in protocol for _, _, protocol in found.values())
    assert not any("fid" in protocol for _, _, protocol in found.values())


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory):
    """A file in torchvision's format, with random weights."""
    from torchvision.models import Inception3

    torch.manual_seed(0)
    network = Inception3(transform_input=False, init_weights=False)
    path = tmp_path_factory.mktemp("inception") / metrics.LegacyInception.FILE
    torch.save(network.state_dict(), path)
    return path, network.eval()


def test_the_legacy_protocol_is_computed_as_written(inception_file, monkeypatch):
    path, network = inception_file
    monkeypatch.setenv(metrics.LegacyInception.VARIABLE, str(path))
    embedder = metrics.LegacyInception()
    images = torch.rand(2, 3, 40, 40) * 2 - 1
    features = embedder.embed(images)
    assert features.shape == (2, 2048)
    x = ((images + 1) / 2 - embedder.mean) / embedder.deviation
    x = torch.nn.functional.interpolate(x, size=(299, 299), mode="bilinear", align_corners=True)
    with torch.no_grad():
        torch.testing.assert_close(embedder.kinds(features), network(x), rtol=1e-3, atol=1e-4)
    found = metrics.set_measures(embedder, torch.randn(40, 2048), torch.randn(40, 2048))
    assert found["frechet"][2] == "fid(ssg-legacy)" and set(found) == {"frechet", "inception_score"}
    assert [e.protocol for e in metrics.embedders(None)] == ["ssg-legacy"]


def test_missing_and_wrong_inception_files(tmp_path, monkeypatch):
    for kind in (metrics.LegacyInception, metrics.TfInception):
        monkeypatch.setenv(kind.VARIABLE, str(tmp_path / "absent.pth"))
        with pytest.raises(MissingWeights, match=kind.VARIABLE):
            kind()
    torch.save({"x": torch.zeros(1)}, tmp_path / "wrong.pth")
    with pytest.raises(CheckpointError, match="does not fit the network"):
        metrics.LegacyInception(tmp_path / "wrong.pth")


def test_the_tf_inception_takes_bytes(tmp_path):
    path = tmp_path / metrics.TfInception.FILE
    made = {}

    class Recorder(torch.nn.Module):
        def __init__(self, *_, feature_extractor_weights_path):
            super().__init__()
            made["path"], self.fc = feature_extractor_weights_path, torch.nn.Linear(2048, 7)

        def forward(self, x):
            made["dtype"] = x.dtype
            return (x.float().mean((1, 2, 3))[:, None].expand(-1, 2048),)

    path.write_bytes(b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch_fidelity.feature_extractor_inceptionv3.FeatureExtractorInceptionV3", Recorder)
        embedder = metrics.TfInception(path)
    features = embedder.embed(torch.ones(2, 3, 8, 8))
    assert made == {"path": str(path), "dtype": torch.uint8} and np.allclose(features[0, 0], 255)
    assert embedder.kinds(features).shape == (2, 7)
