"""Editing in Style: clusters, contributions, queries, and the laws of each."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from baselines.editing_in_style import (
    Catalogue,
    Overlap,
    SphericalKMeans,
    contributions,
    everywhere,
    interpolate,
    learn_catalogue,
    normalised,
    resize_maps,
    roi,
    sequential,
    sequential_layers,
    simultaneous,
    transfer_styles,
)
from semedit.errors import CheckpointError, ConfigError, LatentError, NotFitted, UnknownName
from tests.baselines.networks import random_codes

TOY = torch.tensor([0.9, 0.5, 0.05, 0.3])


def planted(seed: int = 0, spread: float = 0.1) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rows (M, C) of all lengths around five directions (5, C), and their labels (M,)."""
    draw = torch.Generator().manual_seed(seed)
    directions = F.normalize(torch.randn(5, 12, generator=draw), dim=1)
    labels = torch.randint(5, (600,), generator=draw)
    rows = F.normalize(directions[labels] + spread * torch.randn(600, 12, generator=draw), dim=1)
    return rows * (0.1 + 10 * torch.rand(600, 1, generator=draw)), directions, labels


def test_planted_directions_are_found():
    rows, directions, labels = planted()
    found = SphericalKMeans(5).fit(rows)
    torch.testing.assert_close(found.centroids_.norm(dim=1), torch.ones(5))
    cosine = found.centroids_ @ directions.T
    assert sorted(cosine.argmax(1).tolist()) == [0, 1, 2, 3, 4] and cosine.max(1).values.min() > 0.99
    assert torch.equal(cosine.argmax(1)[found.labels_], labels) and found.labels_.dtype == torch.int64
    unit = F.normalize(rows, dim=1)
    expected = (unit - found.centroids_[found.labels_]).square().sum().item()
    assert found.inertia_ == pytest.approx(expected, rel=1e-5)
    assert torch.equal(found.predict(rows), found.labels_) and torch.equal(found.predict(3 * rows), found.labels_)


def test_lengths_of_rows_do_not_matter_and_runs_repeat():
    rows, _, _ = planted(spread=1.0)
    first, scaled = (SphericalKMeans(7, seed=3).fit(x) for x in (rows, rows * torch.rand(600, 1).add(0.5)))
    assert torch.equal(first.labels_, scaled.labels_)
    again = SphericalKMeans(7, seed=3).fit(rows)
    assert torch.equal(first.centroids_, again.centroids_)
    assert first.inertia_ <= min(SphericalKMeans(7, seed=3 + i, restarts=1).fit(rows).inertia_ for i in range(3)) + 1e-4


def test_a_run_from_given_centroids_keeps_their_order():
    rows, directions, labels = planted()
    order = torch.tensor([3, 0, 4, 1, 2])
    found = SphericalKMeans(5, init=7 * directions[order]).fit(rows)
    assert torch.equal(order[found.labels_], labels) and found.iterations_ >= 1
    fixed = SphericalKMeans(5, init=found.centroids_).fit(rows)
    assert torch.equal(fixed.labels_, found.labels_) and fixed.iterations_ == 1
    torch.testing.assert_close(fixed.centroids_, found.centroids_)


def test_clustering_is_checked():
    with pytest.raises(NotFitted):
        SphericalKMeans(2).predict(torch.zeros(3, 4))
    for rows, options, message in ((torch.randn(3, 4), {}, "M >= 5"), (torch.randn(9), {}, "is wanted"),
                                   (torch.randn(9, 4), {"init": torch.zeros(5, 3)}, r"\(5, 4\) is")):  # fmt: skip
        with pytest.raises(ConfigError, match=message):
            SphericalKMeans(5, **options).fit(rows)


def test_contributions_of_a_full_partition_sum_to_one():
    draw = torch.Generator().manual_seed(0)
    features = [5 * torch.randn(4, c, s, s, generator=draw) + 2 for c, s in ((6, 4), (5, 8), (3, 16))]
    labels = torch.randint(3, (4, 8, 8), generator=draw)
    maps = F.one_hot(labels, 3).movedim(-1, 1).float()
    for resize in ("nearest", "bilinear"):
        for over in ("image", "set"):
            found = contributions(features, maps, resize=resize, normalise=over)
            assert [tuple(layer.shape) for layer in found] == [(3, 6), (3, 5), (3, 3)]
            for layer in found:
                torch.testing.assert_close(layer.sum(0), torch.ones_like(layer[0]), rtol=1e-4, atol=1e-4)
                assert (layer >= 0).all() and (layer <= 1).all()


