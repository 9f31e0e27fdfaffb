"""What the measuring commands share: options, rows as a table or JSON, figures on a model's card."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.rows import Lines, Row
from semedit.checkpoints import zoo
from semedit.cli.console import Report, number
from semedit.editing.model import Model
from semedit.storage.atomic import check_output, write_json

CountOption = Annotated[int, typer.Option("--count", min=4, help="Pictures to measure on.")]
CardOption = Annotated[bool, typer.Option("--write-card", help="Put the figures on the model's card.")]
SaveOption = Annotated[str | None, typer.Option("--out", help="Also write the rows as JSON to this file.")]


def check_saved(*files: str | Path | None) -> None:
    """OutputError for a file that could not be written when all is measured."""
    for file in files:
        if file:
            check_output(file)


def finish(rows: Sequence[Row], shown: Lines, as_json: bool, out: str | None) -> None:
    """Print rows as JSON, or what is ``shown`` of them as a table, and save them if asked to."""
    report = Report(as_json)
    for row in rows:
        report.add(**row.to_json())
    if out:
        write_json(Path(out), [row.to_json() for row in rows])
    show(report, shown)
    report.finish()


def show(report: Report, lines: Lines) -> None:
    """Lines of cells by column; the first names the columns."""
    columns = list(lines[0]) if lines else []
    text = [[cell(line.get(column)) for column in columns] for line in lines]
    report.table([column.replace("_", " ") for column in columns], text)


def to_card(model: Model, name: str, rows: Sequence[Row], wanted: bool) -> None:
    if wanted and model.entry:
        zoo.write_quality(model.entry, name, [row.to_json() for row in rows])


def cell(value: object) -> str:
    if value is None:
        return "-"
    return number(value, 4 if abs(value) < 0.1 else 3) if isinstance(value, float) else str(value)
