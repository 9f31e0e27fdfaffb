"""What the measuring commands share: options, rows as a table or JSON, figures on a model's card."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from semedit.cli.console import Report, number

if TYPE_CHECKING:
    from semedit.editing.model import Model

CountOption = Annotated[int, typer.Option("--count", min=4, help="Pictures to measure on.")]
CardOption = Annotated[bool, typer.Option("--write-card", help="Put the figures on the model's card.")]
SaveOption = Annotated[str | None, typer.Option("--out", help="Also write the rows as JSON to this file.")]


def finish(
    rows: list[dict[str, Any]],
    columns: list[str],
    as_json: bool,
    out: str | None,
    shown: list[dict[str, Any]] | None = None,
) -> None:
    """Print rows (or what is ``shown`` of them) as a table of ``columns``, or as JSON, and save them if asked to."""
    from semedit.storage.atomic import write_json

    report = Report(as_json)
    for row in rows:
        report.add(**row)
    if out:
        write_json(Path(out), rows)
    text = [[cell(row.get(column)) for column in columns] for row in shown or rows]
    report.table([column.replace("_", " ") for column in columns], text)
    report.finish()


def to_card(model: "Model", name: str, rows: list[dict[str, Any]], wanted: bool) -> None:
    from semedit.checkpoints import zoo

    if wanted and model.entry:
        zoo.write_quality(model.entry, name, rows)


def cell(value: object) -> str:
    if value is None:
        return "-"
    return number(value, 4 if abs(value) < 0.1 else 3) if isinstance(value, float) else str(value)