def test_a_channel_that_acts_in_one_region_contributes_to_it_alone():
    features, maps = torch.zeros(2, 2, 4, 4), torch.zeros(2, 2, 4, 4)
    maps[:, 0, :, :2], maps[:, 1, :, 2:] = 1, 1
    features[:, 0, :, :2] = torch.tensor([1.0, -1.0])
    features[:, 1] = torch.tensor([1.0, -1.0, 1.0, -1.0])
    (found,) = contributions([features], maps)
    torch.testing.assert_close(found, torch.tensor([[1.0, 0.5], [0.0, 0.5]]))


def test_what_is_normalised_over():
    torch.manual_seed(0)
    features = torch.randn(3, 2, 5, 5) * torch.tensor([1.0, 10.0, 100.0])[:, None, None, None]
    own, joint = normalised(features), normalised(features, "set")
    torch.testing.assert_close(own, F.instance_norm(features), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(joint.var((0, 2, 3), correction=0), torch.ones(2))
    assert joint[0].abs().max() < 0.3 < own[0].abs().max()
    with pytest.raises(ConfigError, match="'image' or over the 'set'"):
        normalised(features, "batch")


def test_maps_are_resized_by_name():
    maps = torch.rand(2, 3, 4, 6)
    assert torch.equal(resize_maps(maps, (4, 6), "nearest"), maps)
    assert torch.equal(resize_maps(maps, (8, 12), "nearest"), F.interpolate(maps, size=(8, 12), mode="nearest"))
    expected = F.interpolate(maps, size=(8, 3), mode="bilinear", align_corners=False)
    assert torch.equal(resize_maps(maps, (8, 3), "bilinear"), expected)
    with pytest.raises(ConfigError, match="'nearest' or 'bilinear', not 'area'"):
        resize_maps(maps, (2, 3), "area")


def test_the_toy_queries_of_the_paper_and_the_code():
    assert sequential(TOY, 0.0, 0.7).tolist() == [1, 1, 0, 0]
    assert sequential(TOY, 0.1, 3.0).tolist() == [1, 1, 0, 1]
    torch.testing.assert_close(simultaneous(TOY, 2.0), torch.tensor([1, 1, 0.1, 0.6]))
    assert everywhere(TOY, 0.3).tolist() == pytest.approx([0.3] * 4)
    # A first channel that alone spends the budget: nothing is taken.
    assert sequential(torch.tensor([0.5, 0.5]), 0.0, 0.5).sum() == 0
    assert sequential(torch.tensor([0.5, 0.5]), 0.0, 0.5, convention="paper").tolist() == [1, 0]
    # rho 1/9 is the threshold 0.1 of the paper.
    margin = torch.tensor([0.105, 0.095])
    assert sequential(margin, 1 / 9, 9.0, convention="paper").tolist() == [1, 0]
    assert sequential(margin, 1 / 9, 9.0).tolist() == [0, 0]
    with pytest.raises(ConfigError, match="'code' and 'paper'"):
        sequential(TOY, 0.1, 1.0, convention="other")


def test_one_budget_a_layer_or_one_for_all():
    layers = [torch.tensor([0.9, 0.2]), torch.tensor([0.8, 0.7])]
    own = sequential_layers(layers, 0.0, [0.2, 0.6])
    assert [q.tolist() for q in own] == [[1, 0], [1, 1]]
    joint = sequential_layers(layers, 0.0, 0.35, convention="paper")
    assert [q.tolist() for q in joint] == [[1, 0], [1, 0]]
    with pytest.raises(ConfigError, match="3 numbers for 2 layers"):
        sequential_layers(layers, 0.0, [1.0, 2.0, 3.0])
    with pytest.raises(ConfigError, match="share one rho"):
        sequential_layers(layers, 0.0, [1.0, 2.0], convention="paper")


levels = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=12).map(torch.tensor)


@given(levels, st.floats(0, 1), st.floats(0, 6), st.floats(0, 0.5), st.floats(0, 3))
def test_a_larger_budget_never_removes_a_channel_and_a_larger_rho_never_adds_one(m, rho, epsilon, more_rho, more):
    for convention in ("code", "paper"):
        here = sequential(m, rho, epsilon, convention=convention)
        assert ((here == 0) | (here == 1)).all()
        assert (sequential(m, rho, epsilon + more, convention=convention) >= here).all()
        assert (sequential(m, rho + more_rho, epsilon, convention=convention) <= here).all()


