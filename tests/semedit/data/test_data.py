"""Data from disk: CelebAMask-HQ's raw layout, label maps, LMDBs, scans, samplers and augmentation."""

import io
import itertools
import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from semedit.data.celebamask import IMAGES, PAINT_ORDER, PARTS, merge_parts, prepare_celebamask
from semedit.data.collection import LmdbCollection, PictureFolder, open_collection, prepare
from semedit.data.disk import CollectionDataset, DiskSource, JointAugment, StepSampler, mirrored
from semedit.data.label_map import LabelMap, label_values
from semedit.data.scan import scan
from semedit.data.source import Share
from semedit.domains.portraits.domain import PORTRAITS
from semedit.errors import ConfigError, ImageError
from semedit.latents.regions import CELEBAMASK, RegionTable
from semedit.pictures.tensors import one_hot_masks
from semedit.training.engine.feed import DataConfig
from semedit.training.gan.recipes import recipe
from semedit.training.gan.trainer import train

IDENTITY = LabelMap.identity(CELEBAMASK)


def annotate(root, index, part, box):
    """A part's binary picture: 255 in ``box`` (left, top, right, bottom), as RGB, as in the download."""
    picture = np.zeros((512, 512, 3), np.uint8)
    left, top, right, bottom = box
    picture[top:bottom, left:right] = 255
    path = root / PARTS / str(index // 2000) / f"{index:05d}_{part}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


@pytest.fixture
def raw(tmp_path):
    """A raw tree with overlaps, at the indices around the split."""
    root = tmp_path / "raw"
    (root / IMAGES).mkdir(parents=True)
    for index in (0, 1, 10, 27_999, 28_000):
        picture = np.full((1024, 1024, 3), index % 251, np.uint8)
        Image.fromarray(picture).save(root / IMAGES / f"{index}.jpg")
    annotate(root, 0, "skin", (0, 0, 512, 512))
    annotate(root, 0, "eye_g", (0, 0, 200, 100))
    annotate(root, 0, "l_eye", (50, 0, 100, 100))
    annotate(root, 0, "nose", (0, 200, 200, 300))
    annotate(root, 0, "hair", (100, 200, 200, 300))
    for row, part in enumerate(("mouth", "l_lip", "u_lip")):
        annotate(root, 0, part, (300, 10 * row, 350, 10 * row + 10))
    annotate(root, 0, "neck_l", (0, 400, 50, 450))
    annotate(root, 0, "cloth", (0, 450, 512, 512))
    annotate(root, 0, "hat", (400, 0, 512, 100))
    annotate(root, 0, "ear_r", (450, 0, 512, 512))
    annotate(root, 27_999, "skin", (0, 0, 512, 512))
    annotate(root, 28_000, "hair", (0, 0, 512, 512))
    return root


def test_the_raw_tree_becomes_the_merged_labels(raw, tmp_path):
    done = prepare_celebamask(raw, tmp_path / "out")
    labels = np.asarray(Image.open(tmp_path / "out" / "label_train" / "0.png"))
    assert labels.shape == (512, 512) and labels.dtype == np.uint8
    at = {name: CELEBAMASK.index(name) for name in CELEBAMASK.names}
    assert labels[50, 75] == at["eyes"] == 2 and labels[50, 20] == at["glasses"] == 10
    assert labels[250, 150] == at["hair"] == 7 and labels[250, 50] == at["nose"] == 5
    assert [labels[10 * row + 5, 320] for row in range(3)] == [4, 4, 4]
    assert labels[420, 20] == at["neck"] == 8
    assert labels[50, 480] == labels[480, 480] == at["earrings"] == 12 and labels[50, 420] == at["hat"]
    assert set(np.unique(labels)) <= set(range(13))
    assert done.counts == {"train": 4, "val": 1} and done.unlabelled == [1, 10] and not done.failed
    assert (tmp_path / "out" / "label_val" / "28000.png").exists()
    assert (tmp_path / "out" / "image_train" / "27999.jpg").exists()
    for index, split in ((0, "train"), (28_000, "val")):
        copied = (tmp_path / "out" / f"image_{split}" / f"{index}.jpg").read_bytes()
        assert copied == (raw / IMAGES / f"{index}.jpg").read_bytes()


def test_the_painting_order_is_the_papers():
    assert [region for _, region in PAINT_ORDER].index("glasses") == 1 and PAINT_ORDER[-1] == ("ear_r", "earrings")
    assert len(PAINT_ORDER) == 18 and {region for _, region in PAINT_ORDER} == set(CELEBAMASK.names) - {"background"}


def test_preparing_goes_on_where_it_stopped(raw, tmp_path):
    prepare_celebamask(raw, tmp_path / "out")
    first = (tmp_path / "out" / "label_train" / "0.png").stat().st_mtime_ns
    (tmp_path / "out" / "label_train" / "27999.png").unlink()
    assert prepare_celebamask(raw, tmp_path / "out").counts["train"] == 4
    assert (tmp_path / "out" / "label_train" / "0.png").stat().st_mtime_ns == first
    assert (tmp_path / "out" / "label_train" / "27999.png").exists()


def test_damaged_parts_are_listed_and_do_not_stop_it(raw, tmp_path):
    (raw / PARTS / "0" / "00000_nose.png").write_bytes(b"not a picture")
    done = prepare_celebamask(raw, tmp_path / "out")
    assert [name for name, _ in done.failed] == ["0.jpg"] and "00000_nose.png" in done.failed[0][1]
    assert done.counts == {"train": 3, "val": 1}
    annotate(raw, 1, "skin", (0, 0, 10, 10))
    Image.new("RGB", (64, 64)).save(raw / PARTS / "0" / "00001_skin.png")
    with pytest.raises(ImageError, match="64x64 px instead of 512x512"):
        merge_parts(raw / PARTS, 1)
    with pytest.raises(ConfigError, match="is missing; the raw CelebAMask-HQ has"):
        prepare_celebamask(tmp_path / "nothing", tmp_path / "out")


# Label maps


def test_a_label_map_merges_and_names_what_it_does_not_know(tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text(
        "regions: [background, skin, left_eye, right_eye]\n"
        "labels: {0: background, 1: skin, 17: skin, 3: left_eye, 300: right_eye}\n"
        "ignore: [255]\nflip_pairs: [[left_eye, right_eye]]\n"
    )
    labels = LabelMap.read(path)
    decoded = labels.decode(Image.fromarray(np.array([[0, 1], [17, 3]], np.uint8)), "x.png")
    assert decoded.tolist() == [[0, 1], [1, 2]]
    wide = Image.fromarray(np.array([[300, 0]], np.uint16))
    assert labels.decode(wide, "wide.png").tolist() == [[3, 0]]
    assert labels.decode(Image.fromarray(np.array([[255]], np.uint8)), "x.png").tolist() == [[4]]  # no region
    with pytest.raises(ImageError, match=r"y\.png: label 9 is not in the label map \(it knows 0, 1, 3, 17"):
        labels.decode(Image.fromarray(np.array([[9]], np.uint8)), "y.png")
    both = torch.tensor([[2, 3, 0]], dtype=torch.uint8)
    assert mirrored(both, labels.table).tolist() == [[0, 2, 3]]


def test_palette_and_colour_labels(tmp_path):
    palette = Image.fromarray(np.array([[0, 1], [2, 2]], np.uint8)).convert("P")
    palette.putpalette([255, 255, 255, 9, 9, 9, 200, 0, 0] + [0] * 759)
    palette.save(tmp_path / "p.png")
    with Image.open(tmp_path / "p.png") as image:
        assert label_values(image, "p.png").tolist() == [[0, 1], [2, 2]]  # indices, not luminance
    path = tmp_path / "map.yaml"
    path.write_text('regions: [background, hair]\nlabels: {"255,0,0": hair, "#000000": background}\n')
    colours = LabelMap.read(path)
    rgb = Image.fromarray(np.array([[[255, 0, 0], [0, 0, 0]]], np.uint8))
    assert colours.decode(rgb, "c.png").tolist() == [[1, 0]]
    with pytest.raises(ImageError, match=r"c\.png: colour 1,2,3 is not in the label map"):
        colours.decode(Image.fromarray(np.array([[[1, 2, 3]]], np.uint8)), "c.png")
    with pytest.raises(ImageError, match="a colour label image"):
        IDENTITY.decode(rgb, "c.png")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("regions: [a, b]\n", "at least 'regions' and 'labels'"),
        ("regions: [a]\nlabels: {0: b}\n", "no region is called 'b'"),
        ("regions: [a]\nlabels: {0: a, '1,2,3': a}\n", "cannot be mixed"),
        ("regions: [a]\nlabels: {'1,2': a}\n", "neither a label"),
        ("regions: [a]\nlabels: {-1: a}\n", "neither a label"),
        ("regions: [a]\nlabels: {0: a}\nmerge: {}\n", "unknown entry 'merge'"),
        ("regions: [a\n", "cannot be read as a label map"),
    ],
)
def test_bad_label_maps(tmp_path, text, message):
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        LabelMap.read(tmp_path / "map.yaml")


