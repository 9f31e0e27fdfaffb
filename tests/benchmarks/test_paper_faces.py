"""The report on real faces: a tree like CelebAMask-HQ's and weights of the official formats, all made here."""

import dataclasses
import itertools
import json

import numpy as np
import pytest
import torch
from facenet_pytorch import InceptionResnetV1
from torchvision.models import Inception3, alexnet, vgg16

from benchmarks.paper import PARTS, Setting, chosen, run, write_report
from benchmarks.reconstruction import unseen_pictures
from encoders.backbone import EncoderConfig, ResidualEncoder
from encoders.official import to_official
from semedit.checkpoints.official import save_official
from semedit.cli.main import run as semedit
from semedit.domains.faces import FACES
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.loading import load
from semedit.editing.model import Model
from semedit.metrics.curricular import TEMPLATE, CurricularFace
from semedit.metrics.face_attributes import FaceAttributeClassifier, FaceAttributeConfig, FaceAttributeScorer
from semedit.metrics.identity import FaceNet
from semedit.metrics.lpips import Lpips
from semedit.networks.irse import IrSeFace, IrTrunkConfig
from semedit.pictures.alignment import Face
from semedit.pictures.sheets import save_picture
from semedit.pictures.tensors import to_images
from tests.benchmarks.paper_models import TINY, tiny_generator

NARROW = IrTrunkConfig(widths=(8, 8, 8, 8), units=(1, 1, 1, 1), squeeze=0)


@pytest.fixture
def faces(tmp_path):
    """The domain of faces with random networks in files of their published forms, but for sizes."""
    torch.manual_seed(0)
    for name, network in (("vgg", vgg16(init_weights=False)), ("alex", alexnet())):
        state = {f"features.{k}": v for k, v in network.features.state_dict().items()}
        torch.save(state, tmp_path / f"{name}.pth")
    torch.save(InceptionResnetV1(pretrained=None).state_dict(), tmp_path / "facenet.pt")
    torch.save(IrSeFace(NARROW, affine=False).state_dict(), tmp_path / "curricular.pth")
    sizes = FaceAttributeConfig(size=32, layers=(1, 1, 1, 1), width=8, attributes=5)
    scorer = FaceAttributeScorer(FaceAttributeClassifier(sizes), FACES.attribute_names)
    scorer.save(tmp_path / "attributes.safetensors")
    loaded = {
        "perceptual": Lpips("vgg", tmp_path / "vgg.pth"),
        "perceptual_training": Lpips("alex", tmp_path / "alex.pth"),
        "identity": FaceNet(tmp_path / "facenet.pt"),
        "attributes": FaceAttributeScorer.load(tmp_path / "attributes.safetensors"),
    }
    curricular = CurricularFace(tmp_path / "curricular.pth", NARROW)
    loaders = {name: lambda network=network: network for name, network in loaded.items()}
    return dataclasses.replace(FACES, identity_further=(lambda: curricular,), **loaders)


@pytest.fixture
def data(tmp_path):
    """image_train/ and image_val/, numbered as CelebAMask-HQ is."""
    pictures = to_images(torch.stack(list(unseen_pictures(PORTRAITS.draw, 64, 9))))
    for index, image in enumerate(pictures[:6]):
        save_picture(image, tmp_path / "data" / "image_train" / f"{index}.jpg")
    for index, image in enumerate(pictures[6:]):
        save_picture(image, tmp_path / "data" / "image_val" / f"{29_997 + index}.jpg")
    return tmp_path / "data"


@pytest.fixture
def model(tmp_path, faces, capsys):
    """A generator with an encoder and a boundary, all in official files, added as a user adds them."""
    generator = tiny_generator()
    dim, rows = generator.config.style_dim, generator.layout.rows
    save_official(tmp_path / "g.pt", generator)
    encoder = ResidualEncoder(EncoderConfig(size=32, rows=rows, style_dim=dim, widths=(16, 32), units=(1, 1)))
    state = {f"encoder.{k}": v for k, v in to_official(encoder).items()}
    torch.save({"state_dict": state, "latent_avg": generator.mean_w()}, tmp_path / "e.pt")
    np.save(tmp_path / "smile.npy", np.random.default_rng(0).normal(size=(1, dim)))
    add = ["models", "add", "mine", "--file", str(tmp_path / "g.pt"), "--encoder", str(tmp_path / "e.pt")]
    assert semedit([*add, "--boundary", f"smile={tmp_path / 'smile.npy'}", "--domain", "faces"]) == 0
    opened = load("mine")
    return Model(opened.generator, faces, "mine", opened.entry)


