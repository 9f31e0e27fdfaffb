"""The README says what the code does: its methods are the registries', its commands exist, its pictures are there."""

import re
import shlex
from pathlib import Path

import pytest

from directions import METHODS
from directions.styleclip import DOMAIN_OPTIONS, StyleClipConfig
from encoders import INVERTERS
from semedit.cli.main import build
from semedit.editing.transfers import TRANSFERS
from semedit.latents.regions import CELEBAMASK

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_table_of_methods_is_the_registries():
    table = README.split("## Methods")[1].split("##")[0]
    named = {kind: set(re.findall(rf"^\| {kind} \|.*?\| `([\w+-]+)` \|", table, re.M))
             for kind in ("invert", "edit", "take over")}  # fmt: skip
    assert named == {"invert": set(INVERTERS), "edit": set(METHODS), "take over": set(TRANSFERS)}


def test_region_names_and_groups_are_complete():
    assert " ".join(CELEBAMASK.names) in README
    assert all(f"`{group}`" in README for group in CELEBAMASK.groups)


def test_pictures_exist_and_are_small():
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert 0 < (ROOT / path).stat().st_size < 1_000_000, path


def test_the_caption_of_the_words_names_how_the_search_departs():
    caption = README.split("docs/words-unlimited.png")[1].split("![")[0]
    options, published = DOMAIN_OPTIONS["portraits"], StyleClipConfig()
    assert f"best of {options['candidates']} random" in " ".join(caption.split())
    assert f"L2 weight of {options['l2_weight']}" in caption and f"l2_weight={published.l2_weight}" in caption


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.S) + re.findall(r"`(semedit [^`]+)`", README)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return sorted({line for line in lines if line.startswith("semedit ")})


@pytest.mark.parametrize("line", commands())
def test_every_command_and_option_exists(line):
    import typer

    command = typer.main.get_command(build())
    words = shlex.split(line)[1:]
    while words and hasattr(command, "commands"):
        name = words.pop(0)
        assert name in command.commands, line
        command = command.commands[name]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options, line
