"""Latents as .npz: the same codes, readable by NumPy alone, and nothing that is not a latent."""

import io
import json
import zipfile

import numpy as np
import pytest
import torch

from semedit.cli.main import run
from semedit.errors import LatentError
from semedit.latents.arrays import load_arrays, save_arrays
from semedit.latents.latent import Latent
from tests.cli.conftest import refuse


@pytest.fixture
def edited(small) -> Latent:
    """Two codes with a past each, in W+."""
    data = torch.randn(2, small.layout.rows, small.config.style_dim, generator=torch.Generator().manual_seed(0))
    latent = small.latent(data, source="a.png").annotated_each(number=[1, 2])
    return latent.blend(latent[:1].repeat(2), 0.5).edited_from(latent, method="blend", strength=0.5)


def test_a_round_trip_keeps_codes_and_what_is_known_of_them(edited, tmp_path):
    save_arrays(tmp_path / "codes.npz", edited)
    back = load_arrays(tmp_path / "codes.npz")
    assert torch.equal(back.data, edited.data)
    for name in ("space", "layout", "regions", "fingerprint", "history"):
        assert getattr(back, name) == getattr(edited, name)
    assert [dict(p.metadata) for p in back.pasts] == [dict(p.metadata) for p in edited.pasts]
    assert back.parent is None


def test_numpy_alone_reads_it(edited, tmp_path):
    save_arrays(tmp_path / "codes.npz", edited)
    with np.load(tmp_path / "codes.npz", allow_pickle=False) as arrays:
        assert arrays["latent"].dtype == np.float32 and arrays["latent"].shape == edited.data.shape
        assert json.loads(str(arrays["about"]))["regions"]["names"] == list(edited.regions.names)


def test_the_command_goes_both_ways(edited, tmp_path, capsys):
    edited.save(tmp_path / "a.safetensors")
    assert run(["convert", str(tmp_path / "a.safetensors"), str(tmp_path / "b.npz")]) == 0
    assert run(["convert", str(tmp_path / "b.npz"), str(tmp_path / "c.safetensors"), "--json"]) == 0
    assert torch.equal(Latent.load(tmp_path / "c.safetensors").data, edited.data)
    refuse(capsys, ["convert", str(tmp_path / "b.npz"), str(tmp_path / "c.txt")], ".npz", ".safetensors")
    refuse(capsys, ["convert", str(tmp_path / "none.npz"), str(tmp_path / "d.npz")], "no such file")


@pytest.mark.parametrize("change", [
    {"about": None}, {"latent": None}, {"about": "[1]"}, {"about": '{"format": "other"}'}, {"latent": [[np.nan]]},
    {"latent": np.zeros((2, 3, 16), np.float32)}, {"latent": np.zeros((3, 12, 16), np.float32)},
    {"latent": np.array([object()], dtype=object)}, {"latent": np.array(["a"])},
])  # fmt: skip
def test_what_is_no_latent_is_refused(edited, tmp_path, change):
    path = tmp_path / "codes.npz"
    save_arrays(path, edited)
    with np.load(path) as arrays:
        content = {name: arrays[name] for name in arrays} | change
    np.savez(path, **{name: value for name, value in content.items() if value is not None})
    with pytest.raises(LatentError, match=r"codes\.npz"):
        load_arrays(path)


def test_files_of_other_kinds_are_refused(tmp_path):
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(LatentError, match=r"text\.npz"):
        load_arrays(tmp_path / "text.npz")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("latent.npy", b"damaged")
    (tmp_path / "zip.npz").write_bytes(content.getvalue())
    with pytest.raises(LatentError, match=r"zip\.npz"):
        load_arrays(tmp_path / "zip.npz")
