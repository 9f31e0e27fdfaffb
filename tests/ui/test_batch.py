"""One edit of many files: an archive that tells all, with bad files named and a stop that keeps what was done."""

import json
import zipfile

import pytest
from PIL import Image

from semedit.editing.requests.request import EditRequest
from semedit.errors import ConfigError, UnknownName
from semedit.ui.batch import edit_files
from semedit.ui.work import Stopped

SMILE = EditRequest(attrs=("smile",), regions=("mouth",))


@pytest.fixture
def files(photo, tmp_path):
    other, bad = tmp_path / "other.png", tmp_path / "bad.png"
    with Image.open(photo) as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(other)
    bad.write_bytes(b"not a picture")
    return [photo, bad, other]


def test_an_archive_holds_every_result_and_names_what_failed(shipped, files, tmp_path):
    record = edit_files(shipped, files, tmp_path / "out", SMILE, method="restyle")
    assert record.text == "2 edited, 1 failed" and not record.stopped
    with zipfile.ZipFile(record.archive) as packed:
        said = json.loads(packed.read("manifest.json"))
        names = set(packed.namelist())
        assert packed.testzip() is None
    assert [one["input"] for one in said["done"]] == ["a photo.png", "other.png"]
    assert said["failed"][0]["input"] == "bad.png" and said["request"]["attrs"] == ["smile"]
    assert all(one[kind] in names for one in said["done"] for kind in ("image", "latent", "comparison"))
    assert not [name for name in names if name.startswith(("/", ".."))]


def test_a_stop_keeps_what_was_finished(shipped, files, tmp_path):
    def watch(what, done, total):
        if "other" in what:
            raise Stopped("enough")

    record = edit_files(shipped, files, tmp_path / "out", SMILE, method="restyle", watch=watch)
    assert record.stopped and len(record.done) == 1 and record.archive.exists()
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["stopped"] is True


def test_a_batch_without_files_or_of_an_unknown_attribute_is_refused(shipped, files, tmp_path):
    with pytest.raises(ConfigError):
        edit_files(shipped, [], tmp_path / "out", SMILE)
    with pytest.raises(UnknownName):
        edit_files(shipped, files, tmp_path / "out", EditRequest(attrs=("horns",)))
