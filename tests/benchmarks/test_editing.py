"""Preservation-score curves: equal gain, intervals over pictures, variants that differ in one thing, base codes."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from benchmarks import bases, editing, editing_shown, variants
from directions import InterFaceGAN
from directions.interfacegan.library import DirectionLibrary
from semedit.cli.main import run
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.loading import load
from semedit.editing.model import Model
from semedit.errors import ImageError, MissingWeights, UnknownName
from semedit.metrics.pixels import preservation
from semedit.pictures.sheets import save_picture
from semedit.pictures.tensors import quantise
from tests.benchmarks.test_truth import Squares
from tests.conftest import random_generator
from tests.directions.conftest import Brightness


def curve(variant: str, gains: list[float], kept: list[float], pictures: int = 4, spread: float = 0.0) -> editing.Curve:
    """A curve whose pictures differ by ``spread`` in what is preserved."""
    noise = spread * np.random.default_rng(0).normal(size=(pictures, 1))
    values = {
        name: np.tile(np.array(gains), (pictures, 1)) for name in ("score_gain", "score_gain_optimised", "inside_share")
    }
    values["preservation"] = np.array(kept) + noise
    ids = {"preservation": "kept", "score_gain": "judge", "score_gain_optimised": "guide", "inside_share": "share"}
    return editing.Curve("smile", "interfacegan", variant, "mouth", values, ids)


MASKED = curve("common direction, masked", [0.1, 0.2, 0.4, 0.3], [0.975, 0.95, 0.9, 0.7])
FREE = curve("common direction, all rows", [0.4, 0.8, 0.9, 0.95], [0.8, 0.6, 0.5, 0.4])


def test_curves_are_compared_at_equal_gain():
    """The masked one keeps 0.9 where the other keeps 0.8 of the same gain; degrees do not matter, nor a fall."""
    assert MASKED.most == 0.4
    np.testing.assert_allclose(MASKED.preservation_at(np.array([0.0, 0.2, 0.4])), [1, 0.95, 0.9])
    gains = editing.shared_gains(MASKED, FREE)
    found = editing.advantage(MASKED, FREE, gains)
    assert found.value == pytest.approx((gains * 0.25).mean()) and found.gain == pytest.approx(0.4)
    assert editing.advantage(FREE, FREE, gains).value == 0


def test_intervals_are_over_the_pictures_and_paired():
    """Pictures that differ alike under both edits leave no doubt of the difference; else more of them leave less."""
    free, masked = (curve("x, all rows", [0.4, 0.8], kept, 50, 0.1) for kept in ([0.8, 0.6], [0.9, 0.7]))
    at = np.array([0.4])
    paired = editing.advantage(masked, free, at)
    assert paired.value == pytest.approx(0.1) and paired.ends.high - paired.ends.low < 1e-9
    widths = []
    for pictures in (50, 800):
        one = curve("x, masked", [0.4, 0.8], [0.9, 0.7], pictures, 0.1)
        steady = curve("x, all rows", [0.4, 0.8], [0.8, 0.6], pictures)
        ends = editing.advantage(one, steady, at).ends
        widths.append(ends.high - ends.low)
        expected = 2 * 1.96 * one.values["preservation"][:, 0].std() / np.sqrt(pictures)
        assert widths[-1] == pytest.approx(expected, rel=0.15)
    assert widths[1] < 0.5 * widths[0]


@pytest.fixture(scope="module")
def model():
    """A small generator whose classifier is Brightness, with a common and a local direction for 'smile'."""
    generator = random_generator()
    codes = np.random.default_rng(0).normal(size=(400, 16)).astype(np.float32)
    common, local = (
        InterFaceGAN("smile", regions="region1", chosen=0.2).fit(codes, codes[:, i]).with_scale(2.0) for i in (0, 1)
    )
    domain = dataclasses.replace(
        PORTRAITS, attributes=Brightness, attributes_judge=Brightness, attribute_names=("smile", "beard"),
        perceptual=Squares, perceptual_training=Squares, perceptual_judge=Squares,
    )  # fmt: skip
    made = Model(generator, domain, "small")
    made._editors["interfacegan"] = DirectionLibrary({"smile": common.with_local(local)}, generator.fingerprint)
    return made


class TestVariants:
    def test_neighbours_differ_in_one_thing(self, model, monkeypatch):
        monkeypatch.setattr("directions.probe.COUNT", 4)
        free, masked, local = variants.variants(model, "smile", "interfacegan")
        assert [v.name for v in (free, masked, local)] == [
            "common direction, all rows", "common direction, masked", "local direction, masked",
        ]  # fmt: skip
        assert (free.regions, masked.regions, local.regions) == ("all", "region1", "region1")
        codes = model.sample(3, 1).wplus()
        moved = {v.name: v.editor.edit(codes, 1.0, v.regions).data - codes.data for v in (free, masked, local)}
        rows = list(codes.rows("region1"))
        one, other, own = (torch.nn.functional.normalize(m[:, rows], dim=-1) for m in moved.values())
        torch.testing.assert_close(one, other)  # the same direction; only the rows differ
        assert (own * other).sum(-1).abs().max() < 0.99 and free.editor.local_ is None
        outside = [i for i in range(codes.data.shape[1]) if i not in rows]
        assert moved["common direction, masked"][:, outside].abs().max() == 0 < moved[free.name][:, outside].abs().min()

    def test_without_a_local_direction_there_is_no_row_of_it(self, model):
        editor = model.editors("interfacegan")["smile"].with_local(None)
        plain = Model(model.generator, model.domain, "plain")
        plain._editors["interfacegan"] = DirectionLibrary({"smile": editor}, model.generator.fingerprint)
        assert [v.rows for v in variants.variants(plain, "smile", "interfacegan")] == ["all rows", "masked"]


class TestCurves:
    @pytest.fixture(scope="class")
    def base(self, model):
        return bases.base_codes(model, "samples", 5)

    @pytest.fixture(scope="class")
    def made(self, model, base):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("directions.probe.COUNT", 4)
            patch.setattr("benchmarks.editing.CHUNK", 2)
            return editing.curves(model, base, ("smile",), ("interfacegan",))

    def test_the_three_rows_have_all_measures(self, model, base, made):
        rows = editing.rows(model, base, made)
        assert len({row.variant for row in rows}) == 3 and all(row.n == 5 and row.base == "samples" for row in rows)
        at_gain = [row for row in rows if row.degree is None]
        assert [row.metric for row in at_gain] == ["preservation_at_gain"] + 2 * [
            "preservation_at_gain", "advantage_at_gain", "advantage",
        ]  # fmt: skip
        assert all(row.low <= row.value <= row.high for row in at_gain)
        assert all("less that of common direction, all rows" in row.protocol for row in at_gain if "adv" in row.metric)
        degrees = {name: sum(row.metric == name for row in rows) for name in ("preservation", "identity")}
        assert degrees == {"preservation": 30, "identity": 3}
        assert len({row.metric for row in editing.on_card(rows, "interfacegan")}) == len(
            editing.on_card(rows, "interfacegan")
        )

    def test_chunks_change_nothing_and_eight_bits_are_measured(self, model, base, made):
        free = made[0]
        codes = base.latent
        old, new = (model.synthesise(x).image for x in (codes, model.editors()["smile"].edit(codes, 0.5, "all")))
        expected = preservation(quantise(old), quantise(new)).numpy()
        np.testing.assert_allclose(free.values["preservation"][:, 1], expected, atol=1e-6)
        gain = Brightness().score(quantise(new))[:, 0] - Brightness().score(quantise(old))[:, 0]
        np.testing.assert_allclose(free.values["score_gain"][:, 1], gain.numpy(), atol=1e-6)

    def test_the_size_is_in_the_id(self, model, base, monkeypatch):
        monkeypatch.setattr("directions.probe.COUNT", 4)
        (free, *_) = editing.curves(model, base, ("smile",), ("interfacegan",), size=16)
        assert free.protocols["preservation"] == "1 - l1[0,1]@16, 8 bit"
        codes = base.latent
        pair = [quantise(model.synthesise(x).image) for x in (codes, model.editors()["smile"].edit(codes, 0.25, "all"))]
        expected = preservation(*pair, 16).numpy()
        np.testing.assert_allclose(free.values["preservation"][:, 0], expected, atol=1e-6)

    def test_they_are_drawn(self, made, tmp_path):
        editing_shown.draw(made, tmp_path / "curves.png")
        assert (tmp_path / "curves.png").stat().st_size > 5_000
        assert len(editing_shown.table(made)) == 30


class TestBases:
    def test_inversions_of_held_out_pictures(self):
        """The codes are the encoder's, of pictures that the reconstruction bench inverts too."""
        shipped = load("portraits-128")
        base = bases.base_codes(shipped, count=3)
        assert base.kind == "inversions" and len(base) == 3 and base.latent.space == "w+"
        target = quantise(torch.stack(list(bases.unseen_pictures(PORTRAITS.draw, 128, 3))) / 127.5 - 1)
        own, other = ((shipped.synthesise(base.latent).image - t).square().mean() for t in (target, target.roll(1, 0)))
        assert own < 0.5 * other

    def test_of_a_folder(self, tmp_path):
        shipped = load("portraits")
        save_picture(shipped.synthesise(shipped.sample(1, 1)).image[0], tmp_path / "a.png")
        (tmp_path / "b.png").write_text("not a picture")
        base = bases.base_codes(shipped, files=[tmp_path / "a.png", tmp_path / "b.png"])
        assert len(base) == 1 and base.skipped == 1
        with pytest.raises(ImageError):
            bases.base_codes(shipped, files=[tmp_path / "b.png"])

    def test_what_is_missing_or_misspelt(self, model):
        with pytest.raises(MissingWeights, match="--base samples"):
            bases.base_codes(model)
        with pytest.raises(UnknownName, match="base of edits"):
            bases.base_codes(model, "inversion")