# Folders and LMDBs


@pytest.fixture
def folder(tmp_path):
    """Twelve pictures with labels; names chosen so that string order differs from number order."""
    root = tmp_path / "data"
    for name in ("images", "labels"):
        (root / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(12):
        grey = Image.fromarray(rng.integers(0, 256, (4, 4), dtype=np.uint8)).resize((40, 40))
        picture = grey.convert("RGB")  # JPEG keeps grey well
        picture.save(root / "images" / f"{index}.png")
        Image.fromarray(rng.integers(0, 13, (20, 20), dtype=np.uint8)).save(root / "labels" / f"{index}.png")
    return root


def official_lmdb(path, folder, size):
    """Pack a folder as the official tool does: string order, JPEG quality 100, PNG labels, counts as text."""
    lmdb = pytest.importorskip("lmdb")
    collection = PictureFolder(folder, labelled=True)
    with lmdb.open(str(path), map_size=2**26) as environment, environment.begin(write=True) as transaction:
        for j in range(len(collection)):
            pair = collection.read(j)
            content = io.BytesIO()
            pair.picture.resize((size, size), Image.Resampling.LANCZOS).save(content, "JPEG", quality=100)
            transaction.put(f"image-{j:07d}".encode(), content.getvalue())
            content = io.BytesIO()
            pair.label.resize((size, size), Image.Resampling.NEAREST).save(content, "PNG")
            transaction.put(f"label-{j:07d}".encode(), content.getvalue())
        for prefix in ("image", "label"):
            transaction.put(f"{prefix}-length".encode(), str(len(collection)).encode())


def test_an_official_lmdb_is_read_identically(folder, tmp_path):
    official_lmdb(tmp_path / "db", folder, 20)
    packed, plain = open_collection(tmp_path / "db", 20, True), PictureFolder(folder, True)
    assert isinstance(packed, LmdbCollection) and len(packed) == len(plain) == 12
    assert [path.stem for path in plain.files][:3] == ["0", "1", "10"]
    for j in range(12):
        image, labels = prepare(packed.read(j), 20, IDENTITY)
        there, truth = prepare(plain.read(j), 20, IDENTITY)
        assert torch.equal(labels, truth) and (image.int() - there.int()).abs().float().mean() < 6
    again = pickle.loads(pickle.dumps(packed))
    assert torch.equal(prepare(again.read(3), 20, IDENTITY)[1], prepare(packed.read(3), 20, IDENTITY)[1])


def test_an_image_only_lmdb(tmp_path):
    lmdb = pytest.importorskip("lmdb")
    with lmdb.open(str(tmp_path / "db"), map_size=2**24) as environment:
        for j in range(3):
            content = io.BytesIO()
            Image.new("RGB", (32, 32), (j, 0, 0)).save(content, "JPEG", quality=100)
            with environment.begin(write=True) as transaction:
                transaction.put(f"32-{j:05d}".encode(), content.getvalue())
        with environment.begin(write=True) as transaction:
            transaction.put(b"length", b"3")
    collection = open_collection(tmp_path / "db", 32, labelled=False)
    pixels, labels = prepare(collection.read(2), 16, None)
    assert len(collection) == 3 and pixels.shape == (3, 16, 16) and not labels.numel()
    with pytest.raises(ConfigError, match="no pictures of 64 px"):
        open_collection(tmp_path / "db", 64, labelled=False)
    with pytest.raises(ConfigError, match="without labels"):
        open_collection(tmp_path / "db", 32, labelled=True)


def test_masks_have_exactly_one_region_and_mirror_with_the_labels(folder):
    labels = prepare(PictureFolder(folder, True).read(0), 20, IDENTITY)[1]
    masks = one_hot_masks(labels[None], 13)
    assert set(masks.unique().tolist()) == {-1.0, 1.0} and (masks.sum(1) == 2 - 13).all()
    assert torch.equal(one_hot_masks(mirrored(labels, CELEBAMASK)[None], 13), masks.flip(-1))
    assert (one_hot_masks(torch.full((1, 2, 2), 13), 13) == -1).all()


def test_folders_that_do_not_fit_are_refused(folder, tmp_path):
    with pytest.raises(ConfigError, match="no such folder"):
        open_collection(tmp_path / "nothing", 16, True)
    with pytest.raises(ConfigError, match="no folders of pictures and labels"):
        open_collection(tmp_path, 16, True)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no pictures there"):
        open_collection(tmp_path / "empty", 16, False)
    (folder / "images" / "more").mkdir()
    Image.new("RGB", (20, 20)).save(folder / "images" / "more" / "3.png")
    with pytest.raises(ConfigError, match="two files are called '3'"):
        open_collection(folder, 16, True)


def test_a_scan_finds_every_bad_file(folder):
    (folder / "images" / "0.png").write_bytes(b"junk")
    (folder / "labels" / "1.png").unlink()
    Image.fromarray(np.full((20, 20), 99, np.uint8)).save(folder / "labels" / "2.png")
    Image.new("L", (20, 20), 3).save(folder / "labels" / "stray.png")
    Image.new("L", (40, 20), 3).save(folder / "labels" / "3.png")
    Image.new("L", (20, 20), 7).save(folder / "labels" / "4.png")
    found = scan(PictureFolder(folder, True), IDENTITY, size=64)
    reasons = {file.rsplit("/", 1)[1]: reason for file, reason in found.bad}
    assert reasons.keys() == {"0.png", "1.png", "2.png", "3.png", "stray.png"}
    assert "no label image called '1'" in reasons["1.png"] and "label 99" in reasons["2.png"]
    assert "40x20 labels for a 40x40 picture" in reasons["3.png"] and "without a picture" in reasons["stray.png"]
    remarks = dict(found.remarks)
    assert any("all of one region (hair)" in text for text in remarks.values())
    assert any("will be enlarged to 64 px" in text for text in remarks.values())
    assert found.sizes == {"40x40": 10} and sum(found.area.values()) == pytest.approx(1)


# Samplers and augmentation


def test_epochs_are_reshuffled_and_cover_everything():
    flat = [i for batch in itertools.islice(StepSampler(12, 4, 7, Share(), 0), 6) for i, _ in batch]
    assert sorted(flat[:12]) == sorted(flat[12:]) == list(range(12)) and flat[:12] != flat[12:]


def test_shares_and_restarts_see_the_same_stream():
    whole = list(itertools.islice(StepSampler(10, 4, 7, Share(), 0), 5))
    parts = [list(itertools.islice(StepSampler(10, 4, 7, Share(r, 2), 2), 3)) for r in range(2)]
    for step in range(3):
        assert whole[2 + step][0::2] == parts[0][step] and whole[2 + step][1::2] == parts[1][step]


def test_joint_augmentation_moves_picture_and_labels_together():
    labels = torch.zeros(32, 32, dtype=torch.uint8)
    labels[8:20, 4:12] = 1
    pixels = (labels * 200)[None].expand(3, -1, -1).contiguous()
    augment = JointAugment(mirror=True, shift=0.1, scale=0.2, rotate=15)
    moved = 0
    for seed in range(30):
        image, truth = augment(pixels, labels, CELEBAMASK, torch.Generator().manual_seed(seed))
        assert ((image[0] > 100) == (truth == 1)).float().mean() > 0.95
        again = augment(pixels, labels, CELEBAMASK, torch.Generator().manual_seed(seed))
        assert torch.equal(again[0], image)
        moved += not torch.equal(truth, labels)
    assert moved > 15
    still, _ = JointAugment()(pixels, labels, CELEBAMASK, torch.Generator().manual_seed(0))
    assert torch.equal(still, pixels)


def test_batches_from_disk_are_the_same_with_and_without_workers(folder):
    dataset = CollectionDataset(PictureFolder(folder, True), 16, IDENTITY, JointAugment(mirror=True))
    options = {"batch": 4, "seed": 1, "regions": 13, "share": Share()}
    alone = DiskSource(dataset, workers=0, **options)
    one, two = (
        list(itertools.islice(source.stream(2), 3)) for source in (alone, DiskSource(dataset, workers=1, **options))
    )
    assert all(torch.equal(a.images, b.images) and torch.equal(a.masks, b.masks) for a, b in zip(one, two, strict=True))
    assert one[0].images.shape == (4, 3, 16, 16) and one[0].masks.shape == (4, 13, 16, 16)


def test_training_from_a_folder_with_a_label_map(folder, tmp_path):
    (tmp_path / "map.yaml").write_text(
        "regions: [background, person]\nlabels: {0: background, "
        + ", ".join(f"{i}: person" for i in range(1, 13))
        + "}\n"
    )
    tiny = recipe("portraits-tiny")
    config = tiny.model_copy(
        update={
            "generator": tiny.generator.model_copy(update={"regions": 2, "transparent": ()}),
            "discriminator": tiny.discriminator.model_copy(update={"regions": 2}),
            "data": DataConfig(domain="faces", path=str(folder), label_map=str(tmp_path / "map.yaml"), workers=0),
            "images": 16, "monitor_every": 2, "metric_samples": 0,
        }
    )  # fmt: skip
    said = []
    state = train(config, tmp_path / "out", domain=PORTRAITS, say=said.append)
    assert state.average.regions.names == ("background", "person")
    assert any("12 pictures: training with differentiable augmentation" in line for line in said)
    with pytest.raises(ConfigError, match="the data have 13 regions, the generator 2"):
        train(config.with_overrides(["data.label_map="]), tmp_path / "other", domain=PORTRAITS)


def test_faces_cannot_be_drawn(tmp_path):
    config = recipe("portraits-tiny").with_overrides(["data.domain=faces"])
    with pytest.raises(ConfigError, match="cannot be drawn; name them with --data"):
        train(config, tmp_path, domain=PORTRAITS)


def test_a_table_with_flip_pairs_survives_json():
    table = RegionTable(names=("a", "b"), colours=((0, 0, 0), (1, 1, 1)), flip_pairs=(("a", "b"),))
    assert RegionTable.from_json(table.to_json()) == table
