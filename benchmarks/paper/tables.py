"""Cells as tables: the rows of one subject together, a column for each figure and protocol."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.paper.cells import ReportCell
from benchmarks.paper.part import PICTURES
from semedit.domains.judges import OPTIMISED

#: What is said of a table of columns that a paper has figures in, of others, and of those by optimised networks.
PUBLISHED, OWN, BY_OPTIMISED, DETAIL = "as published", "", "by networks that something learnt from", "behind the plot"
KINDS = (PUBLISHED, OWN, BY_OPTIMISED, DETAIL)


@dataclass(frozen=True)
class CellTable:
    """``rows`` of what ``subject`` names (empty: of the whole part), each with a cell, or None, for each column.

    ``columns`` are (name, protocol): two protocols never share one. ``kind`` is one of KINDS.
    """

    subject: str
    kind: str
    columns: tuple[tuple[str, str], ...]
    rows: dict[str, tuple[ReportCell | None, ...]]

    @property
    def title(self) -> str:
        """What stands in the table's corner."""
        return ", ".join(filter(None, (self.subject, self.kind if self.kind != DETAIL else "")))

    def counted(self, row: str) -> str:
        """How many pictures all figures of a row are of; empty where they are not of the same ones."""
        found = {counted(cell) for cell in self.rows[row] if cell and cell.n}
        return found.pop() if len(found) == 1 else ""


def tables_of(cells: Sequence[ReportCell]) -> list[CellTable]:
    """The tables of a part's cells, without those of pictures and of what has no figure; figures behind plots last.

    A row "smile: method" is the row "method" of the table "smile".
    """
    told = [cell for cell in cells if cell.column not in ("-", PICTURES)]
    published = {(cell.column, cell.protocol) for cell in told if cell.paper is not None}
    found: dict[str, dict[str, list[ReportCell]]] = {}
    for cell in told:
        own = BY_OPTIMISED if f"({OPTIMISED})" in cell.protocol else OWN
        kind = PUBLISHED if (cell.column, cell.protocol) in published else DETAIL if cell.detail else own
        found.setdefault(_split(cell.row)[0], {}).setdefault(kind, []).append(cell)
    pairs = [(subject, kind) for subject, kinds in found.items() for kind in KINDS if kind in kinds]
    return [_table(*pair, found[pair[0]][pair[1]]) for pair in sorted(pairs, key=lambda pair: pair[1] == DETAIL)]


def _table(subject: str, kind: str, cells: Sequence[ReportCell]) -> CellTable:
    columns = tuple(dict.fromkeys((cell.column, cell.protocol) for cell in cells))
    placed = {(_split(cell.row)[1], cell.column, cell.protocol): cell for cell in cells}
    rows = dict.fromkeys(_split(cell.row)[1] for cell in cells)
    return CellTable(subject, kind, columns, {row: tuple(placed.get((row, *key)) for key in columns) for row in rows})


def _split(row: str) -> tuple[str, str]:
    """A row's subject and its name in the table of that.

    >>> _split("smile: interfacegan, masked"), _split("StyleGAN2")
    (('smile', 'interfacegan, masked'), ('', 'StyleGAN2'))
    """
    subject, found, name = row.partition(": ")
    return (subject, name) if found else ("", row)


def digits_of(value: float) -> int:
    """Decimals that a figure is shown with: three or four digits that count, one more just below 1.

    >>> [digits_of(value) for value in (120.0, 6.42, 0.9967, 0.42, 0.0315)]
    [1, 2, 4, 3, 4]
    """
    size = abs(value)
    return 1 if size >= 100 else 2 if size > 1 else 4 if size < 0.1 or size >= 0.9 else 3


def number(value: float | str | None, digits: int | None = None) -> str:
    """A figure as the report shows it, with so many decimals (default: :func:`digits_of`); tiny ones by two digits.

    >>> number(0.03149), number(0.00042), number(6.42), number("yes"), number(None), number(0.5, 1)
    ('0.0315', '0.00042', '6.42', 'yes', '', '0.5')
    """
    if value is None or isinstance(value, str):
        return value or ""
    if 0 < abs(value) < 0.001:
        return f"{value:.2g}" if abs(value) >= 1e-5 else f"{value:.1e}"
    return f"{value:.{digits_of(value) if digits is None else digits}f}"


def figures_of(cell: ReportCell) -> tuple[str, str]:
    """The paper's figure and ours, each with its deviation; ours with its interval, all to the same decimals."""
    paper = _deviating(cell.paper, cell.paper_std)
    ours = _deviating(cell.ours, cell.std)
    if cell.low is not None and cell.high is not None and isinstance(cell.ours, float):
        ours += f" [{number(cell.low, digits_of(cell.ours))}, {number(cell.high, digits_of(cell.ours))}]"
    return paper, ours


def _deviating(value: float | str | None, std: float | None) -> str:
    if std is None or not isinstance(value, float):
        return number(value)
    return f"{number(value)} ± {number(std, digits_of(value))}"


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
    lines = [line(" | ".join([table.title, *heads])), line(" | ".join(["---"] * (1 + len(heads))))]
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
