"""GANSpace: principal components of planted codes, in W and in the rows of regions."""

from dataclasses import replace

import pytest
import torch

from directions import GANSpace
from semedit.errors import CheckpointError, ConfigError, LatentError, NotFitted, UnknownName
from semedit.storage.weights import load_weights, save_weights

DEVIATIONS = torch.tensor([5.0, 3.0, 2.0, *[0.1] * 13])


def planted(count: int = 3000) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes (M, 16) of known deviations along orthonormal axes (16, 16), and the axes."""
    draw = torch.Generator().manual_seed(0)
    axes, _ = torch.linalg.qr(torch.randn(16, 16, generator=draw))
    return (torch.randn(count, 16, generator=draw) * DEVIATIONS) @ axes.T + 4, axes


def test_planted_axes_and_deviations_are_found(small):
    codes, axes = planted()
    found = GANSpace(3).fit(small.latent(codes))
    assert list(found) == ["pc0", "pc1", "pc2"] and found.fingerprint == small.fingerprint
    cosine = (found.directions_[:, 0] @ axes[:, :3]).abs()
    assert (cosine.diagonal() > 0.99).all()
    torch.testing.assert_close(found.deviations_, DEVIATIONS[:3], rtol=0.05, atol=0)
    torch.testing.assert_close(found.directions_[:, 0] @ found.directions_[:, 0].T, torch.eye(3), atol=1e-5, rtol=0)
    assert found.explained_.sum() > 0.98
    again = GANSpace(3).fit(small.latent(codes))
    assert torch.equal(again.directions_, found.directions_)


def test_strength_one_is_one_deviation(small):
    codes, _ = planted()
    direction = GANSpace(3).fit(small.latent(codes))["pc1"]
    latent = small.latent(codes[:2])
    moved = direction.edit(latent, 2.0).data - latent.wplus().data
    expected = 2 * direction.scale_ * direction.direction_.expand_as(moved)
    torch.testing.assert_close(moved, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(moved.norm(dim=2), torch.full(moved.shape[:2], 2 * direction.scale_), rtol=1e-4, atol=0)
    rescaled = direction.with_scale(1.0).edit(latent, 2 * direction.scale_)
    assert torch.equal(rescaled.data, direction.edit(latent, 2.0).data)


def test_components_of_a_region_live_in_its_rows(small):
    """Rows of W+ codes that vary together in one region alone, and are still elsewhere."""
    codes, axes = planted()
    wplus = torch.zeros(len(codes), small.layout.rows, 16)
    rows = small.latent(wplus).rows("region2")
    wplus[:, list(rows)] = codes[:, None]
    found = GANSpace(2).fit(small.latent(wplus), "region2")
    assert found.directions_.shape == (2, small.layout.rows, 16) and found["pc0"].regions_ == "region2"
    others = [row for row in range(small.layout.rows) if row not in rows]
    assert found.directions_[:, others].abs().max() == 0
    assert (found.directions_[0, rows[0]] @ axes[:, 0]).abs() > 0.99 / 2**0.5
    assert found.deviations_[0].item() == pytest.approx(5 * 2**0.5, rel=0.05)
    latent = small.latent(wplus[:2])
    for regions in (None, "all", "region1,region2"):
        edited = found["pc0"].edit(latent, 1.0, regions)
        assert torch.equal(edited.data[:, others], latent.data[:, others])
        assert not torch.equal(edited.data[:, list(rows)], latent.data[:, list(rows)])


def test_files_belong_to_a_generator(small, tmp_path):
    found = GANSpace.of_generator(small, components=4, samples=300)
    found.save(tmp_path / GANSpace.FILE)
    back = GANSpace.load(tmp_path / GANSpace.FILE, small.fingerprint)
    latent = small.latent(torch.randn(2, 16))
    assert list(back) == list(found) and back.described() == found.described()
    assert torch.equal(back["pc3"].edit(latent, 1.5).data, found["pc3"].edit(latent, 1.5).data)
    with pytest.raises(LatentError, match="not of other"):
        GANSpace.load(tmp_path / GANSpace.FILE, "other")


@pytest.mark.parametrize("broken", [
    {"tensors": {"deviations": None}}, {"tensors": {"deviations": torch.ones(3)}},
    {"tensors": {"directions": torch.ones(4, 16)}}, {"extra": {}}, {"extra": {"regions": 3}},
])  # fmt: skip
def test_a_file_of_another_form_is_refused(small, tmp_path, broken):
    path = tmp_path / GANSpace.FILE
    GANSpace.of_generator(small, components=4, samples=100).save(path)
    weights = load_weights(path)
    tensors = {**weights.tensors, **broken.get("tensors", {})}
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    save_weights(path, replace(weights, tensors=kept, extra=broken.get("extra", weights.extra)))
    with pytest.raises(CheckpointError, match=r"ganspace\.safetensors: "):
        GANSpace.load(path)


def test_misuse_is_named(small):
    with pytest.raises(NotFitted):
        list(GANSpace())
    found = GANSpace.of_generator(small, components=2, samples=100)
    with pytest.raises(UnknownName, match="choose from: pc0, pc1"):
        found["pc2"]
    for count, components in ((1, 1), (5, 5), (50, 17)):
        with pytest.raises(ConfigError, match="components of"):
            GANSpace(components).fit(small.latent(torch.randn(count, 16)))
    with pytest.raises(LatentError, match="not in 'expanded'"):
        GANSpace(1).fit(small.latent(torch.randn(9, small.layout.expanded_rows, 16)))
