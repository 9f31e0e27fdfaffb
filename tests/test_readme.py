"""README and pages say what the code does: their methods are the registries', their commands exist and do what they are
for, their Python runs, their pictures are there."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from directions import METHODS
from directions.styleclip import DOMAIN_OPTIONS, StyleClipConfig
from encoders import DEFAULT, INVERTERS
from encoders import DOMAIN_OPTIONS as INVERSION_OPTIONS
from semedit.cli.main import build, run
from semedit.editing.sessions.transfers import TRANSFERS
from semedit.latents.regions import CELEBAMASK

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = {path: path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))}
GALLERY = (ROOT / "docs" / "gallery.md").read_text()
COMMANDS = (ROOT / "docs" / "guides" / "commands.md").read_text()
#: Shorter ways through the README's commands, by how they begin.
BUDGETS = {
    "semedit sample": ["--count", "2"],
    "semedit edit --text": ["--set", "steps=3", "--set", "candidates=4"],
}
#: The pages whose Python is run.
RUN = ("README.md", "docs/quick-start.md", "docs/guides/editor.md")


def test_the_table_of_methods_is_the_registries():
    table = README.split("## Methods")[1].split("##")[0]
    named = {kind: set(re.findall(rf"^\| {kind} \|.*?\| `([\w+-]+)` \|", table, re.M))
             for kind in ("invert", "edit", "take over")}  # fmt: skip
    assert named == {"invert": set(INVERTERS), "edit": set(METHODS), "take over": set(TRANSFERS)}


def test_region_names_and_groups_are_complete():
    for text in (README, COMMANDS):
        assert " ".join(CELEBAMASK.names) in text
        assert all(f"`{group}`" in text for group in CELEBAMASK.groups)


def test_the_readme_is_short():
    assert len(re.findall(r"[^\s|]+", README)) < 1600  # the bars of tables are no words


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pictures_and_pages_that_are_named_exist(page):
    """And pictures are small. Links to the net are not followed."""
    for picture, path in re.findall(r"(!?)\[[^]]*\]\(([^)#\s]+)(?:#[^)]*)?\)", PAGES[page]):
        if not path.startswith("http"):
            assert 0 < (page.parent / path).stat().st_size < (1_000_000 if picture else 1e9), path


def test_every_page_is_in_the_navigation():
    named = set(re.findall(r": ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.M))
    assert named == {str(path.relative_to(ROOT / "docs")) for path in PAGES if path.name != "README.md"}


def test_the_caption_of_the_words_names_how_the_search_departs():
    caption = GALLERY.split("words-unlimited.png")[1].split("![")[0]
    options, published = DOMAIN_OPTIONS["portraits"], StyleClipConfig()
    assert f"best of {options['candidates']} random" in " ".join(caption.split())
    assert f"L2 weight of {options['l2_weight']}" in caption and f"l2_weight={published.l2_weight}" in caption


def typed(text: str) -> list[str]:
    """The command lines of a page's blocks, in order."""
    lines = [line.split("#")[0].strip() for block in re.findall(r"```sh\n(.*?)```", text, re.S)
             for line in block.splitlines()]  # fmt: skip
    return [line for line in lines if line.startswith("semedit ")]


def commands() -> list[str]:
    found = {line for text in PAGES.values() for line in typed(text)}
    spoken = {line.strip() for text in PAGES.values() for line in re.findall(r"`(semedit [^`]+)`", text)}
    parts = (part.strip() for line in found | spoken for part in line.split("&&"))
    return sorted({" ".join(part.split()) for part in parts if part.startswith("semedit ")})


@pytest.mark.parametrize("line", commands())
def test_every_command_and_option_exists(line):
    import typer

    command = typer.main.get_command(build())
    words = [word for word in shlex.split(line)[1:] if not re.fullmatch(r"[A-Z]+", word)]
    while words and hasattr(command, "commands"):
        name = words.pop(0)
        assert name in command.commands, line
        command = command.commands[name]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= options, line


@pytest.fixture
def fresh(tmp_path, monkeypatch) -> Path:
    """A folder with what a reader has, the portrait, in which inversions search for a few steps only."""
    key = ("portraits", DEFAULT)
    monkeypatch.setitem(INVERSION_OPTIONS, key, {**INVERSION_OPTIONS[key], "steps": 5})
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "portrait.png", tmp_path / "docs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_readmes_commands_do_what_they_say(fresh, capsys):
    """Typed in order, the long ones with small budgets."""
    lines = typed(README.split("## Six commands")[1].split("\n## ")[0])
    assert len(lines) == 6
    for line in lines:
        budget = next((more for begun, more in BUDGETS.items() if line.startswith(begun)), [])
        assert run([*shlex.split(line)[1:], *budget]) == 0, line
        assert "No measurable change" not in capsys.readouterr().out, line
    inversion = fresh / "semedit-out" / "portrait"
    assert (inversion / "latent.safetensors").exists() and (inversion / "edits").is_dir()
    assert json.loads((inversion / "manifest.json").read_text())


@pytest.mark.parametrize("page", RUN)
def test_python_of_the_pages_runs(page, fresh):
    """All blocks of a page, one after the other."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.S)
    assert blocks
    exec(compile("\n".join(blocks), page, "exec"), {"__name__": page})


def test_the_notebook_runs_and_has_no_outputs(fresh, monkeypatch):
    """Its cells one after the other, and none was saved with what it had put out."""
    monkeypatch.chdir(fresh / "docs")
    notebook = json.loads((ROOT / "docs" / "semedit.ipynb").read_text())
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert cells and not any(cell["outputs"] or cell["execution_count"] for cell in cells)
    space: dict[str, object] = {"__name__": "notebook", "display": lambda *_: None}
    for number, cell in enumerate(cells):
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), space)


def test_the_citation_names_this_version():
    from semedit.packages import VERSION

    citation = (ROOT / "CITATION.cff").read_text()
    assert f"version: {VERSION}" in citation and "cff-version: 1.2.0" in citation
