"""The benchmarks measure what they say; their speed is not a test's business."""

import dataclasses
import json

import pytest
import torch
import typer

from baselines.stylefusion import FusionConfig
from baselines.stylegan2 import StyleGAN2Config
from benchmarks import BENCHMARKS, fidelity, locality, reconstruction
from benchmarks.reconstruction import unseen_pictures
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
from semedit.data.collection import open_collection
from semedit.data.drawn import draw_pool
from semedit.domains import domain
from semedit.domains.judges import perceptual_panel
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.loading import load
from semedit.editing.measuring.effect import inside_share
from semedit.editing.model import Model
from semedit.errors import ConfigError, ImageError, SemeditError, UnknownName
from semedit.metrics.labels import mean_iou
from semedit.metrics.sets import legacy_frechet
from semedit.networks.discriminator import DualDiscriminator
from semedit.networks.retouching import differing
from semedit.networks.synthesis import Synthesis
from semedit.pictures.sheets import save_picture
from semedit.pictures.tensors import quantise, to_images, to_picture
from semedit.training.gan.recipes import recipe

#: Whether judges of the domain ship, which score in place of the networks that were optimised.
PORTRAITS_JUDGED = not perceptual_panel(PORTRAITS, torch.device("cpu")).missing
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


def test_mean_iou():
    truth = torch.tensor([[0, 0, 1, 1]])
    assert mean_iou(truth, truth, 3) == 1.0
    assert mean_iou(torch.tensor([[0, 1, 1, 1]]), truth, 3) == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_inside_share_counts_old_and_new_masks_and_their_border():
    labels, image = torch.zeros(1, 2, 9, 9), torch.zeros(1, 3, 9, 9)
    labels[:, 0] = 0.5
    labels[:, 1, 4, 4] = 1.0  # region 1 is one pixel
    old, changed = Synthesis(image, labels, labels, labels), image.clone()
    changed[..., 4, 6] = 1.0  # 2 px away: inside
    changed[..., 0, 0] = 1.0  # outside
    new = Synthesis(changed, labels, labels, labels)
    assert inside_share(old, new, (1,)).item() == pytest.approx(0.5)
    assert inside_share(old, old, (1,)).item() == 1.0


def test_the_registry_names_every_command():
    from semedit.cli.bench.app import app

    names = typer.main.get_command(app).list_commands(None)
    assert set(names) == {*BENCHMARKS, "measured"}  # which writes what the others have put on cards


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


@pytest.fixture(scope="module")
def model():
    return load("portraits-adversarial")


def test_locality_of_a_region_that_is_one(model):
    rows = locality.locality(model, count=6)
    assert [row.metric for row in rows] == [f"inside_{n}" for n in model.generator.regions.names] + ["inside_mean"]
    values = [row.value for row in rows]
    assert all(0 <= value <= 1 for value in values) and values[-1] == pytest.approx(sum(values[:-1]) / 13)
    again = locality.locality(model, count=6)
    assert [row.value for row in again] == values


def test_fidelity_rows_have_floors_and_rates(model):
    rows = {row.metric: row for row in fidelity.fidelity(model, count=64, size=64)}
    sets = {"frechet", "frechet_floor", "precision", "precision_floor", "recall"}
    assert {f"{name}_optimised" for name in sets} | {"rate_hat", "real_rate_hat"} <= rows.keys()
    assert (sets <= rows.keys()) == PORTRAITS_JUDGED
    for end in ("_optimised", "")[: 1 + PORTRAITS_JUDGED]:
        assert rows[f"frechet_floor{end}"].value < rows[f"frechet{end}"].value
        assert rows[f"precision_floor{end}"].value > 0.4
        assert rows[f"frechet{end}"].protocol.startswith("fd(portraits-features")
    assert rows["frechet_optimised"].protocol.endswith("(optimised)")
    agreement = rows["mask_agreement" if PORTRAITS_JUDGED else "mask_agreement_optimised"]
    assert 0 < agreement.value <= 1


class MeanColour:
    """An embedder of three numbers, under the legacy protocol's name."""

    protocol = "ssg-legacy"

    def __init__(self):
        self.seen = []

    def embed(self, images, batch=64):
        self.seen.append(images)
        return images.mean((2, 3))

    def kinds(self, features):
        return features * 10


def test_fidelity_against_pictures_on_disk(tmp_path, small, monkeypatch):
    """Faces have no drawn pictures: the real ones come from a folder; ssg-legacy sees unrounded, noisy samples, and
    all real pictures, as released, whatever the count; its ids say so."""
    for index, image in enumerate(draw_pool(PORTRAITS.draw, 40, 32, 3).images):
        save_picture(to_picture(to_images(image)), tmp_path / f"{index}.png")
    embedder = MeanColour()
    monkeypatch.setattr("benchmarks.fidelity.embedders", lambda features: [embedder])
    faces = Model(small, domain("faces"), "small")
    real = fidelity.StoredPictures(open_collection(tmp_path, 32, labelled=False))
    rows = {row.metric: row for row in fidelity.fidelity(faces, count=20, real=real)}
    assert set(rows) == {"frechet", "frechet_floor", "inception_score", "inception_score_floor"}
    assert rows["frechet"].protocol == "fid(ssg-legacy,fake=20,real=40,psi=1,noise=random)@32"
    assert rows["inception_score_floor"].protocol == "is(ssg-legacy,real=20,real=20)@32"
    whole = torch.cat(embedder.seen[1:])
    fakes = embedder.seen[0].mean((2, 3))
    assert len(whole) == 40 and rows["frechet"].value == pytest.approx(legacy_frechet(fakes, whole.mean((2, 3))))
    assert rows["frechet"].value > rows["frechet_floor"].value
    fake = embedder.seen[0]
    assert not torch.equal(fake, quantise(fake))
    assert not torch.allclose(fake, faces.synthesise(faces.sample(20, 660_001, psi=1.0)).image)
    with pytest.raises(ConfigError, match="name them with --data"):
        fidelity.fidelity(faces, count=20)


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


