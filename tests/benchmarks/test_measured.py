"""The page of measured figures holds what the cards hold, and the README's table too."""

from pathlib import Path

import pytest

from benchmarks.measured import cell, insert, page, summary
from benchmarks.retold import KEPT, Excerpt
from semedit.checkpoints import zoo
from semedit.checkpoints.zoo import ModelFolder
from semedit.errors import ConfigError

ROOT = Path(__file__).parents[2]
CARD = {
    "name": "tiny", "domain": "portraits", "size": 16, "recipe": "portraits-tiny", "shown": {"pairs": 8_000},
    "quality": {
        "fidelity": {
            "frechet": {"value": 0.51234, "n": 1200, "protocol": "fd(x@16)"},
            "frechet_floor": {"value": 0.06, "n": 1200, "protocol": "fd(x@16)"},
        },
        "reconstruction.restyle@5": {"mse": {"value": 0.0121, "std": 0.002, "n": 64, "protocol": "mse[-1,1]"}},
    },
}  # fmt: skip
TINY = ModelFolder("tiny", Path("tiny"), CARD)


def test_every_figure_of_a_card_is_on_the_page_with_n_protocol_and_command():
    text = page([TINY])
    assert "| frechet | 0.5123 | - | 1,200 | fd(x@16) |" not in text  # no empty columns
    assert "| frechet | 0.5123 | 1,200 | fd(x@16) |" in text and "8,000" in text
    assert "| mse | 0.01210 | 0.002000 | 64 | mse[-1,1] |" in text
    assert "`semedit bench reconstruction --model tiny --method restyle`" in text


def test_the_short_table_goes_between_its_marks():
    document = "before\n<!-- measured -->\nold\n<!-- end -->\nafter\n"
    made = insert(document, "measured", summary(TINY))
    assert made.startswith("before") and made.endswith("after\n") and "old" not in made
    assert "| 0.5123 | 0.06000 | 1,200 | `semedit bench fidelity --model portraits` |" in made
    assert insert(made, "measured", summary(TINY)) == made
    with pytest.raises(ConfigError, match="measured"):
        insert("no marks", "measured", "table")


def test_the_documents_hold_what_the_cards_hold_and_the_report():
    kept, readme = ROOT / "docs" / KEPT, (ROOT / "README.md").read_text()
    report = Excerpt.read(kept) if kept.exists() else None
    assert (ROOT / "docs" / "measured.md").read_text() == page(zoo.shipped(), report)
    assert summary(zoo.shipped()[0]) in readme
    assert report is None or report.shown("docs/measured.md") in readme


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (10_000, "10,000"), (0.5, "0.5000"), (23.456, "23.46")])
def test_cells(value, text):
    assert cell(value) == text
