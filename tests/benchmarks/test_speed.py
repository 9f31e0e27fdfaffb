"""Speed: what is compared gives the same values, and every row says what was timed."""

import json

import pytest
import torch

from baselines.stylefusion import FusionConfig
from baselines.stylegan2 import StyleGAN2Config
from benchmarks.speed import editing as editing_speed
from benchmarks.speed import encoder, fusing, host, memory, paths, slider, timing
from benchmarks.speed import generator as forwards
from benchmarks.speed.plain import TextbookGenerator
from benchmarks.speed.textbook import discriminate, synthesise
from benchmarks.speed.timing import OutputsDifferError, time_pair
from benchmarks.speed.training import compare_steps
from encoders.backbone import EncoderConfig, StyleHeads
from encoders.measures import Measures
from encoders.optimization import OptimizationInverter
from semedit.cli.main import run
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.loading import load
from semedit.errors import SemeditError
from semedit.networks.discriminator import DualDiscriminator
from semedit.networks.retouching import differing
from semedit.training.gan.recipes import recipe

TINY_FUSION = (FusionConfig(width=8, hidden=(8,)), StyleGAN2Config(size=16, style_dim=8, channels={16: 4, 8: 8, 4: 8}))

TINY_ENCODER = EncoderConfig(size=32, rows=3, style_dim=16, widths=(16, 32), units=(1, 1))


def test_the_textbook_gives_the_same_picture(small):
    w = torch.randn(2, 16)
    theirs, ours = synthesise(small, w), small(w)
    for name in ("image", "segmentation", "coarse_segmentation", "depths"):
        torch.testing.assert_close(getattr(theirs, name), getattr(ours, name), rtol=1e-4, atol=1e-4)


