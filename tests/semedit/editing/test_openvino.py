"""Rendering by OpenVINO: the pictures are torch's, and what it cannot do torch does."""

import pytest
import torch

from semedit.editing import openvino as backend
from semedit.editing.loading import load
from semedit.editing.rendering import CodeRenderer
from semedit.errors import CheckpointError, ConfigError, MissingWeights, UnknownName
from semedit.packages import installed

needs_openvino = pytest.mark.skipif(not installed("openvino"), reason="openvino is not installed")


@pytest.fixture(scope="module")
def made(small) -> backend.OpenVinoBackend:
    return backend.OpenVinoBackend(small, "fp32")


def test_what_is_asked_for_must_be_there(monkeypatch):
    with pytest.raises(UnknownName, match="openvino"):
        load("portraits", backend="tensorrt")
    with pytest.raises(ConfigError, match="on the CPU"):
        load("portraits", backend="openvino", device="cuda")
    monkeypatch.setattr(backend, "installed", lambda name: False)
    with pytest.raises(MissingWeights, match=r"semedit\[openvino\]"):
        load("portraits", backend="openvino")


@needs_openvino
@pytest.mark.parametrize("batch", [1, 3])
def test_pictures_are_those_of_torch(small, made, batch):
    renderer = CodeRenderer(small)
    latent = renderer.sample(batch)
    wanted = renderer.synthesise(latent)
    renderer.backend = made
    found = renderer.synthesise(latent)
    assert type(found) is type(wanted)
    for name, value in vars(wanted).items():
        torch.testing.assert_close(getattr(found, name), value, rtol=1e-3, atol=1e-4)


@needs_openvino
def test_what_it_cannot_do_torch_does(small, made, monkeypatch):
    renderer = CodeRenderer(small)
    renderer.backend = made
    latent = renderer.sample(1)
    monkeypatch.setattr(made, "_one", lambda codes: pytest.fail("asked of OpenVINO"))
    composition = torch.ones(1, len(small.regions))
    composition[0, 1] = 0
    assert renderer.synthesise(latent, composition=composition).image.isfinite().all()
    assert renderer.synthesise(latent, noise="random").image.isfinite().all()


@needs_openvino
def test_pictures_that_differ_are_not_shown(small, monkeypatch):
    monkeypatch.setitem(backend.TOLERANCE, "fp32", -1.0)
    with pytest.raises(CheckpointError, match="differs from torch's"):
        backend.OpenVinoBackend(small, "fp32")
