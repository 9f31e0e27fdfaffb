"""The README.md of a model's folder: a header that YAML reads, and what the card says."""

import json

import pytest
import yaml

from semedit.checkpoints.readme import NAME, readme, write_readme
from semedit.storage.cards import ModelFolder, shipped


def parsed(text: str) -> dict[str, object]:
    _, head, _ = text.split("---\n", 2)
    return yaml.safe_load(head)


@pytest.mark.parametrize("entry", shipped(), ids=lambda entry: entry.name)
def test_a_card_says_what_the_model_is(entry):
    text, card = readme(entry.card), json.loads((entry.folder / "card.json").read_text())
    head = parsed(text)
    assert head["library_name"] == "semedit" and head["license"] == card["licence"].lower()
    assert card["fingerprint"] in text and f"models add {entry.name}" in text and f"{card['size']} px" in text
    for measured in card.get("quality", {}).values():
        for figure in measured.values():
            if isinstance(figure, dict) and "protocol" in figure and "value" in figure:
                assert figure["protocol"] in text


def test_a_model_of_others_has_a_card_too(tmp_path):
    """Of which nothing but its size is known."""
    card = {"name": "mine", "size": 64, "fingerprint": "0" * 16, "domain": "faces"}
    write_readme(ModelFolder("mine", tmp_path, card))
    text = (tmp_path / NAME).read_text()
    assert parsed(text)["license"] == "other" and "|" not in text.split("```")[2]


def test_a_readme_that_somebody_wrote_stays(tmp_path):
    entry = ModelFolder("mine", tmp_path, {"name": "mine", "size": 64, "fingerprint": "0" * 16})
    write_readme(entry)
    write_readme(entry)  # its own is written anew
    (tmp_path / NAME).write_text("mine")
    write_readme(entry)
    assert (tmp_path / NAME).read_text() == "mine"