class TestReconstruction:
    def rows(self, **options):
        return reconstruction.reconstruction(
            load("portraits"), **{"count": 3, "batch": 2, "methods": ("restyle",), **options}
        )

    def test_every_refinement_has_its_measures_with_protocols(self):
        rows = self.rows()
        assert {r.method for r in rows} == {f"restyle@{k}" for k in range(1, 6)}
        metrics = {"mse", "psnr", "perceptual_optimised", "identity"}
        judged = {"perceptual"} if PORTRAITS_JUDGED else set()
        assert all({r.metric for r in rows if r.method == f"restyle@{k}"} == metrics | judged for k in range(1, 6))
        assert all(r.n == 3 and r.skipped == 0 and r.std >= 0 and r.protocol for r in rows)
        seconds = [next(r.seconds_per_image for r in rows if r.method == f"restyle@{k}") for k in (1, 5)]
        assert 0 < seconds[0] < seconds[1]

    def test_the_same_portraits_every_time(self):
        once, again, others = (torch.stack(list(unseen_pictures(PORTRAITS.draw, 32, 3, seed))) for seed in (4, 4, 5))
        assert torch.equal(once, again) and not torch.equal(once, others)

    def test_measures_without_weights_are_left_out_and_named(self, small, monkeypatch, tmp_path):
        for variable in ("TORCH_HOME", "SEMEDIT_FACENET"):
            monkeypatch.setenv(variable, str(tmp_path / "none"))
        faces = domain("faces")
        mixed = dataclasses.replace(faces, perceptual=domain("portraits").perceptual)
        score = reconstruction.Score.of(Model(small, mixed))
        assert [one.optimised for one in score.perceptual] == [True] and score.identity is None
        assert len(score.missing) == 3 and any("SEMEDIT_FACENET" in text for text in score.missing)
        assert any("judge of perceptual distances" in text for text in score.missing)

    def test_pictures_without_a_face_are_counted(self, monkeypatch):
        class Finder:
            protocol = "finder"

            def identity(self, a, b):
                return torch.tensor([0.5] + [float("nan")] * (len(a) - 1))

        shipped = load("portraits")
        searched = dataclasses.replace(PORTRAITS, identity_further=(Finder,))
        model = Model(shipped.generator, searched, "portraits", shipped.entry)
        rows = reconstruction.reconstruction(model, count=3, batch=3, methods=("restyle",))
        (row,) = (row for row in rows if row.protocol == "finder" and row.method == "restyle@5")
        assert (row.n, row.skipped, row.value) == (1, 2, 0.5)

    def test_a_folder_with_pictures_that_cannot_be_used(self, tmp_path):
        save_picture(quantise(to_images(next(unseen_pictures(PORTRAITS.draw, 64, 1)))), tmp_path / "a.png")
        (tmp_path / "b.png").write_text("not a picture")
        rows = self.rows(files=[tmp_path / "a.png", tmp_path / "b.png"])
        assert all((r.n, r.skipped) == (1, 1) for r in rows)
        with pytest.raises(ImageError, match="none of 1 pictures"):
            self.rows(files=[tmp_path / "b.png"])

    def test_aligned_pictures_are_taken_as_they_are(self, monkeypatch, tmp_path):
        """No detector looks at them, not even to refuse them; one that is not square cannot be aligned."""
        monkeypatch.setattr("semedit.pictures.alignment._detector", lambda: pytest.fail("a face was looked for"))
        shown = quantise(to_images(torch.stack(list(unseen_pictures(PORTRAITS.draw, 128, 1)))))
        save_picture(shown[0], tmp_path / "a.png")
        save_picture(shown[0, :, 20:], tmp_path / "b.png")
        faces = Model(load("portraits").generator, domain("faces"))
        files = [tmp_path / "a.png", tmp_path / "b.png"]
        (found,) = reconstruction.stored_pictures(faces, files, aligned=True)
        assert torch.equal(to_images(found[None]), shown)

    def test_pixels_are_compared_at_256(self, small):
        score = reconstruction.Score.of(Model(small, PORTRAITS))
        a, b = quantise(torch.rand(2, 3, 512, 512) * 2 - 1), torch.zeros(2, 3, 512, 512)
        found = score(a, b)
        pooled = torch.nn.functional.avg_pool2d(a, 2).square().flatten(1).mean(1)
        torch.testing.assert_close(found["mse", "mse[-1,1]@256"], pooled)
        low, zero = quantise(torch.rand(1, 3, 64, 64) * 2 - 1), torch.zeros(1, 3, 64, 64)
        torch.testing.assert_close(score(low, zero)["mse", "mse[-1,1]@256"], low.square().flatten(1).mean(1))

    def test_methods_are_named(self):
        with pytest.raises(UnknownName, match="inversion method"):
            self.rows(methods=("restile",))


def test_refining_comes_nearer_on_the_shipped_weights():
    rows = reconstruction.reconstruction(load("portraits"), count=8, methods=("restyle",))
    mse = {r.method: r.value for r in rows if r.metric == "mse"}
    assert mse["restyle@5"] < mse["restyle@1"] < 0.1


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