def test_tables_and_curves_on_real_faces(model, data, tmp_path, monkeypatch):
    """Tables 1 and 2 and figure 10 end to end; nothing is aligned anew but what CurricularFace looks at."""
    torch.manual_seed(1)
    torch.save(Inception3(transform_input=False, init_weights=False).state_dict(), tmp_path / "inception.pth")
    monkeypatch.setenv("SEMEDIT_INCEPTION_TORCHVISION", str(tmp_path / "inception.pth"))
    monkeypatch.setattr("semedit.pictures.alignment._detector", lambda: pytest.fail("a face was looked for"))
    seen = [Face((0, 0, 16, 16), (TEMPLATE * 16 / 112).astype(np.float32), 1.0)]
    shown = itertools.cycle([seen, [], seen, seen])  # one picture in four has no face
    monkeypatch.setattr("semedit.metrics.curricular.detect_faces", lambda picture: next(shown))
    # The root of a matrix of 2048 x 2048 takes a minute, and has tests of its own.
    monkeypatch.setattr(
        "semedit.metrics.sets.legacy_frechet", lambda a, b: (a.mean(0) - b.mean(0)).square().sum().item()
    )
    monkeypatch.setattr("benchmarks.editing.DEGREES", (1.0,))
    monkeypatch.setattr("directions.probe.COUNT", 2)
    setting = Setting(model, tmp_path / "report", TINY.replace(samples=10, inversions=2), data)
    page, _ = write_report(setting, run(setting, chosen(PARTS, ("ssg.t1", "ssg.t2"))))
    # Curves look at many pictures: by the smaller network.
    domain = dataclasses.replace(model.domain, perceptual=model.domain.perceptual_training)
    smaller = Model(model.generator, domain, "mine", model.entry)
    run(dataclasses.replace(setting, model=smaller, folder=tmp_path / "curves"), chosen(PARTS, ("ssg.f10",)))
    files = [tmp_path / folder / "rows.json" for folder in ("report", "curves")]
    rows = [row for file in files for row in json.loads(file.read_text()) if row["ours"] is not None]
    by = {(row["part"], row["row"], row["column"], row["protocol"]): row for row in rows}
    size = model.generator.config.size
    drawn = f"fake=10,real=6,psi=1,noise=random)@{size}"
    assert by["ssg.t1", "SemanticStyleGAN", "FID", f"fid(ssg-legacy,{drawn}"]["n"] == 10
    assert ("ssg.t1", "SemanticStyleGAN", "IS", f"is(ssg-legacy,{drawn}") in by
    table = {row["protocol"]: row for row in rows if row["part"] == "ssg.t2"}
    assert {"mse[-1,1]@256", "lpips-vgg-v0.1@256", "facenet-vggface2@160"} <= table.keys()
    assert table["mse[-1,1]@256"]["paper"] == 0.031 and table["mse[-1,1]@256"]["n"] == 2
    assert table["mse[-1,1]@256"]["status"] in ("reproduced", "within tolerance", "differs")
    assert table["lpips-vgg-v0.1@256"]["paper"] == 0.335
    assert [row["paper"] for name, row in table.items() if name.startswith("lpips-alex")] == [None]
    identity = table["curricularface-ir101-mtcnn@112"]
    assert (identity["paper"], identity["n"], identity["skipped"]) == (0.602, 1, 1)
    curves = [row for row in rows if row["part"] == "ssg.f10" and not row["detail"]]
    assert curves and {row["row"].split(",")[0] for row in curves} == {"smile: SemanticStyleGAN + interfacegan"}
    assert "identity" in {row["column"] for row in curves} and "29999" not in page.read_text()
