"""The report as a page (report.html) and as text (report.md): tables of cells, pictures, and how it was made."""

import json
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from benchmarks.paper.cells import STATUSES, ReportCell
from benchmarks.paper.part import PICTURES
from benchmarks.paper.running import MANIFEST, ROWS, TABLE, Section
from benchmarks.paper.setting import Setting
from semedit.storage.atomic import write_bytes
from semedit.storage.content import read_object

HTML, TEXT = "report.html", "report.md"
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1180px; margin: 2rem auto; padding: 0 1.2rem; color: #1d2125; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.25rem; margin-top: 2.6rem; border-bottom: 1px solid #d6dade; }
.source, .protocol, .reason, figcaption { color: #5b636b; font-size: .86rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; margin: .8rem 0; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; vertical-align: top; border-bottom: 1px solid #eceff1; }
th .protocol { display: block; font-weight: normal; min-width: 6.5rem; max-width: 15rem; }
.status { font-size: .78rem; padding: .05rem .4rem; border-radius: .6rem; background: #eceff1; white-space: nowrap; }
.reproduced { background: #cdeed3; } .within { background: #e5f0c0; } .differs { background: #f9d5cc; }
figure { margin: 1rem 0; } img { max-width: 100%; height: auto; } code { background: #f1f3f5; padding: 0 .25rem; }
nav { display: flex; flex-wrap: wrap; gap: .2rem .9rem; } details { margin: .6rem 0; }
"""


def write_report(setting: Setting, sections: Sequence[Section]) -> tuple[Path, Path]:
    """Write both forms into the setting's folder, atomically; returns their paths."""
    page, text = setting.folder / HTML, setting.folder / TEXT
    write_bytes(page, html_of(setting, sections).encode())
    write_bytes(text, markdown_of(setting, sections).encode())
    return page, text


def title(setting: Setting) -> str:
    return f"The papers on {setting.model.domain.name}, by {setting.model.name or 'a generator'}"


def introduction(setting: Setting, sections: Sequence[Section]) -> str:
    """What the report is of, and how many cells have which status."""
    cells = [cell for section in sections for unit in section.units for cell in unit.cells]
    counts = {status: sum(cell.status == status for cell in cells) for status in STATUSES}
    told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    drawn = (
        " Pictures are drawn, not photographs: figures of ours stand in columns of their own, and no figure of a paper "
        "is compared with them."
        if setting.drawn
        else ""
    )
    return f"Every table and figure of three papers, with what this library measures beside it: {told}.{drawn}"


def number(value: float | str | None) -> str:
    """A figure as the report shows it.

    >>> number(0.03149), number(6.42), number("yes"), number(None)
    ('0.0315', '6.42', 'yes', '')
    """
    if value is None or isinstance(value, str):
        return value or ""
    return f"{value:.4f}" if abs(value) < 0.1 else f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"


def figures_of(cell: ReportCell) -> tuple[str, str]:
    """The paper's figure and ours, each with its deviation; ours with its interval."""
    paper = number(cell.paper) + (f" ± {number(cell.paper_std)}" if cell.paper_std is not None else "")
    ours = number(cell.ours) + (f" ± {number(cell.std)}" if cell.std is not None else "")
    if cell.low is not None and cell.high is not None:
        ours += f" [{number(cell.low)}, {number(cell.high)}]"
    return paper, ours


def columns_of(cells: Sequence[ReportCell]) -> list[tuple[str, str]]:
    """(column, protocol) in order of appearance: two protocols never share a column."""
    return list(dict.fromkeys((cell.column, cell.protocol) for cell in cells if cell.column != "-"))


def html_of(setting: Setting, sections: Sequence[Section]) -> str:
    """The page; pictures are linked by their files beside it."""
    links = "".join(f'<a href="#{s.part.id}">{s.part.id}</a>' for s in sections)
    legend = "".join(f"<dt>{_badge(status)}</dt><dd>{escape(said)}</dd>" for status, said in STATUSES.items())
    manifest = escape(json.dumps(read_object(setting.folder / MANIFEST), indent=1))
    body = "\n".join(_section(section) for section in sections)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title(setting))}</title><style>{STYLE}</style></head><body>
<h1>{escape(title(setting))}</h1>
<p>{escape(introduction(setting, sections))} Rows: <a href="{ROWS}">{ROWS}</a>, <a href="{TABLE}">{TABLE}</a>.</p>
<details><summary>What the marks mean</summary><dl>{legend}</dl></details>
<nav>{links}</nav>
{body}
<h2>How this was made</h2><details><summary>{MANIFEST}</summary><pre>{manifest}</pre></details>
</body></html>
"""


def _code(command: str) -> str:
    return f"<code>{escape(command)}</code>" if command else ""


def _badge(status: str) -> str:
    return f'<span class="status {status.split()[0]}">{escape(status)}</span>'


def _section(section: Section) -> str:
    cells = [cell for unit in section.units for cell in unit.cells]
    part = section.part
    if not any(cell.paper is not None or cell.status != "not run" for cell in cells):
        said = "; ".join(f"{escape(reason)}. {_code(command)}" for reason, command, _ in reasons_of(cells))
        about = f"<b>{part.id}</b> {escape(part.title)} ({escape(part.source)})"
        return f'<p id="{part.id}" class="reason">{about}: {_badge("not run")} {said}</p>'
    parts = [f'<h2 id="{part.id}">{escape(part.title)}</h2><p class="source">{part.id}: {escape(part.source)}</p>']
    if columns := columns_of([cell for cell in cells if cell.column != PICTURES]):
        parts.append(f'<div class="scroll">{_table(cells, columns)}</div>')
    for reason, command, rows in reasons_of(cells):
        named = escape(", ".join(rows))
        parts.append(f'<p class="reason">{_badge("not run")} {named}: {escape(reason)}. {_code(command)}</p>')
    for figure in (*section.figures, *(f for unit in section.units for f in unit.figures)):
        parts.append(
            f'<figure><img src="{escape(figure.file)}" alt="{escape(figure.caption)}" loading="lazy">'
            f"<figcaption>{escape(figure.caption)}</figcaption></figure>"
        )
    return "\n".join(parts)


def _table(cells: Sequence[ReportCell], columns: Sequence[tuple[str, str]]) -> str:
    head = "".join(f'<th>{escape(name)}<span class="protocol">{_broken(how)}</span></th>' for name, how in columns)
    lines = []
    for row in dict.fromkeys(cell.row for cell in cells if cell.column not in ("-", PICTURES)):
        found = {(cell.column, cell.protocol): cell for cell in cells if cell.row == row}
        lines.append(f"<tr><th>{escape(row)}</th>{''.join(_cell(found.get(key)) for key in columns)}</tr>")
    return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _broken(protocol: str) -> str:
    """An id that may go on in the next line after each of its parts."""
    return escape(protocol).replace(",", ",<wbr>").replace("(", "(<wbr>").replace("-", "-<wbr>").replace("@", "<wbr>@")


def _cell(cell: ReportCell | None) -> str:
    if cell is None:
        return "<td></td>"
    paper, ours = figures_of(cell)
    said = [f"paper {escape(paper)}"] if paper else []
    said += [f"<b>{escape(ours)}</b>"] if ours else []
    counted = f"n {cell.n}" + (f", {cell.skipped} skipped" if cell.skipped else "")
    said += [f'<span class="protocol">{counted}</span>'] if cell.n else []
    said += [_badge(cell.status)] if cell.status not in ("measured", "shown") else []
    return f"<td>{'<br>'.join(said)}</td>"


def reasons_of(cells: Sequence[ReportCell]) -> list[tuple[str, str, list[str]]]:
    """(reason, command, rows) of what was not run, each reason once."""
    found: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        if cell.status == "not run":
            rows = found.setdefault((cell.reason, cell.command), [])
            rows += [cell.row] if cell.row not in rows else []
    return [(reason, command, rows) for (reason, command), rows in found.items()]


def markdown_of(setting: Setting, sections: Sequence[Section]) -> str:
    """The report as text: a line for each cell that ran, one for each reason why others did not, and the pictures."""
    lines = [f"# {title(setting)}", "", introduction(setting, sections), ""]
    line: Callable[..., str] = lambda *cells: f"| {' | '.join(text.replace('|', '/') for text in cells)} |"  # noqa: E731
    for section in sections:
        cells = [cell for unit in section.units for cell in unit.cells]
        lines += [f"## {section.part.id}: {section.part.title}", "", f"{section.part.source}.", ""]
        told = [cell for cell in cells if cell.paper is not None or cell.ours is not None]
        if told:
            lines += [line("row", "column", "paper", "ours", "n", "skipped", "protocol", "status"), line(*["---"] * 8)]
            for cell in told:
                counts = (str(cell.n or ""), str(cell.skipped or ""))
                lines.append(line(cell.row, cell.column, *figures_of(cell), *counts, cell.protocol, cell.status))
            lines.append("")
        for reason, command, rows in reasons_of(cells):
            lines += [f"Not run ({', '.join(rows)}): {reason}." + (f" `{command}`" if command else ""), ""]
        for figure in (*section.figures, *(f for unit in section.units for f in unit.figures)):
            lines += [f"![{figure.caption}]({figure.file})", "", f"*{figure.caption}*", ""]
    return "\n".join(lines)
