"""Identity networks: the domain's two, and the loaders for faces on files of the published form."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from semedit.domains import DOMAINS
from semedit.domains.portraits.drawing.renderer import render
from semedit.domains.portraits.fitting.identity import VIEWS, balanced, contrastive, draw_people, verification
from semedit.domains.portraits.law import sample_factors
from semedit.errors import CheckpointError, MissingWeights
from semedit.metrics.curricular import TEMPLATE, CurricularFace, similarity
from semedit.metrics.identity import ArcFace, DomainIdentity, FaceNet, central
from semedit.networks.irse import IR101, IrSeFace, IrTrunkConfig
from semedit.pictures.alignment import Face

PORTRAITS = DOMAINS["portraits"]


@pytest.fixture(scope="module")
def people():
    """Sixteen persons in four scenes each, of a seed that no training uses."""
    return draw_people(64, 128, seed=77_001)


@pytest.mark.parametrize("load", [PORTRAITS.identity, PORTRAITS.identity_loss])
class TestShipped:
    def test_the_same_person_is_nearer_than_others(self, load, people):
        accuracy, _ = verification(load(), people)
        assert accuracy > 0.9 and load().card["verification_accuracy"] > 0.95

    def test_a_picture_is_itself_and_the_order_does_not_matter(self, load):
        a, b = (render(sample_factors(2, seed), 128)[0] for seed in (5, 6))
        identity = load()
        torch.testing.assert_close(identity.identity(a, a), torch.ones(2))
        torch.testing.assert_close(identity.identity(a, b), identity.identity(b, a))
        assert (identity.identity(a, b).abs() <= 1).all()

    def test_it_is_differentiable(self, load):
        a = render(sample_factors(1, 5), 64)[0].requires_grad_()
        load().identity(a, render(sample_factors(1, 6), 64)[0]).sum().backward()
        assert a.grad.abs().sum() > 0

    def test_its_file(self, load, tmp_path):
        load().save(tmp_path / "i.safetensors")
        again = DomainIdentity.load(tmp_path / "i.safetensors")
        assert again.protocol == load().protocol and again.card == load().card
        with pytest.raises(CheckpointError):
            DomainIdentity.load(tmp_path / "none.safetensors")


def test_the_two_share_nothing():
    score, loss = PORTRAITS.identity(), PORTRAITS.identity_loss()
    assert score.card["config"]["seed"] != loss.card["config"]["seed"] and score.protocol != loss.protocol
    pairs = zip(score.network.parameters(), loss.network.parameters(), strict=True)
    assert not any(torch.equal(a, b) for a, b in pairs)


def test_people_keep_their_factors_in_every_scene(people):
    views = people.factors.unflatten(0, (-1, VIEWS))
    assert torch.equal(views, views[:, :1].expand_as(views)) and not torch.equal(views[0], views[1])
    assert not torch.equal(people.images[0], people.images[1])


def test_the_contrastive_loss_wants_persons_together():
    person = torch.tensor([0, 1, 0, 1])
    together = torch.nn.functional.one_hot(person, 3).float()
    apart = torch.nn.functional.one_hot(torch.tensor([0, 0, 1, 1]), 3).float()
    assert contrastive(together, person) < 0.01 < contrastive(apart, person)


def test_balanced_accuracy_and_the_central_crop():
    assert balanced(torch.tensor([0.9, 0.1]), torch.tensor([0.2, 0.3, 0.6, 0.1]), 0.5) == pytest.approx(0.625)
    assert central(torch.zeros(1, 3, 128, 128), 0.75).shape[-1] == 96


class TestFaces:
    def test_facenet_from_its_published_form(self, tmp_path):
        from facenet_pytorch import InceptionResnetV1

        torch.manual_seed(0)
        state = InceptionResnetV1(pretrained=None).state_dict()
        state |= {"logits.weight": torch.zeros(8631, 512), "logits.bias": torch.zeros(8631)}
        torch.save(state, tmp_path / "facenet.pt")
        face = FaceNet(tmp_path / "facenet.pt")
        a, b = torch.rand(2, 3, 200, 200) * 2 - 1, torch.rand(2, 3, 160, 160) * 2 - 1
        torch.testing.assert_close(face.identity(a, a), torch.ones(2))
        assert face.identity(a, b).shape == (2,) and face.protocol == "facenet-vggface2@160"
        del state["last_bn.bias"]
        torch.save(state, tmp_path / "facenet.pt")
        with pytest.raises(CheckpointError, match=r"missing, such as 'last_bn\.bias'"):
            FaceNet(tmp_path / "facenet.pt")

    def test_arcface_crops_as_the_loss_does(self, tmp_path):
        torch.manual_seed(0)
        torch.save(IrSeFace().state_dict(), tmp_path / "model_ir_se50.pth")
        face = ArcFace(tmp_path / "model_ir_se50.pth")
        a = torch.rand(1, 3, 256, 256) * 2 - 1
        outside = a.clone()
        outside[..., :35, :], outside[..., 223:, :], outside[..., :32], outside[..., 220:] = 1, 1, 1, 1
        torch.testing.assert_close(face.identity(a, outside), torch.ones(1))
        inside = a.clone()
        inside[..., 100:150, 100:150] = 1
        assert face.identity(a, inside) < 0.9999
        small = torch.rand(1, 3, 64, 64) * 2 - 1
        pooled = F.adaptive_avg_pool2d(small, 256)
        assert torch.equal(face.embed(small), face.embed(pooled))

    @pytest.mark.parametrize(
        "kind, variable",
        [
            (FaceNet, "SEMEDIT_FACENET"),
            (ArcFace, "SEMEDIT_ARCFACE"),
            (CurricularFace, "SEMEDIT_CURRICULARFACE"),
        ],
    )
    def test_missing_files_are_named(self, kind, variable, monkeypatch, tmp_path):
        monkeypatch.setenv("TORCH_HOME", str(tmp_path))
        with pytest.raises(MissingWeights, match=variable):
            kind()


class TestCurricularFace:
    NARROW = IrTrunkConfig(widths=(8, 8, 8, 8), units=(1, 1, 1, 1), squeeze=0)

    @pytest.fixture
    def face(self, tmp_path):
        torch.manual_seed(0)
        network = IrSeFace(self.NARROW, affine=False)
        torch.save(network.state_dict(), tmp_path / "backbone.pth")
        return CurricularFace(tmp_path / "backbone.pth", self.NARROW)

    def test_the_sizes_and_keys_of_the_published_file(self):
        """IR-101: forty-nine units without squeeze and excitation, an embedding whose batch norm is not learnt."""
        state = IrSeFace(IR101, affine=False).state_dict()
        assert len({key.split(".")[1] for key in state if key.startswith("body.")}) == 49
        assert not any(".res_layer.5." in key for key in state)
        assert state["output_layer.3.weight"].shape == (512, 512 * 7 * 7)
        assert {k for k in state if k.startswith("output_layer.4")} == {
            f"output_layer.4.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")
        }
        assert sum(t.numel() for k, t in state.items() if "running" not in k and "tracked" not in k) > 65e6

    def test_faces_are_brought_to_the_template(self, face, monkeypatch):
        """A picture turned and enlarged shows the same person: landmarks decide what the network sees."""
        random = np.random.default_rng(0)
        image = torch.nn.functional.interpolate(torch.rand(1, 3, 14, 14) * 2 - 1, size=112, mode="bicubic").clamp(-1, 1)
        marks = {112: TEMPLATE, 224: 2 * TEMPLATE}
        monkeypatch.setattr("semedit.metrics.curricular.detect_faces", lambda picture: [
            Face((0, 0, 1, 1), marks[picture.width].astype(np.float32), 1.0)
        ])  # fmt: skip
        twice = torch.nn.functional.interpolate(image, size=224, mode="bilinear")
        assert face.identity(image, image).item() == pytest.approx(1, abs=1e-5)
        assert face.identity(image, twice).item() > 0.99
        turn = similarity(TEMPLATE, TEMPLATE @ np.array([[0.0, 1.0], [-1.0, 0.0]]) + random.normal(size=2))
        np.testing.assert_allclose(turn[:, :2] @ turn[:, :2].T, np.eye(2), atol=1e-9)

    def test_pictures_without_a_face_have_no_score(self, face, monkeypatch):
        calls = iter([[], [Face((0, 0, 1, 1), TEMPLATE.astype(np.float32), 1.0)]] * 2)
        monkeypatch.setattr("semedit.metrics.curricular.detect_faces", lambda picture: next(calls))
        image = torch.rand(2, 3, 112, 112) * 2 - 1
        scores = face.identity(image, image)
        assert scores[0].isnan() and scores[1] == pytest.approx(1, abs=1e-5)
        assert face.protocol == "curricularface-ir101-mtcnn@112"

    def test_other_files_are_refused(self, tmp_path):
        torch.save(IrSeFace(self.NARROW.replace(squeeze=4)).state_dict(), tmp_path / "other.pth")
        with pytest.raises(CheckpointError, match="unexpected"):
            CurricularFace(tmp_path / "other.pth", self.NARROW)
