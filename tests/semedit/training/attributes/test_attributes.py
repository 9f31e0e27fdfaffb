"""The classifier of face attributes: CelebA as it is downloaded, a run that resumes, its use in the domain."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from semedit.cli.main import run
from semedit.data.celeba import (
    ATTRIBUTES,
    IMAGES,
    MAPPING,
    PARTITION,
    TRAIN,
    VALIDATION,
    CelebADataset,
    held_out,
    read_celeba,
)  # fmt: skip
from semedit.domains.faces import FACES
from semedit.domains.faces import attributes as domain_attributes
from semedit.errors import CheckpointError, ConfigError
from semedit.metrics.face_attributes import FaceAttributeClassifier, FaceAttributeConfig, FaceAttributeScorer
from semedit.pictures.tensors import to_images
from semedit.training.attributes.trainer import FaceAttributeRun, mapping_of, start_from, train_attributes

NAMES = ("Bald", "Bangs", "Eyeglasses", "No_Beard", "Smiling", "Young")
SMALL = FaceAttributeConfig(size=32, layers=(1, 1, 1, 1), width=8, attributes=6)


@pytest.fixture(scope="session")
def celeba(tmp_path_factory):
    """48 pictures, the last eight for validation; whoever smiles is bright. Two are held out by CelebAMask-HQ."""
    root = tmp_path_factory.mktemp("celeba")
    random = np.random.default_rng(0)
    values = random.integers(0, 2, (48, len(NAMES))) * 2 - 1
    (root / IMAGES).mkdir()
    lines = ["48", " ".join(NAMES)]
    for index, row in enumerate(values):
        pixels = random.integers(0, 80, (44, 36, 3)) + (140 if row[4] > 0 else 0)
        Image.fromarray(pixels.astype(np.uint8)).save(root / IMAGES / f"{index:06d}.jpg")
        lines.append(f"{index:06d}.jpg  " + "  ".join(map(str, row)))
    (root / ATTRIBUTES).write_text("\n".join(lines) + "\n")
    (root / PARTITION).write_text("".join(f"{i:06d}.jpg {0 if i < 40 else 1}\n" for i in range(48)))
    rows = [(0, 5), (27_999, 6), (28_000, 7), (29_999, 8)]
    (root / MAPPING).write_text("idx orig_idx orig_file\n" + "".join(f"{a} {b} {b:06d}.jpg\n" for a, b in rows))
    return root


def tiny_run(celeba, **options):
    chosen = {"steps": 30, "batch": 8, "lr": 3e-3, "workers": 0, "log_every": 10, "checkpoint_every": 10, **options}
    return FaceAttributeRun(data=str(celeba), network=SMALL, **chosen)


def test_the_set_as_it_is_downloaded(celeba):
    data = read_celeba(celeba, TRAIN)
    assert data.names == ("bald", "bangs", "glasses", "beard", "smile", "young")
    assert len(data) == 40 and len(read_celeba(celeba, VALIDATION)) == 8
    first = dict(zip(NAMES, (celeba / ATTRIBUTES).read_text().splitlines()[2].split()[1:], strict=True))
    found = dict(zip(data.names, data.labels[0].tolist(), strict=True))
    assert found["beard"] == (first["No_Beard"] == "-1") and found["smile"] == (first["Smiling"] == "1")


def test_pictures_that_are_tested_on_are_left_out(celeba, tmp_path):
    assert held_out(celeba / MAPPING) == {"000007.jpg", "000008.jpg"}
    names = {path.name for path in read_celeba(celeba, TRAIN, celeba / MAPPING).files}
    assert len(names) == 38 and not names & {"000007.jpg", "000008.jpg"} and "000006.jpg" in names
    assert mapping_of(tiny_run(celeba)) == celeba / MAPPING and mapping_of(tiny_run(celeba, mapping="none")) is None
    with pytest.raises(ConfigError, match="must not be trained on"):
        mapping_of(tiny_run(tmp_path))
    with pytest.raises(ConfigError, match="no such file"):
        read_celeba(tmp_path, TRAIN)


@pytest.mark.parametrize("name, line, words", [
    (ATTRIBUTES, "000003.jpg 1 -1 1 x 1 1", "000003.jpg other than 1 and -1"),
    (ATTRIBUTES, "000003.jpg 1 nan 1 1 1 1", "000003.jpg other than 1 and -1"),
    (ATTRIBUTES, "000003.jpg 1 1", "2 values for 000003.jpg, of 6"),
])  # fmt: skip
def test_lists_of_another_form_are_refused(celeba, tmp_path, name, line, words):
    for file in (ATTRIBUTES, PARTITION):
        lines = (celeba / file).read_text().splitlines()
        (tmp_path / file).write_text("\n".join([*lines, line] if file == name else lines))
    with pytest.raises(ConfigError, match=words):
        read_celeba(tmp_path, TRAIN)


def test_a_partition_with_a_line_of_one_word_is_read(celeba, tmp_path):
    """The picture belongs to no part."""
    (tmp_path / ATTRIBUTES).write_text((celeba / ATTRIBUTES).read_text())
    (tmp_path / PARTITION).write_text((celeba / PARTITION).read_text().replace("000000.jpg 0", "000000.jpg"))
    assert len(read_celeba(tmp_path, TRAIN)) == 39


def test_a_stopped_run_goes_on_and_learns(celeba, tmp_path):
    class Stop(Exception):
        pass

    def stop(done, total):
        if done == 14:
            raise Stop

    whole = train_attributes(tiny_run(celeba), tmp_path / "whole")
    with pytest.raises(Stop):
        train_attributes(tiny_run(celeba), tmp_path / "broken", progress=stop)
    broken = train_attributes(tiny_run(celeba), tmp_path / "broken")
    for name, tensor in whole.network.state_dict().items():
        torch.testing.assert_close(broken.network.state_dict()[name], tensor, msg=name)
    losses = [json.loads(line)["loss"] for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0]
    assert whole.card["accuracy"].keys() == set(whole.names) and whole.card["trained_on"] == 38
    held = read_celeba(celeba, VALIDATION)
    pictures = torch.stack([CelebADataset(held, 32, mirror=False)[index, 0][0] for index in range(8)])
    right = ((whole.score(to_images(pictures)) > 0.5) == held.labels).float().mean(0)
    assert list(whole.card["accuracy"].values()) == pytest.approx(right.tolist()) and whole.card["held_out"] == 8
    with pytest.raises(ConfigError, match="other options"):
        train_attributes(tiny_run(celeba, lr=1e-3), tmp_path / "broken")


def test_probabilities_are_softmaxes_of_pairs(tmp_path):
    torch.manual_seed(0)
    network = FaceAttributeClassifier(SMALL)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    scorer = FaceAttributeScorer(network, ("a", "b", "c", "d", "e", "f"), {"accuracy": {}})
    images = torch.rand(3, 3, 64, 64) * 2 - 1
    expected = network.pairs(images).softmax(2)[..., 1]
    torch.testing.assert_close(scorer.score(images), expected)
    scorer.save(tmp_path / "a.safetensors")
    again = FaceAttributeScorer.load(tmp_path / "a.safetensors")
    assert again.names == scorer.names and again.protocol == "celeba-resnet@32" and again.card == scorer.card
    torch.testing.assert_close(again.score(images), expected, atol=1e-3, rtol=1e-2)


def test_torchvisions_trunk_begins_a_run(tmp_path):
    from torchvision.models.resnet import Bottleneck, ResNet

    theirs = ResNet(Bottleneck, [1, 1, 1, 1], num_classes=1000, width_per_group=8)
    torch.save(theirs.state_dict(), tmp_path / "resnet.pth")
    network = FaceAttributeClassifier(SMALL)
    start_from(network, tmp_path / "resnet.pth")
    assert torch.equal(network.trunk.layer1[0].conv2.weight, theirs.layer1[0].conv2.weight)
    torch.save({"weight": torch.zeros(1)}, tmp_path / "else.pth")
    with pytest.raises(CheckpointError, match="not a ResNet"):
        start_from(network, tmp_path / "else.pth")


def test_the_command_gives_the_domain_its_attributes(celeba, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    domain_attributes.cache_clear()
    sets = ["steps=2", "batch=4", "workers=0", "network.size=32", "network.layers=[1,1,1,1]", "network.width=8"]
    options = [word for one in sets for word in ("--set", one)]
    assert run(["fit", "attributes", "--domain", "faces", "--data", str(celeba), *options, "--json"]) == 0
    (made,) = json.loads(capsys.readouterr().out)["results"]
    scorer = FACES.attributes()
    domain_attributes.cache_clear()
    assert made["file"].startswith(str(tmp_path / "hub")) and set(FACES.attribute_names) <= set(scorer.names)
    assert scorer.score(torch.zeros(1, 3, 64, 64)).shape == (1, 6)
    assert run(["fit", "attributes", "--domain", "faces"]) == 2
    assert "cannot be drawn; name CelebA's folder" in capsys.readouterr().err
    assert run(["fit", "attributes", "--domain", "faces", "--data", str(celeba), "--role", "judge"]) == 2


@pytest.mark.parametrize("option", ["--data", "--mapping", "--start", "--set"])
def test_what_is_for_photographs_is_refused_where_pictures_are_drawn(option, capsys):
    """It would be ignored, and minutes of training with it."""
    assert run(["fit", "attributes", option, "steps=3"]) == 2
    assert f"{option} is for domains of photographs" in capsys.readouterr().err