def test_interpolation_reaches_both_ends_bit_for_bit():
    target, references = torch.randn(1, 5), torch.randn(3, 5)
    assert torch.equal(interpolate(target, references, torch.zeros(5)), target.expand(3, -1))
    assert torch.equal(interpolate(target, references, torch.ones(5)), references)
    q = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0])
    torch.testing.assert_close(interpolate(target, references, q), target + q * (references - target))
    target, references = torch.randn(1, 2, 5, 1, 1), torch.randn(3, 2, 5, 1, 1)
    scales = interpolate(target, references, torch.ones(5))
    assert torch.equal(scales[:, 0], references[:, 0]) and torch.equal(scales[:, 1], target[:, 1].expand(3, -1, 1, 1))
    assert torch.equal(interpolate(target, references, torch.ones(5), bias=True), references)
    with pytest.raises(LatentError, match="is wanted"):
        interpolate(target, references, torch.ones(4))
    with pytest.raises(LatentError, match="2 targets for 3 references"):
        interpolate(target.repeat(2, 1, 1, 1, 1), references, torch.ones(5))


def test_style_codes_take_over_the_queried_channels(stylegan2):
    codes = stylegan2.styles(random_codes(stylegan2, 3))
    target, references = codes[:1], codes[1:]
    none = [torch.zeros(width) for width in target.conv_widths]
    assert torch.equal(transfer_styles(target, references, none).flat(), target.flat().expand(2, -1))
    whole = transfer_styles(target, references, [q + 1 for q in none])
    assert torch.equal(torch.cat(whole.conv, 1), torch.cat(references.conv, 1))
    assert torch.equal(torch.cat(whole.rgb, 1), torch.cat(target.rgb, 1).expand(2, -1))
    everything = transfer_styles(target, references, [torch.ones(width) for width in target.conv_widths +
                                                      target.rgb_widths])  # fmt: skip
    assert torch.equal(everything.flat(), references.flat())
    with pytest.raises(LatentError, match="3 queries"):
        transfer_styles(target, references, none[:3])


def catalogue(**more) -> Catalogue:
    annotations = {"eyes": [2], "skin": [0, 3]}
    layers = [torch.tensor([[0.9, 0.5, 0.05, 0.3], [0.1, 0.5, 0.2, 0.7]]), torch.tensor([[0.4, 0.6], [0.3, 0.2]])]
    return Catalogue(torch.eye(4), annotations, layers, **more)


def test_a_pixel_belongs_to_one_cluster_and_at_most_one_label():
    found, activations = catalogue(), torch.randn(2, 4, 5, 5)
    maps = found.clusters(activations)
    assert torch.equal(maps.sum(1), torch.ones(2, 5, 5)) and torch.equal(maps.argmax(1), activations.argmax(1))
    assert torch.equal(found.clusters(7 * activations), maps)
    own = found.memberships(activations)
    assert found.labels == ("eyes", "skin") and own.shape == (2, 2, 5, 5)
    assert torch.equal(own[:, 0], maps[:, 2]) and torch.equal(own[:, 1], maps[:, 0] + maps[:, 3])
    assert set(own.sum(1).unique().tolist()) <= {0.0, 1.0}
    larger = found.memberships(activations, (10, 10))
    assert torch.equal(larger, resize_maps(own, (10, 10), "nearest"))
    with pytest.raises(LatentError, match=r"\(N, 4, H, W\) is wanted"):
        found.clusters(torch.randn(2, 3, 5, 5))


def test_queries_by_name():
    found = catalogue()
    assert found.query("eyes", 0, rho=0.1, epsilon=3.0).tolist() == [1, 1, 0, 1]
    assert found.query("eyes", 1, rho=[0.1, 0.5], epsilon=[0.7, 1.0]).tolist() == [0, 1]
    every = found.queries("eyes", rho=0.1, epsilon=3.0)
    assert [q.tolist() for q in every] == [[1, 1, 0, 1], [1, 1]]
    with pytest.raises(UnknownName, match="did you mean 'eyes'"):
        found.query("eye", 0, rho=0.1, epsilon=1.0)
    with pytest.raises(ConfigError, match="none of layer 2"):
        found.query("eyes", 2, rho=0.1, epsilon=1.0)
    with pytest.raises(ConfigError, match=r"'nose' names cluster 4; there are clusters 0\.\.3"):
        Catalogue(torch.eye(4), {"nose": [1, 4]})
    with pytest.raises(ConfigError, match="number of px"):
        Catalogue(torch.eye(4), {"nose": [1]}, about={"size": "big"})
    with pytest.raises(ConfigError, match="a row for each"):
        Catalogue(torch.eye(4), {"nose": [1]}, [torch.zeros(2, 3)])


