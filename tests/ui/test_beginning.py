"""A desk's pictures from photos: cut, read by the encoder, searched for; hostile uploads; back into the photo."""

import pytest
from PIL import Image

from semedit.errors import ConfigError, ImageError, SemeditError
from semedit.ui.beginning import begin_with_photo, draw_example, examples, received
from semedit.ui.commands import command_lines
from semedit.ui.work import Stopped


def ignore(*_):
    """Nobody watches."""


def test_a_photo_is_shown_at_each_step_and_pasted_back(desk, photo, tmp_path):
    shown = []
    now = begin_with_photo(desk, photo, ignore, lambda name, image: shown.append((name, image.size)), quick=True)
    assert [name.split(":")[0] for name, _ in shown] == ["cut out", "restyle"] and shown[0][1] == (128, 128)
    assert command_lines(desk) == ["semedit invert 'a photo.png' --method restyle --model portraits-128"]
    assert now.latent.metadata["source"] == "a photo.png" and not desk.beginning.warning
    with pytest.raises(ConfigError, match="edit the picture first"):
        desk.paste()
    desk.preview("smile", 1.0)
    with Image.open(desk.paste()) as pasted, Image.open(photo) as before:
        assert pasted.size == before.size and pasted.tobytes() != before.tobytes()


def test_a_search_that_is_stopped_leaves_the_encoders_picture(desk, photo):
    def watch(what, done, total):
        if desk.history.moments and done:
            raise Stopped("enough")

    with pytest.raises(Stopped):
        begin_with_photo(desk, photo, watch, ignore)
    assert "restyle" in desk.beginning.words and desk.now.latent is not None


def test_a_picture_outside_the_domain_is_said_to_be_so(desk, tmp_path):
    noise = tmp_path / "noise.png"
    Image.effect_noise((128, 128), 100).convert("RGB").save(noise)
    begin_with_photo(desk, noise, ignore, ignore, quick=True)
    assert "outside what 'portraits" in desk.beginning.warning


@pytest.mark.parametrize("name, content", [
    ("empty.png", b""), ("text.png", b"GIF89a is what I am not"), ("cut.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF"),
    ("page.svg", b"<svg onload=alert(1)>"), ("..%2f..%2fx.png", b"\x00" * 64),
    ("<img src=x onerror=alert(1)>.png", b"x"),
])  # fmt: skip
def test_hostile_uploads_are_refused_in_a_line_and_leave_the_desk(begun, tmp_path, name, content):
    now, upload = begun.now, tmp_path / name.replace("/", "_")
    upload.write_bytes(content)
    with pytest.raises(SemeditError) as refused:
        begin_with_photo(begun, upload, ignore, ignore)
    assert len(str(refused.value).splitlines()) == 1 and begun.now is now


def test_uploads_stay_in_the_desks_folder(desk, tmp_path):
    for name in ("...png", "a\nb.jpg", "x.png;rm -rf"):
        upload = tmp_path / name
        upload.write_bytes(b"x")
        kept = received(desk, upload)
        assert kept.parent == desk.folder / "uploads" and kept.name.isprintable() and kept.read_bytes() == b"x"
    with pytest.raises(ImageError):
        received(desk, tmp_path / "nowhere.png")


def test_an_example_is_drawn_as_a_photo_and_samples_are_shown(desk, shipped):
    with Image.open(draw_example(desk, 4)) as drawn:
        assert drawn.size == (128, 128)
    assert list(examples(shipped, 2)) == [1, 2]
