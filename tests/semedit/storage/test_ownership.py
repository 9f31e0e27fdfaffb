"""Results replace what semedit wrote, or nothing; names of inputs become safe names of folders."""

import os
import resource
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from semedit.errors import OutputError
from semedit.pictures.sheets import save_picture
from semedit.storage.atomic import replacing, write_bytes, write_json
from semedit.storage.ownership import LONGEST, claiming, folder_name
from semedit.storage.tensors import write_tensors, write_torch


def test_own_results_are_replaced(tmp_path):
    for content in (b"one", b"two", b"one"):
        write_bytes(tmp_path / "r.json", content)
        assert (tmp_path / "r.json").read_bytes() == content


def test_what_is_the_users_is_kept(tmp_path):
    """A file that was there, and a result that the user has changed since."""
    (tmp_path / "mine.json").write_text("mine")
    write_bytes(tmp_path / "ours.json", b"ours")
    (tmp_path / "ours.json").write_text("changed")
    for name, text in (("mine.json", "mine"), ("ours.json", "changed")):
        with pytest.raises(OutputError, match="--overwrite"):
            write_json(tmp_path / name, {})
        assert (tmp_path / name).read_text() == text
    with claiming(tmp_path):
        write_json(tmp_path / "mine.json", {})
    assert (tmp_path / "mine.json").read_text() == "{}\n"


def test_links_pipes_and_devices_are_never_replaced(tmp_path):
    (tmp_path / "target").write_text("mine")
    (tmp_path / "link.png").symlink_to(tmp_path / "target")
    (tmp_path / "loose.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "fifo.png")
    (tmp_path / "folder.png").mkdir()
    picture = Image.new("RGB", (16, 16))
    with claiming("/"):
        for name in ("link.png", "loose.png", "fifo.png", "folder.png"):
            with pytest.raises(OutputError, match=r"symbolic link|pipe|folder"):
                save_picture(picture, tmp_path / name)
        with pytest.raises(OutputError, match="device"):
            write_bytes("/dev/full", b"x")
    assert (tmp_path / "target").read_text() == "mine" and not (tmp_path / "nowhere").exists()
    assert Path("/dev/full").is_char_device()


def test_an_unknown_ending_is_no_picture(tmp_path):
    for name in ("sheet", "sheet.txt", "sheet.gif"):
        with pytest.raises(OutputError, match=r"\.png"):
            save_picture(Image.new("RGB", (16, 16)), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("write", [
    lambda path: write_bytes(path, b"x" * 100_000),
    lambda path: write_tensors(path, {}, {"x": torch.zeros(100_000)}),
    lambda path: write_torch(path, {"x": torch.zeros(100_000)}),
    lambda path: save_picture(Image.effect_noise((400, 400), 90), path),
], ids=["bytes", "safetensors", "torch", "picture"])  # fmt: skip
def test_a_full_disk_is_one_named_error(tmp_path, write):
    """And leaves what was there."""
    path = tmp_path / "r.png"
    write_bytes(path, b"before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*r\.png"):
            write(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"before" and not list(tmp_path.glob("*.tmp"))


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), replacing(tmp_path / "r.png") as temporary:
        temporary.write_text("half")
        raise KeyError
    assert [p.name for p in tmp_path.iterdir() if not p.name.startswith(".semedit")] == []


@settings(deadline=None)
@given(st.text(min_size=1, max_size=300))
def test_a_folders_name_is_safe(name):
    found = folder_name(Path("somewhere") / name)
    assert found and found.strip(".") and "/" not in found and found == Path(found).name
    assert len(found.encode()) <= LONGEST and found.isprintable()


@pytest.mark.parametrize("name", ["...png", "..png", ".png", "..", "\udcff.png", "x" * 300 + ".png", "a\nb.png"])
def test_odd_names_become_plain_ones(tmp_path, name):
    folder = tmp_path / "out" / folder_name(name)
    assert folder.resolve().parent == (tmp_path / "out").resolve()
    folder.mkdir(parents=True)
    assert folder_name(name) == folder_name(name) != folder_name(name + "x")


def test_a_register_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / ".semedit-made").symlink_to(tmp_path / "mine")
    with pytest.raises(OutputError, match="cannot write"):
        write_bytes(tmp_path / "r.json", b"x")
    assert (tmp_path / "mine").read_text() == "mine" and not (tmp_path / "r.json").exists()
