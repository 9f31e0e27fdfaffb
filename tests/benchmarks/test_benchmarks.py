"""The benchmarks measure what they say; their speed is not a test's business."""

import dataclasses

import pytest
import torch
import typer

from benchmarks import BENCHMARKS, fidelity, locality, reconstruction
from benchmarks.reconstruction import unseen_pictures
from semedit.data.collection import open_collection
from semedit.data.drawn import draw_pool
from semedit.domains import domain
from semedit.domains.judges import perceptual_panel
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.loading import load
from semedit.editing.measuring.effect import inside_share
from semedit.editing.model import Model
from semedit.errors import ConfigError, ImageError, UnknownName
from semedit.metrics.labels import mean_iou
from semedit.metrics.sets import legacy_frechet
from semedit.networks.synthesis import Synthesis
from semedit.pictures.sheets import save_picture
from semedit.pictures.tensors import quantise, to_images, to_picture

#: Whether judges of the domain ship, which score in place of the networks that were optimised.
PORTRAITS_JUDGED = not perceptual_panel(PORTRAITS, torch.device("cpu")).missing


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
        faces = Model(load("portraits-128").generator, domain("faces"))
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
