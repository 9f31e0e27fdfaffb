"""Marks of provenance: written into every format, read back whole, and a photo's own metadata as documented."""

from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.ExifTags import Base

from semedit.errors import ImageError
from semedit.pictures.provenance import (
    DRAWN,
    EDIT,
    GPS,
    ORIENTATION,
    SAMPLE,
    TERMS,
    Mark,
    kept_metadata,
    mark_pictures,
    parse,
    read_mark,
)
from semedit.pictures.sheets import save_labels, save_picture
from semedit.pictures.video import save_video

#: Words that need escaping, and letters beyond ASCII.
HISTORY = ({"method": "styleclip", "text": "\"grün\" <hair> & 'eyes' 目", "strength": 1.5},)
MARK = Mark(EDIT, "portraits-128", "0123abcd", HISTORY)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
class TestRoundTrip:
    def test_all_of_it_comes_back(self, tmp_path, ending):
        save_picture(torch.zeros(3, 16, 16), tmp_path / f"a.{ending}", MARK)
        assert read_mark(tmp_path / f"a.{ending}") == MARK

    def test_the_term_is_iptcs_and_any_reader_finds_it(self, tmp_path, ending):
        save_picture(torch.zeros(3, 16, 16), tmp_path / f"a.{ending}", MARK)
        with Image.open(tmp_path / f"a.{ending}") as image:
            packet = image.info["xmp"]
        described = ElementTree.fromstring(packet).find(".//{*}Description")
        assert described.get("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType") == TERMS + EDIT

    def test_pillow_hands_it_on(self, tmp_path, ending):
        save_picture(torch.zeros(3, 16, 16), tmp_path / f"a.{ending}", MARK)
        with Image.open(tmp_path / f"a.{ending}") as image:
            image.save(tmp_path / "b.webp", xmp=image.info["xmp"])
        assert read_mark(tmp_path / "b.webp") == MARK

    def test_no_mark_where_none_is_wanted(self, tmp_path, ending):
        mark_pictures(False)
        try:
            save_picture(torch.zeros(3, 16, 16), tmp_path / f"a.{ending}", MARK)
        finally:
            mark_pictures(True)
        assert read_mark(tmp_path / f"a.{ending}") is None


@pytest.mark.parametrize("ending", ["gif", "webp", "apng"])
def test_moving_pictures_carry_it_too(tmp_path, ending):
    frames = torch.rand(3, 3, 16, 16)
    save_video(frames, tmp_path / f"a.{ending}", mark=MARK)
    (tmp_path / f"a.{ending}").rename(tmp_path / "a.png")
    assert read_mark(tmp_path / "a.png") == MARK


def test_a_picture_without_words_is_a_sample_and_a_label_map_is_drawn(tmp_path):
    save_picture(torch.zeros(3, 16, 16), tmp_path / "a.png")
    save_labels(torch.zeros(16, 16), tmp_path / "b.png")
    assert read_mark(tmp_path / "a.png") == Mark(SAMPLE) and read_mark(tmp_path / "b.png").source == DRAWN
    assert np.asarray(Image.open(tmp_path / "b.png")).max() == 0


def test_a_long_history_keeps_its_latest_edits(tmp_path):
    events = tuple({"text": f"{i} " + "x" * 300} for i in range(400))
    save_picture(torch.zeros(3, 16, 16), tmp_path / "a.jpg", Mark(history=events))
    kept = read_mark(tmp_path / "a.jpg").history
    assert kept == events[-len(kept) :] and 50 < len(kept) < 400


@pytest.mark.parametrize("packet", [
    b"", b"<x:xmpmeta", b"<x:xmpmeta></x:xmpmeta>", MARK.xmp()[:-60], MARK.xmp().replace(b"semedit 0", b"other 0"),
    b'<!DOCTYPE a [<!ENTITY b "c">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&b;</x:xmpmeta>',
])  # fmt: skip
def test_what_is_no_mark_is_none(packet):
    assert parse(packet) is None


def test_a_history_that_somebody_broke_is_left_out():
    assert parse(MARK.xmp().replace(b"[{", b"[[")).history == () and parse(MARK.xmp()).history == HISTORY


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("hello")
    for name in ("a.png", "none.png"):
        with pytest.raises(ImageError, match=name):
            read_mark(tmp_path / name)


def test_a_changed_photo_keeps_its_profile_and_camera_and_loses_its_place(tmp_path):
    exif = Image.Exif()
    exif[Base.Make], exif[Base.Copyright], exif[ORIENTATION] = "Camera", "Somebody", 6
    exif[GPS] = {1: "N", 2: (52.0, 31.0, 0.0)}
    photo = Image.fromarray(np.zeros((20, 30, 3), np.uint8))
    photo.save(tmp_path / "p.jpg", exif=exif, icc_profile=b"profile", xmp=b"<x:xmpmeta>place</x:xmpmeta>")
    assert GPS in Image.open(tmp_path / "p.jpg").getexif()
    save_picture(photo, tmp_path / "q.png", MARK, kept_metadata(tmp_path / "p.jpg"))
    with Image.open(tmp_path / "q.png") as changed:
        kept = changed.getexif()
        assert kept[Base.Make] == "Camera" and kept[Base.Copyright] == "Somebody"
        assert GPS not in kept and not kept.get_ifd(GPS) and ORIENTATION not in kept
        assert changed.info["icc_profile"] == b"profile"
    assert read_mark(tmp_path / "q.png") == MARK and b"place" not in (tmp_path / "q.png").read_bytes()
