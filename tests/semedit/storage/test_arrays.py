"""NumPy's files of others: arrays, and one named error for everything else."""

import os

import numpy as np
import pytest

from semedit.errors import CheckpointError
from semedit.storage.arrays import read_array, read_arrays


@pytest.fixture
def array(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.arange(6.0).reshape(2, 3))
    return path


def test_arrays_are_read(array, tmp_path):
    assert np.array_equal(read_array(array), np.arange(6.0).reshape(2, 3))
    np.savez(tmp_path / "a.npz", x=np.ones(2), text=np.array("é"))
    found = read_arrays(tmp_path / "a.npz")
    assert np.array_equal(found["x"], np.ones(2)) and str(found["text"]) == "é"


def test_one_is_not_several(array, tmp_path):
    np.savez(tmp_path / "a.npz", x=np.ones(2))
    with pytest.raises(CheckpointError, match="holds several"):
        read_array(tmp_path / "a.npz")
    with pytest.raises(CheckpointError, match="holds one"):
        read_arrays(array)


@pytest.mark.parametrize("byte", [b"\0", b"{", b"(", b"\xff", b"L"])
@pytest.mark.parametrize("at", [6, 11, 20, 40])
def test_a_broken_header_is_one_named_error(array, byte, at, capfd):
    content = array.read_bytes()
    array.write_bytes(content[:at] + byte + content[at + 1 :])
    with pytest.raises(CheckpointError, match=r"a\.npy: cannot be read as NumPy's"):
        read_array(array)
    assert capfd.readouterr().err == ""


def test_code_is_refused_and_not_run(tmp_path):
    class Payload:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'ran'}",)

    np.save(tmp_path / "a.npy", np.array([Payload()], dtype=object))
    np.savez(tmp_path / "a.npz", x=np.array([Payload()], dtype=object))
    for read, name in ((read_array, "a.npy"), (read_arrays, "a.npz")):
        with pytest.raises(CheckpointError, match=name):
            read(tmp_path / name)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY", b"<html>404</html>"])
def test_files_of_something_else_are_refused(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a\.npz"):
        read_arrays(tmp_path / "a.npz")