def test_a_row_of_the_speed_table(small):
    row = forwards.compare(small, 2, "fp32", 2)
    assert row.value > 0 and row.peak_mb > 0 and row.difference < 2e-4
    assert sum(share for _, share in forwards.hot_spots(small, 1, rows=100)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("flag, timed", [
    ("--training", "training"), ("--encoder", "encoder"), ("--editing", "editing"), ("--runs=1", "generator"),
    ("--fusing", "fusing"),
])  # fmt: skip
def test_the_words_of_the_speed_command(flag, timed, small, monkeypatch, capsys):
    """Each flag times its own networks; every row says so in the common form, and has a line in the table."""
    row = forwards.compare(small, 1, "fp32", 1)
    made = {
        "training": lambda: [compare_steps(recipe("portraits-tiny"), 1)],
        "encoder": lambda: [encoder.compare_encoders(encoder.official_encoder(TINY_ENCODER), 1, "fp32", 1)],
        "editing": lambda: [editing_speed.compare_calls(load("portraits"), "transfer", 2, False, 1)],
        "generator": lambda: [row],
        "fusing": lambda: [fusing.compare_fusing("tiny", *TINY_FUSION, 3, 1)],
    }[timed]()
    monkeypatch.setattr(f"benchmarks.speed.{timed}.measure", lambda *arguments: made)
    assert run(["bench", "speed", flag, "--json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)["results"]
    assert shown == made[0].to_json() and shown["metric"] == "ratio" and shown["ratio"] == shown["value"]
    assert {"task", "method", "model", "std", "n", "skipped", "protocol"} <= shown.keys()
    assert run(["bench", "speed", flag]) == 0 and f"{made[0].value:.2f} (" in capsys.readouterr().out


def test_timing_alternates():
    calls = []
    time_pair(lambda: calls.append("a"), lambda: calls.append("b"), 2)
    assert calls == ["a", "b"] * 3


def test_the_textbook_discriminator_gives_the_same_logits():
    torch.manual_seed(0)
    critic = DualDiscriminator(recipe("portraits-tiny").discriminator)
    image, masks = torch.randn(4, 3, 16, 16), torch.randn(4, 13, 16, 16)
    for segmentation in (masks, None):
        torch.testing.assert_close(
            discriminate(critic, image, segmentation), critic(image, segmentation), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_row_of_the_training_speed_table(precision):
    """The two formulations' losses are compared inside; a row only comes back if they agree."""
    row = compare_steps(recipe("portraits-tiny").with_overrides([f"precision={precision}"]), runs=1)
    assert row.value > 0 and row.images_per_second > 0 and row.batch == 8


def test_a_step_that_differs_is_not_timed(monkeypatch):
    monkeypatch.setattr("benchmarks.speed.textbook.activate", lambda x, bias: x)
    with pytest.raises(OutputsDifferError, match="loss"):
        compare_steps(recipe("portraits-tiny"), runs=1)


def test_the_plain_encoder_gives_the_same_codes():
    row = encoder.compare_encoders(encoder.official_encoder(TINY_ENCODER), 2, "fp32", 1)
    assert row.value > 0 and row.difference < 1e-4
    broken = encoder.official_encoder(TINY_ENCODER)
    theirs = encoder.PlainEncoder(broken)
    theirs.styles[0].linear.bias.data += 1
    x = torch.rand(1, 6, 32, 32)
    with torch.no_grad():
        difference = (theirs.eval()(x) - broken(x)).abs().max().item()
    assert difference == pytest.approx(1, abs=1e-4)


def test_wide_heads_as_products_equal_narrow_ones_grouped():
    heads = StyleHeads(3, 16, 8, 4)
    x = torch.randn(2, 16, 4, 4)
    torch.testing.assert_close(heads.multiplied(x), heads.grouped(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["interfacegan", "transfer"])
def test_a_row_of_the_editing_speed_table(name):
    """The codes of both ways are compared inside; a row only comes back if they agree."""
    row = editing_speed.compare_calls(load("portraits"), name, 3, name == "transfer", runs=1)
    assert row.value > 0 and row.batch == 3 and row.seconds > 0


def test_a_row_of_the_slider_table():
    """The pictures of both ways are compared inside; a row only comes back if they agree to 1e-5."""
    row = slider.compare_sliders(load("portraits"), "mouth", runs=1)
    assert row.value > 0 and 0 < row.share < 1 and row.difference <= 1e-5
    assert slider.table([row])[0]["slider"] == "mouth"
    model = load("portraits")
    places = slider.positions(model, "mouth", 2)
    assert [len(differing(model.generator.codes(a), model.generator.codes(places[0]))) for a in places] == [0, 1, 1]


def test_operations_are_counted_and_compared_with_the_peak():
    a = torch.randn(64, 32)
    assert timing.operations(lambda: a @ a.T) == 2 * 64 * 64 * 32
    assert timing.matrix_peak("fp32", side=128, runs=1) > 1e8


def tiny_path(**changes):
    return paths.SpeedPath(**{
        "name": "doubling", "px": 8, "plain": lambda: torch.ones(3) + torch.ones(3), "wanted": {"bf16": 2.0},
        "ours": lambda precision: lambda: (torch.ones(3) * 2).to(torch.bfloat16 if precision == "bf16" else None),
        **changes,
    })  # fmt: skip


def test_a_path_has_a_row_for_each_precision_that_it_knows():
    rows = paths.compare(tiny_path(), "none", ("fp32", "bf16"), 2)
    assert [(row.precision, row.wanted, row.difference) for row in rows] == [("fp32", None, 0), ("bf16", 2.0, 0)]
    assert all(row.value > 0 and row.wall_seconds > 0 and row.n == 2 for row in rows)
    (row,) = paths.compare(tiny_path(networks=False, precisions=("fp32",)), "none", ("fp32", "bf16"), 1)
    assert row.peak_share is None and [line["type"] for line in paths.table([row])] == ["fp32"]


def test_a_path_of_other_values_is_not_timed():
    with pytest.raises(OutputsDifferError, match="doubling, fp32"):
        paths.compare(tiny_path(ours=lambda _: lambda: torch.full((3,), 2.1)), "none", ("fp32",), 1)


@pytest.mark.parametrize("make", [paths.shipped_picture, paths.painting, paths.flow_edit])
def test_the_paths_of_the_shipped_model_are_what_they_are_compared_with(make):
    rows = paths.compare(make(load("portraits")), "portraits", ("fp32",), 1)
    assert [row.precision for row in rows] == ["fp32"] and rows[0].difference < 1e-3


def test_the_textbook_generator_refines_and_searches_as_ours_does(small):
    """Wherever a generator is asked for, its textbook formulation does: the same pictures, the same gradients."""
    textbook, codes = TextbookGenerator(small), torch.randn(1, small.layout.rows, 16)
    found = []
    for generator in (textbook, small):
        search = OptimizationInverter(generator, Measures.of(PORTRAITS, torch.device("cpu")))
        mine = codes.clone().requires_grad_()
        side = small.config.size
        terms, _ = search.terms(mine, search.goal(torch.zeros(1, 3, side, side)), generator.noise_maps("const", 1))
        search.weigh(terms).sum().backward()
        found.append(mine.grad)
    torch.testing.assert_close(*found, rtol=1e-3, atol=1e-5)


def test_a_grown_model_has_the_regions_of_its_own():
    model = load("portraits")
    larger = slider.grown(model, 256)
    latent = larger.generator.latent(model.sample(1, seed=3).wplus().data)
    small, large = model.synthesise(model.sample(1, seed=3)), larger.synthesise(latent)
    assert large.image.shape[-1] == 256
    torch.testing.assert_close(small.coarse_segmentation, large.coarse_segmentation, rtol=0, atol=1e-3)


@pytest.mark.parametrize("flag, runs", [("--quick", 2), ("--paths", 5)])
def test_all_paths_in_one_command(flag, runs, monkeypatch, capsys):
    asked = []

    def measured(model, precisions, runs):
        asked.append(runs)
        return paths.compare(tiny_path(), model.name, precisions, 1)

    monkeypatch.setattr("benchmarks.speed.paths.measure", measured)
    monkeypatch.setattr("benchmarks.speed.slider.measure", lambda model, runs: [])
    assert run(["bench", "speed", flag]) == 0 and asked == [runs]
    assert "doubling" in capsys.readouterr().out


def test_memory_is_that_of_a_process_of_its_own():
    assert 100 < memory.peak("sample", "portraits-adversarial", 2) < 4000
    with pytest.raises(SemeditError, match="sample of 2 pictures failed"):
        memory.peak("sample", "nobody", 2)


def test_rows_of_memory_compare_many_with_few(monkeypatch, capsys):
    monkeypatch.setattr(memory, "peak", lambda task, model, count: 200.0 if count == memory.FEW else 300.0)
    assert run(["bench", "speed", "--memory", "--count", "500"]) == 0
    shown = capsys.readouterr().out
    assert all(task in shown for task in memory.TASKS) and "1.5" in shown and "300 MB" in shown


def test_stylegan2_s_textbook_is_the_generator(stylegan2):
    draws = torch.Generator().manual_seed(4)
    code = stylegan2.styles(stylegan2.mapping(torch.randn(2, stylegan2.config.style_dim, generator=draws)))
    torch.testing.assert_close(host.synthesise(stylegan2, code), stylegan2(code).image, rtol=1e-3, atol=1e-4)
