"""The Inception embedders: from files that are there, as written, and what is said of files that are not."""

import numpy as np
import pytest
import torch

from semedit.errors import CheckpointError, MissingWeights
from semedit.metrics.inception import LegacyInception, TfInception, embedders
from semedit.metrics.sets import set_measures


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory):
    """A file in torchvision's format, with random weights."""
    from torchvision.models import Inception3

    torch.manual_seed(0)
    network = Inception3(transform_input=False, init_weights=False)
    path = tmp_path_factory.mktemp("inception") / LegacyInception.FILE
    torch.save(network.state_dict(), path)
    return path, network.eval()


def test_the_legacy_protocol_is_computed_as_written(inception_file, monkeypatch):
    path, network = inception_file
    monkeypatch.setenv(LegacyInception.VARIABLE, str(path))
    embedder = LegacyInception()
    images = torch.rand(2, 3, 40, 40) * 2 - 1
    features = embedder.embed(images)
    assert features.shape == (2, 2048)
    x = ((images + 1) / 2 - embedder.mean) / embedder.deviation
    x = torch.nn.functional.interpolate(x, size=(299, 299), mode="bilinear", align_corners=True)
    with torch.no_grad():
        torch.testing.assert_close(embedder.kinds(features), network(x), rtol=1e-3, atol=1e-4)
    # The root of a matrix of 2048 x 2048 takes a minute, and has tests of its own.
    monkeypatch.setattr("semedit.metrics.sets.legacy_frechet", lambda a, b: float(a.mean() - b.mean()))
    fake, real = torch.randn(40, 2048), torch.randn(40, 2048) + 1
    found = set_measures(embedder, fake, real)
    assert found["frechet"][0] == pytest.approx(float(fake.mean() - real.mean()), abs=1e-4)
    assert found["frechet"][2] == "fid(ssg-legacy)" and set(found) == {"frechet", "inception_score"}
    assert [e.protocol for e in embedders(None)] == ["ssg-legacy"]


def test_missing_and_wrong_inception_files(tmp_path, monkeypatch):
    for kind in (LegacyInception, TfInception):
        monkeypatch.setenv(kind.VARIABLE, str(tmp_path / "absent.pth"))
        with pytest.raises(MissingWeights, match=kind.VARIABLE):
            kind()
    torch.save({"x": torch.zeros(1)}, tmp_path / "wrong.pth")
    with pytest.raises(CheckpointError, match="does not fit the network"):
        LegacyInception(tmp_path / "wrong.pth")


def test_the_tf_inception_takes_bytes(tmp_path):
    path = tmp_path / TfInception.FILE
    made = {}

    class Recorder(torch.nn.Module):
        def __init__(self, *_, feature_extractor_weights_path):
            super().__init__()
            made["path"], self.fc = feature_extractor_weights_path, torch.nn.Linear(2048, 7)

        def forward(self, x):
            made["dtype"] = x.dtype
            return (x.float().mean((1, 2, 3))[:, None].expand(-1, 2048),)

    path.write_bytes(b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch_fidelity.feature_extractor_inceptionv3.FeatureExtractorInceptionV3", Recorder)
        embedder = TfInception(path)
    features = embedder.embed(torch.ones(2, 3, 8, 8))
    assert made == {"path": str(path), "dtype": torch.uint8} and np.allclose(features[0, 0], 255)
    assert embedder.kinds(features).shape == (2, 7)
