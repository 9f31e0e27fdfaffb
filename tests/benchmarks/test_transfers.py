"""The measures of transfers: curves of change inside against outside, distances of sets, heat maps."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from baselines.editing_in_style import Catalogue, CatalogueTransferConfig, queries
from baselines.stylefusion import FusionNet, Hierarchy, StoredFusion, save_fusion
from baselines.stylefusion.recipes import TINY
from benchmarks import transfers
from benchmarks.transfers import MIXING, Sweep, TransferCurve, heat_map
from benchmarks.transfers.poses import across_poses
from semedit.cli.main import run
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.loading import load
from semedit.editing.model import Model
from semedit.errors import UnknownName


class Plain(Model):
    """A model that renders what its generator gives, label maps or not."""

    @torch.no_grad()
    def synthesise(self, latent, **options):
        return self.generator(latent)


@pytest.fixture(scope="module")
def style(stylegan2, tmp_path_factory):
    """A small StyleGAN2 with FusionNets and a catalogue."""
    folder = tmp_path_factory.mktemp("style")
    torch.manual_seed(0)
    hierarchy = Hierarchy.of(TINY.tree, {"all": FusionNet(TINY.net)})
    parts = {"person": ("hair", *(n for n in TINY.parts["person"] if n != "hair")), "bg": ("background",)}
    save_fusion(folder / "fusion.safetensors", StoredFusion(hierarchy, parts, fingerprint=stylegan2.fingerprint))
    layers = [torch.rand(2, width) for width in stylegan2.config.conv_widths]
    Catalogue(torch.eye(2, 8), {"hair": [0], "background": [1]}, layers).save(folder / "catalogue.safetensors")
    files = {"stylefusion": folder / "fusion.safetensors", "editing-in-style": folder / "catalogue.safetensors"}
    return Plain(stylegan2, PORTRAITS, "tiny", editor_paths=files)


def curve(method, inside, outside):
    amounts = tuple(range(1, 1 + len(inside)))
    values = [np.array(rows, dtype=float) for rows in (inside, outside)]
    return TransferCurve("tiny", method, "hair", "correct", amounts, *values, 16)


def test_curves_are_compared_pair_by_pair_at_equal_change_inside():
    """Where both have come to nine tenths of the change inside that the lesser of the two ever makes."""
    plain = curve(MIXING, [[1, 2, 1], [2, 4, 1]], [[1, 1, 2], [3, 2, 4]])
    own = curve("stylefusion", [[0.35, 2.6, 0.5], [1.5, 8, np.nan]], [[0, 0, 0], [0.5, 1, 0.0]])
    found = own.beside(plain)
    np.testing.assert_allclose(found.inside, [1.35, 3.6, np.nan])
    np.testing.assert_allclose(found.own, [0.5 / 1.15, 1 / 5.4, np.nan])
    np.testing.assert_allclose(found.other, [1.7, 1.8, np.nan])
    again = plain.beside(own)
    np.testing.assert_array_equal(again.saved, -found.saved)
    rows = [row for row in transfers.rows([plain, own]) if row.amount is None]
    assert {row.method for row in rows} == {"stylefusion"} and {(row.n, row.skipped) for row in rows} == {(2, 1)}
    means = {row.metric: row.value for row in rows}
    assert means == pytest.approx(
        {
            "in_mse_equal": 2.475,
            "out_mse_equal": (0.5 / 1.15 + 1 / 5.4) / 2,
            "out_mse_against": 1.75,
            "outside_saved": 1.75 - (0.5 / 1.15 + 1 / 5.4) / 2,
        }
    )
    assert all(row.low <= row.value <= row.high and MIXING in row.protocol for row in rows)
    means = {(row.metric, row.amount): row.value for row in transfers.rows([plain, own]) if row.method == MIXING}
    assert means == pytest.approx(
        {("in_mse", 1): 4 / 3, ("in_mse", 2): 7 / 3, ("out_mse", 1): 4 / 3, ("out_mse", 2): 3}
    )
    assert {line["metric"] for line in transfers.table(rows)} == {row.metric for row in rows}


def test_methods_that_are_one_save_nothing_however_far_each_goes():
    """The same changes at other amounts; also where a strength brings a change back, or goes on outside alone."""
    random = np.random.default_rng(0)
    inside, outside = np.sort(random.random((2, 9, 20)), axis=1)
    whole = curve("stylefusion", inside, outside)

    def saved(x, y):
        return whole.beside(curve(MIXING, x, y)).saved

    assert not saved(inside[:5], outside[:5]).any()
    assert not saved(np.concatenate([inside, inside[3:5]]), np.concatenate([outside, 2 * outside[3:5]])).any()
    assert not saved(np.concatenate([inside, inside[-1:]]), np.concatenate([outside, 9 * outside[-1:]])).any()
    np.testing.assert_allclose(saved(inside, 2 * outside), whole.beside(whole).own)


def test_a_stylegan2_is_measured_with_all_its_methods_and_plain_mixing(style, tmp_path):
    sweeps = [Sweep(one.method, one.name, (0.5, 1.0)) for one in transfers.sweeps(style)]
    assert [one.method for one in sweeps] == [
        "stylefusion", "editing-in-style", "feature-blending", "poisson", MIXING,
    ]  # fmt: skip
    made = transfers.curves(style, ("background",), sweeps, 2)
    assert len(made) == 2 * len(sweeps) and {one.conversion for one in made} == {"correct", "official"}
    for one in made:
        assert one.inside.shape == one.outside.shape == (2, 2)
        assert (one.inside[~np.isnan(one.inside)] >= 0).all() and np.nansum(one.inside + one.outside) > 0
    rows = transfers.rows(made)
    assert {row.method for row in rows if row.metric == "outside_saved"} <= {one.method for one in sweeps} - {MIXING}
    transfers.draw(made, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000
    with pytest.raises(UnknownName, match="stylefusion"):
        transfers.curves(style, ("hair",), transfers.sweeps(style, ("stylefushion",)), 2)


def test_larger_budgets_change_more(style):
    """Each query takes over more channels, or more of them, the more it is given."""
    made = transfers.curves(style, ("hair",), transfers.QUERIES, 2)
    assert [one.method for one in made[::2]] == ["sequential", "sequential, one budget", "simultaneous", "global"]
    for one in made:
        total = np.nan_to_num(one.inside) + np.nan_to_num(one.outside)
        assert (total[-1] > total[0]).all()


@pytest.mark.parametrize("seed", range(3))
def test_sequential_queries_are_the_most_local_where_channels_add_up(seed):
    """On a linear generator, whose channels change so much inside a region and so much outside."""
    draw = torch.Generator().manual_seed(seed)
    inside, outside, moved = torch.rand(3, 40, generator=draw).double()
    layers = [inside / (inside + outside)]

    def errors(**options) -> list[float]:
        (q,) = queries(layers, CatalogueTransferConfig(rho=0.0, **options))
        return [(q.square() * moved * weight).sum().item() for weight in (inside, outside)]

    gains = np.geomspace(0.01, 100, 2000)
    found = np.array([errors(query="simultaneous", gain=gain) for gain in gains])
    plain = TransferCurve("planted", "simultaneous", "hair", "correct", tuple(gains), found[:, :1], found[:, 1:], 16)
    budgets = tuple(np.linspace(0.1, 20, 400))
    own = np.array([errors(epsilon=epsilon) for epsilon in budgets])
    saved = np.concatenate([
        TransferCurve("planted", "sequential", "hair", "correct", budgets[:last], own[:last, :1], own[:last, 1:], 16)
        .beside(plain).saved
        for last in range(20, 401, 20)
    ])  # fmt: skip
    assert saved.min() >= -1e-3 and saved.max() > 0.05


def test_maps_light_up_where_the_region_is():
    model = load("portraits-adversarial")
    maps = {fixed: heat_map(model, "background", "rows", 4, fixed=fixed) for fixed in (False, True)}
    for found in maps.values():
        assert found.shape == (64, 64) and found[:8].mean() > 3 * found[28:44, 24:40].mean()
    assert not torch.equal(maps[True], maps[False])
    assert torch.equal(heat_map(model, "background", "rows", 4), maps[False])


def test_the_command_writes_rows_curves_and_maps(tmp_path, capsys):
    command = ["bench", "transfers", "--model", "portraits-adversarial", "--regions", "hair"]
    command += ["--count", "2", "--sets", "8", "--method", "rows"]
    command += ["--maps", str(tmp_path / "maps.png"), "--map-count", "2"]
    command += ["--curves", str(tmp_path / "curves.png"), "--out", str(tmp_path / "rows.json"), "--json"]
    assert run(command) == 0
    rows = json.loads(capsys.readouterr().out)["results"]
    assert rows == json.loads((tmp_path / "rows.json").read_text())
    assert {row["metric"].removesuffix("_optimised") for row in rows} == {"in_mse", "out_mse", "frechet"}
    own = {(row["method"], row["region"]): row["value"] for row in rows if row["metric"].startswith("frechet")}
    assert set(own) == {("generator", "none"), ("rows", "hair")}
    assert (tmp_path / "maps.png").exists() and (tmp_path / "curves.png").exists()


def test_poses_without_the_region_have_no_error_in_it(monkeypatch):
    nowhere = SimpleNamespace(inside=torch.full((2,), torch.nan), outside=torch.zeros(2))
    monkeypatch.setattr("benchmarks.transfers.poses.region_error", lambda *_: nowhere)
    rows = across_poses(load("portraits-adversarial"), "rows", ["rows"], "hair", 2)
    assert [row.metric for row in rows] == ["out_mse", "identity"] and rows[0].protocol.startswith("cielab@64")
