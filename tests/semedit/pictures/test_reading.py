"""Any picture that Pillow opens, read as what a person would see; and bad ones named."""

import numpy as np
import pytest
import torch
from PIL import Image

from semedit.errors import ImageError
from semedit.pictures.reading import find_pictures, read_picture
from semedit.pictures.sheets import save_picture, sheet
from semedit.pictures.tensors import quantise, to_picture, to_tensor
from semedit.storage.ownership import REGISTER


@pytest.fixture
def picture():
    y, x = np.mgrid[0:40, 0:60]
    return Image.fromarray(np.stack([x * 4, y * 6, (x + y) * 2], axis=2).astype(np.uint8))


def test_plain_formats(tmp_path, picture):
    for ending in ("png", "bmp", "webp", "jpg", "gif", "tiff"):
        picture.save(tmp_path / f"a.{ending}")
        opened = read_picture(tmp_path / f"a.{ending}")
        assert opened.mode == "RGB" and opened.size == (60, 40)


def test_exif_rotation_is_applied(tmp_path, picture):
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "a.jpg", exif=exif)
    assert read_picture(tmp_path / "a.jpg").size == (40, 60)


def test_cmyk_grey_alpha_palette_and_16_bit(tmp_path, picture):
    picture.convert("CMYK").save(tmp_path / "cmyk.jpg")
    picture.convert("L").save(tmp_path / "grey.png")
    picture.convert("P").save(tmp_path / "palette.png")
    for name in ("cmyk.jpg", "grey.png", "palette.png"):
        assert read_picture(tmp_path / name).mode == "RGB"
    clear = Image.new("RGBA", (20, 20), (10, 20, 30, 0))
    clear.save(tmp_path / "clear.png")
    assert read_picture(tmp_path / "clear.png").getpixel((5, 5)) == (255, 255, 255)
    deep = np.full((20, 20), 32768, dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert read_picture(tmp_path / "deep.png").getpixel((5, 5)) == (127, 127, 127)


def test_bad_pictures_are_named(tmp_path, picture):
    picture.resize((400, 300)).save(tmp_path / "cut.jpg", quality=95)
    whole = (tmp_path / "cut.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("not a picture")
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    Image.new("1", (30_000, 20)).save(tmp_path / "wide.png")
    for name, message in (("cut.jpg", "truncated"), ("text.jpg", "not a picture"), ("dot.png", "1x1 px is too small"),
                          ("wide.png", "30000x20 px is too large"), ("none.png", "no such file")):  # fmt: skip
        with pytest.raises(ImageError, match=f"{name}: .*{message}"):
            read_picture(tmp_path / name)


@pytest.mark.parametrize("head, kind", [
    (b"\0\0\0\x18ftypheic", "HEIC, which"), (b"\0\0\0\x1cftypavif", "AVIF, which"), (b"\xff\x0a", "JPEG XL, which"),
    (b"\0\0\0\x18ftypmp42", "not a picture"),
])  # fmt: skip
def test_what_phones_write_is_called_by_its_name_and_not_passed_over(tmp_path, picture, head, kind):
    picture.save(tmp_path / "a.png")
    (tmp_path / "b.heic").write_bytes(head + bytes(300))
    assert [path.name for path in find_pictures([tmp_path])] == ["a.png", "b.heic"]
    with pytest.raises(ImageError, match=f"b.heic: {kind}"):
        read_picture(tmp_path / "b.heic")


def test_tensors_and_pictures_are_inverse(picture):
    tensor = to_tensor(picture)
    assert tensor.shape == (3, 40, 60) and tensor.min() >= -1 and tensor.max() <= 1
    assert to_picture(tensor).tobytes() == picture.tobytes()
    torch.testing.assert_close(quantise(tensor), tensor, rtol=0, atol=1e-6)


def test_sheet_and_atomic_save(tmp_path):
    grid = sheet(torch.zeros(5, 3, 8, 8), columns=3)
    assert grid.shape == (3, 18, 28)
    save_picture(grid, tmp_path / "deep" / "sheet.png")
    assert {p.name for p in (tmp_path / "deep").iterdir()} == {"sheet.png", REGISTER}


def test_finding_pictures(tmp_path, monkeypatch, picture):
    for name in ("b.png", "a.JPG", "notes.txt"):
        picture.save(tmp_path / name, format="PNG")
    assert [p.name for p in find_pictures([tmp_path])] == ["a.JPG", "b.png"]
    assert [p.name for p in find_pictures([str(tmp_path / "*.png")])] == ["b.png"]
    monkeypatch.chdir(tmp_path)
    assert [p.name for p in find_pictures(["*.png", "b.png"])] == ["b.png"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="no pictures in this folder"):
        find_pictures([tmp_path / "empty"])
    with pytest.raises(ImageError, match="nothing matches"):
        find_pictures(["*.webp"])
