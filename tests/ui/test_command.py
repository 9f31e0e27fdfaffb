"""``semedit ui`` on the command line: what it says where something is missing."""

import sys

from semedit.cli.main import run


def refuse(capsys, arguments, *words):
    assert run(arguments) == 2
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1 and all(word in said for word in words), said


def test_without_gradio_it_says_what_installs_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    refuse(capsys, ["ui"], "pip install 'semedit[ui]'")


def test_an_unknown_model_is_refused_first(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    refuse(capsys, ["ui", "--model", "nobody"], "nobody")
    refuse(capsys, ["ui", "--port", "70000"], "65535")
