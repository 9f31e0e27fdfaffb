"""Cells as tables: the rows of one subject together, a column for each figure and protocol."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.paper.cells import ReportCell
from benchmarks.paper.part import PICTURES


@dataclass(frozen=True)
class CellTable:
    """``rows`` of what ``subject`` names (empty: of the whole part), each with a cell, or None, for each column.

    ``columns`` are (name, protocol): two protocols never share one. ``detail``: figures behind a plot.
    """

    subject: str
    columns: tuple[tuple[str, str], ...]
    rows: dict[str, tuple[ReportCell | None, ...]]
    detail: bool = False


def tables_of(cells: Sequence[ReportCell]) -> list[CellTable]:
    """The tables of a part's cells, without those of pictures and of what has no figure; figures behind plots last.

    A row "smile: method" is the row "method" of the table "smile".
    """
    told = [cell for cell in cells if cell.column not in ("-", PICTURES)]
    found: dict[tuple[bool, str], list[ReportCell]] = {}
    for cell in sorted(told, key=lambda cell: cell.detail):
        found.setdefault((cell.detail, _split(cell.row)[0]), []).append(cell)
    return [_table(subject, own, detail) for (detail, subject), own in found.items()]


def _table(subject: str, cells: Sequence[ReportCell], detail: bool) -> CellTable:
    columns = tuple(dict.fromkeys((cell.column, cell.protocol) for cell in cells))
    placed = {(_split(cell.row)[1], cell.column, cell.protocol): cell for cell in cells}
    rows = dict.fromkeys(_split(cell.row)[1] for cell in cells)
    return CellTable(subject, columns, {row: tuple(placed.get((row, *key)) for key in columns) for row in rows}, detail)


def _split(row: str) -> tuple[str, str]:
    """A row's subject and its name in the table of that.

    >>> _split("smile: interfacegan, masked"), _split("StyleGAN2")
    (('smile', 'interfacegan, masked'), ('', 'StyleGAN2'))
    """
    subject, found, name = row.partition(": ")
    return (subject, name) if found else ("", row)


def number(value: float | str | None) -> str:
    """A figure as the report shows it: three or four digits that count.

    >>> number(0.03149), number(0.00042), number(6.42), number("yes"), number(None)
    ('0.0315', '0.00042', '6.42', 'yes', '')
    """
    if value is None or isinstance(value, str):
        return value or ""
    size = abs(value)
    if 0 < size < 0.001:
        return f"{value:.2g}" if size >= 1e-5 else f"{value:.1e}"
    return f"{value:.4f}" if size < 0.1 else f"{value:.3f}" if size < 1 else f"{value:.2f}"


def figures_of(cell: ReportCell) -> tuple[str, str]:
    """The paper's figure and ours, each with its deviation; ours with its interval."""
    paper = number(cell.paper) + (f" ± {number(cell.paper_std)}" if cell.paper_std is not None else "")
    ours = number(cell.ours) + (f" ± {number(cell.std)}" if cell.std is not None else "")
    if cell.low is not None and cell.high is not None:
        ours += f" [{number(cell.low)}, {number(cell.high)}]"
    return paper, ours


def counted(cell: ReportCell) -> str:
    """How many pictures a figure is of.

    >>> counted(ReportCell(part="p", row="r", column="c", protocol="q", status="measured", n=6, skipped=1))
    'n 6, 1 skipped'
    """
    return (f"n {cell.n:,}" + (f", {cell.skipped:,} skipped" if cell.skipped else "")) if cell.n else ""


def reasons_of(cells: Sequence[ReportCell]) -> list[tuple[str, str, list[str]]]:
    """(reason, command, rows) of what was not run, each reason once."""
    found: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        if cell.status == "not run":
            rows = found.setdefault((cell.reason, cell.command), [])
            rows += [cell.row] if cell.row not in rows else []
    return [(reason, command, rows) for (reason, command), rows in found.items()]


def markdown_table(table: CellTable) -> list[str]:
    """A table's lines in Markdown: columns numbered, the protocols below under their numbers, n beside each figure."""
    line = "| {} |".format
    heads = [f"{name} [{number}]" for number, (name, _) in enumerate(table.columns, 1)]
    lines = [line(" | ".join([table.subject, *heads])), line(" | ".join(["---"] * (1 + len(heads))))]
    for row, cells in table.rows.items():
        lines.append(line(" | ".join(_plain(text) for text in (row, *map(_told, cells)))))
    protocols = (f"[{number}] `{protocol}`" for number, (_, protocol) in enumerate(table.columns, 1))
    return [*lines, "", f"{'; '.join(protocols)}.", ""]


def _told(cell: ReportCell | None) -> str:
    if cell is None:
        return ""
    paper, ours = figures_of(cell)
    parts = [ours, f"({counted(cell)})" if cell.n else "", f"paper {paper}" if paper else ""]
    parts += [f"*{cell.status}*"] if cell.status not in ("measured", "shown") else []
    return " ".join(filter(None, parts))


def _plain(text: str) -> str:
    return text.replace("|", "/")
