"""Where weights that do not ship are looked for."""

import pytest

from semedit.domains.faces import FACES
from semedit.errors import MissingWeights
from semedit.metrics.identity import FACENET, FaceNet
from semedit.metrics.inception import LegacyInception, TfInception
from semedit.metrics.lpips import BACKBONES, Lpips
from semedit.storage.found import find_weights


def test_a_path_comes_before_the_environment_and_that_before_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / "net.pth"
    with pytest.raises(MissingWeights) as missing:
        find_weights("net.pth", "SEMEDIT_NET", "this")
    assert str(missing.value) == f"this needs net.pth at {cached}; put the file there, or set SEMEDIT_NET to its path"
    cached.parent.mkdir(parents=True)
    own, given = tmp_path / "own.pth", tmp_path / "given.pth"
    for path in (cached, own, given):
        path.touch()
    assert find_weights("net.pth", "SEMEDIT_NET", "this") == cached
    monkeypatch.setenv("SEMEDIT_NET", str(own))
    assert find_weights("net.pth", "SEMEDIT_NET", "this") == own
    assert find_weights("net.pth", "SEMEDIT_NET", "this", given) == given
    given.unlink()
    with pytest.raises(MissingWeights, match=r"given\.pth"):
        find_weights("net.pth", "SEMEDIT_NET", "this", given)


@pytest.mark.parametrize(
    "load, file",
    [
        (FaceNet, FACENET),
        (LegacyInception, LegacyInception.FILE),
        (TfInception, TfInception.FILE),
        (Lpips, BACKBONES["vgg"]),
        (FACES.attributes, "face-attributes.safetensors"),
    ],
)
def test_every_network_that_does_not_ship_is_looked_for_in_one_cache(load, file, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(MissingWeights) as missing:
        load()
    assert f"needs {file} at {tmp_path / 'hub' / 'checkpoints' / file}" in str(missing.value)
