"""What the tests of the command line share: a portrait, a folder with one inversion of it, and refusals."""

from pathlib import Path

import pytest

from semedit.cli.main import run
from semedit.domains.portraits.drawing.renderer import render
from semedit.domains.portraits.law import sample_factors
from semedit.pictures.sheets import save_picture


@pytest.fixture(scope="session")
def portrait(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("input") / "portrait.png"
    save_picture(render(sample_factors(1, 31), 256)[0][0], path)
    return path


@pytest.fixture(scope="session")
def workspace(tmp_path_factory, portrait) -> Path:
    """An output folder with one inversion."""
    out = tmp_path_factory.mktemp("work")
    assert run(["invert", str(portrait), "--out", str(out), "--steps", "20"]) == 0
    return out


@pytest.fixture
def quick_studies(monkeypatch):
    """Editors are measured on a few samples only."""
    monkeypatch.setattr("directions.probe.COUNT", 4)


def refuse(capsys, arguments: list[str], *words: str, code: int = 2) -> None:
    """The command fails with ``code`` and one line on stderr that holds all ``words``."""
    capsys.readouterr()
    assert run(arguments) == code
    err = capsys.readouterr().err.strip()
    assert len(err.splitlines()) == 1 and "Traceback" not in err, err
    for word in words:
        assert word in err, err