def test_the_command(model, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("directions.probe.COUNT", 4)
    monkeypatch.setattr("semedit.cli.bench.editing.load", lambda name: model)
    options = ["--base", "samples", "--count", "4", "--attr", "smile", "--method", "interfacegan"]
    out = tmp_path / "rows.json"
    assert run(["bench", "editing", *options, "--curves", str(tmp_path), "--out", str(out)]) == 0
    assert "more than all rows" in " ".join(capsys.readouterr().out.split()) and (tmp_path / "curves.json").exists()
    found = json.loads(out.read_text())
    assert {row["variant"] for row in found} >= {"common direction, masked", "local direction, masked"}
    assert {row["gain"] is None for row in found if row["degree"]} == {True}


def test_the_command_takes_aligned_pictures_as_they_are(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("semedit.pictures.alignment._detector", lambda: pytest.fail("a face was looked for"))
    for module in ("editing", "editing_shown"):
        monkeypatch.setattr(f"benchmarks.{module}.DEGREES", (1.0,))
    shipped = load("portraits")
    save_picture(shipped.synthesise(shipped.sample(1, 1)).image[0], tmp_path / "a.png")
    options = ["--data", str(tmp_path), "--aligned", "--attr", "smile", "--method", "styleflow", "--json"]
    assert run(["bench", "editing", *options, "--curves", str(tmp_path / "curves")]) == 0
    found = json.loads(capsys.readouterr().out)["results"]
    assert {(row["base"], row["n"], row["skipped"]) for row in found} == {("inversions", 1, 0)}