@pytest.mark.parametrize("name", ["c.npz", "c.safetensors"])
def test_catalogues_are_files(tmp_path, name):
    made = catalogue(fingerprint="abc", about={"size": 32})
    made.save(tmp_path / name)
    back = Catalogue.load(tmp_path / name)
    assert torch.equal(back.centroids, made.centroids) and back.annotations == made.annotations
    assert back.labels == made.labels and (back.fingerprint, back.about) == ("abc", {"size": 32})
    assert all(torch.equal(a, b) for a, b in zip(back.contributions, made.contributions, strict=True))


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"\.npz or \.safetensors"):
        catalogue().save(tmp_path / "c.pkl")
    (tmp_path / "html.npz").write_bytes(b"<html>404</html>")
    np.savez(tmp_path / "objects.npz", header=np.array([{"a": 1}], dtype=object))
    np.savez(tmp_path / "arrays.npz", header=np.array("{}"), other=np.zeros(3))
    np.savez(tmp_path / "bools.npz", header=np.array('{"annotations": {}}'), centroids=np.eye(3, dtype=bool))
    np.savez(tmp_path / "flat.npz", header=np.array('{"annotations": {}}'), centroids=np.ones(3, np.float32))
    np.save(tmp_path / "one.npz", np.ones(3))
    (tmp_path / "one.npz.npy").rename(tmp_path / "one.npz")
    broken = ("html.npz", "objects.npz", "arrays.npz", "absent.npz", "bools.npz", "flat.npz", "one.npz")
    for path in broken:
        with pytest.raises(CheckpointError, match=path.split(".")[0]):
            Catalogue.load(tmp_path / path)


def test_clusters_are_named_by_what_they_overlap():
    # Cluster 0 lies in the skin; cluster 1 covers the eyes and as much skin around them; cluster 2 is empty.
    shared = torch.tensor([[0.0, 80.0, 0.0], [0.0, 10.0, 9.0], [0.0, 0.0, 0.0], [50.0, 2.0, 0.0]])
    overlap = Overlap.of(("background", "skin", "eyes"), shared)
    assert overlap.annotations() == {"background": [3], "skin": [0], "eyes": [1]}
    assert overlap.table[1, 2].item() == pytest.approx(9 / 19)


def test_a_catalogue_is_learnt_from_a_generators_pictures(stylegan2):
    codes = random_codes(stylegan2, 6)[:, 0]

    def parse(images):
        """The darker and the brighter half of each picture."""
        grey = images.mean(1)
        return (grey > grey.flatten(1).median(1).values[:, None, None]).long()

    learnt = learn_catalogue(stylegan2, codes, parse, ("dark", "bright"), size=16, clusters=6, batch=4, rows=900)
    found, seen = learnt.catalogue, stylegan2.activations(codes)
    named = sorted(k for own in found.annotations.values() for k in own)
    assert set(found.labels) == {"dark", "bright"} and named == list(range(6))
    assert found.fingerprint == stylegan2.fingerprint and learnt.overlap.table.shape == (6, 2)
    own = contributions(seen.conv, found.memberships(seen.first(16)))
    for ours, theirs in zip(found.contributions, own, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(ours.sum(0), torch.ones_like(ours[0]), rtol=1e-3, atol=1e-3)
    mask = roi(found, "bright", seen, (32, 32))
    truth = parse(seen.image)[:, None].float()
    assert mask.shape == (6, 1, 32, 32) and (mask * truth).mean() > mask.mean() * truth.mean() + 0.02
    with pytest.raises(ConfigError, match="does not know the size"):
        roi(catalogue(), "eyes", seen, (32, 32))


def test_sequential_queries_change_less_outside_at_equal_change_inside():
    """On a linear generator whose channels draw disjoint patterns, partly inside and partly outside a region."""
    random = np.random.default_rng(0)
    channels, pixels = 24, 16
    inside = np.zeros(channels * pixels, bool)
    patterns = np.zeros((channels, channels * pixels), np.float32)
    for c in range(channels):
        own = slice(c * pixels, (c + 1) * pixels)
        patterns[c, own] = np.tile([1, -1], pixels // 2)
        inside[own][: 2 * random.integers(0, pixels // 2 + 1)] = True
    activations = torch.from_numpy(patterns).view(1, channels, 1, -1)
    region = torch.from_numpy(inside).float().view(1, 1, 1, -1)
    (m,) = contributions([activations], torch.cat([region, 1 - region], 1))

    def errors(q: torch.Tensor) -> tuple[float, float]:
        change = (q @ torch.from_numpy(patterns)).square()
        return change[inside].mean().item(), change[~inside].mean().item()

    one_by_one = [errors(sequential(m[0], 1e-6, epsilon)) for epsilon in np.linspace(0, channels, 400)]
    together = [errors(simultaneous(m[0], strength)) for strength in np.linspace(0, 8, 60)]
    path_in, path_out = zip(*sorted(one_by_one), strict=True)
    for change, outside in together:
        if change <= path_in[-1]:
            assert np.interp(change, path_in, path_out) <= outside + 1e-6
