"""The report as a page (report.html) and as text (report.md): tables of cells, pictures, and how it was made."""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from PIL import Image

from benchmarks.paper.cells import STATUSES, ReportCell
from benchmarks.paper.manifest import MANIFEST
from benchmarks.paper.running import ROWS, TABLE, Section
from benchmarks.paper.setting import Figure, Setting
from benchmarks.paper.tables import DETAIL, CellTable, counted, figures_of, markdown_table, reasons_of, tables_of
from semedit.storage.atomic import write_bytes
from semedit.storage.content import read_object, reading

HTML, TEXT = "report.html", "report.md"
#: What the parts' ids begin with, and the paper that it stands for.
PAPERS = {
    "ssg": "SemanticStyleGAN (Shi et al. 2022)",
    "sf": "StyleFusion (Kafri et al. 2021)",
    "eis": "Editing in Style (Collins et al. 2020)",
}
#: Side in px of the narrowest place for a caption.
NARROWEST = 320
STYLE = """
:root { color-scheme: light; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 1240px; margin: 2rem auto; padding: 0 1.2rem; color: #1d2125;
  background: #fff; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.35rem; margin-top: 3rem; border-bottom: 2px solid #d6dade; }
h3 { font-size: 1.15rem; margin: 2.4rem 0 0; }
.source, .reason, .small, figcaption { color: #5b636b; font-size: .86rem; } .source { margin: 0 0 .6rem; }
.small { font-weight: normal; font-size: .8rem; }
.scroll { overflow-x: auto; margin: .8rem 0 1.4rem; } table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; padding: .35rem .9rem .35rem 0; vertical-align: top; border-bottom: 1px solid #eceff1; }
thead th { vertical-align: bottom; border-bottom: 2px solid #d6dade; } td { white-space: nowrap; }
tbody th { font-weight: 500; min-width: 11rem; max-width: 20rem; } .subject { font-size: 1rem; max-width: 14rem; }
th .small { display: block; line-height: 1.3; } thead .small { min-width: 6rem; max-width: 11rem; }
.status { font-size: .78rem; padding: .05rem .4rem; border-radius: .6rem; background: #eceff1; white-space: nowrap; }
.reproduced { background: #cdeed3; } .within { background: #e5f0c0; } .differs { background: #f9d5cc; }
.figures { display: flex; flex-wrap: wrap; gap: 1.4rem 1.8rem; margin: 1.2rem 0; }
figure { margin: 0; max-width: 100%; } figcaption { margin-top: .3rem; }
img { max-width: 100%; height: auto; } code { background: #f1f3f5; padding: 0 .25rem; }
nav { display: flex; flex-wrap: wrap; gap: .1rem .8rem; } details { margin: .6rem 0; } summary { cursor: pointer; }
pre { overflow-x: auto; font-size: .8rem; }
@media (max-width: 40rem) { body { margin: 1rem auto; padding: 0 .8rem; } h1 { font-size: 1.4rem; }
  tbody th { min-width: 7rem; } }
@media print {
  :root { font-size: 11px; } body { max-width: none; margin: 0; padding: 0; } nav { display: none; }
  .scroll { overflow: visible; } td { white-space: normal; } figure, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
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
    cells = [cell for section in sections for cell in section.cells if not cell.detail]
    counts = {status: sum(cell.status == status for cell in cells) for status in STATUSES}
    told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    drawn = (
        " Pictures are drawn, not photographs: figures of ours stand in columns of their own, and no figure of a paper "
        "is compared with them."
        if setting.drawn
        else ""
    )
    return f"Every table and figure of three papers, with what this library measures beside it: {told}.{drawn}"


def html_of(setting: Setting, sections: Sequence[Section]) -> str:
    """The page; pictures are linked by their files beside it."""
    told: dict[str, list[Section]] = {}
    for section in sections:
        family = section.part.id.split(".")[0]
        told.setdefault(PAPERS.get(family, family), []).append(section)
    links = "".join(f"<nav>{escape(name)}: {''.join(map(_link, own))}</nav>" for name, own in told.items())
    legend = "".join(f"<dt>{_badge(status)}</dt><dd>{escape(said)}</dd>" for status, said in STATUSES.items())
    manifest = escape(json.dumps(read_object(setting.folder / MANIFEST), indent=1))
    body = "\n".join(
        f"<h2>{escape(name)}</h2>\n" + "\n".join(_section(one, setting.folder) for one in own)
        for name, own in told.items()
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title(setting))}</title><style>{STYLE}</style></head><body>
<h1>{escape(title(setting))}</h1>
<p>{escape(introduction(setting, sections))} Rows: <a href="{ROWS}">{ROWS}</a>, <a href="{TABLE}">{TABLE}</a>.</p>
<details><summary>What the marks mean</summary><dl>{legend}</dl></details>
{links}
{body}
<h2>How this was made</h2><details><summary>{MANIFEST}</summary><pre>{manifest}</pre></details>
</body></html>
"""


def _link(section: Section) -> str:
    return f'<a href="#{section.part.id}" title="{escape(section.part.title)}">{section.part.id}</a>'


def _code(command: str) -> str:
    return f"<code>{escape(command)}</code>" if command else ""


def _badge(status: str) -> str:
    return f'<span class="status {status.split()[0]}">{escape(status)}</span>'


def _section(section: Section, folder: Path) -> str:
    cells, part = section.cells, section.part
    if not any(cell.paper is not None or cell.status != "not run" for cell in cells):
        said = "; ".join(f"{escape(reason)}. {_code(command)}" for reason, command, _ in reasons_of(cells))
        about = f"<b>{part.id}</b> {escape(part.title)} ({escape(part.source)})"
        return f'<p id="{part.id}" class="reason">{about}: {_badge("not run")} {said}</p>'
    parts = [f'<h3 id="{part.id}">{escape(part.title)}</h3><p class="source">{part.id}: {escape(part.source)}</p>']
    parts += map(_table, (table for table in tables_of(cells) if table.kind != DETAIL))
    for reason, command, rows in reasons_of(cells):
        named = escape("; ".join(rows))
        parts.append(f'<p class="reason">{_badge("not run")} {named}: {escape(reason)}. {_code(command)}</p>')
    if shown := "".join(_figure(figure, folder) for figure in section.all_figures):
        parts.append(f'<div class="figures">{shown}</div>')
    if behind := "".join(_table(table) for table in tables_of(cells) if table.kind == DETAIL):
        parts.append(f"<details><summary>The figures behind the plot</summary>{behind}</details>")
    return "\n".join(parts)


def _figure(figure: Figure, folder: Path) -> str:
    """A picture over its caption, which is no wider than it, or than NARROWEST."""
    said = escape(figure.caption)
    with reading(folder / figure.file), Image.open(folder / figure.file) as picture:
        width, height = picture.size
    return (
        f'<figure style="width: {max(width, NARROWEST)}px"><img src="{escape(figure.file)}" alt="{said}" '
        f'width="{width}" height="{height}"><figcaption>{said}</figcaption></figure>'
    )


def _table(table: CellTable) -> str:
    head = "".join(f'<th>{escape(name)}<span class="small">{_broken(how)}</span></th>' for name, how in table.columns)
    lines = []
    for row, cells in table.rows.items():
        alike = table.counted(row)
        named = escape(row) + (f'<span class="small">{alike}</span>' if alike else "")
        lines.append(f"<tr><th>{named}</th>{''.join(_cell(cell, not alike) for cell in cells)}</tr>")
    return (
        f'<div class="scroll"><table><thead><tr><th class="subject">{escape(table.title)}</th>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _broken(protocol: str) -> str:
    """An id that may go on in the next line after each of its parts."""
    return escape(protocol).replace(",", ",<wbr>").replace("(", "(<wbr>").replace("-", "-<wbr>").replace("@", "<wbr>@")


def _cell(cell: ReportCell | None, with_count: bool) -> str:
    if cell is None:
        return "<td></td>"
    paper, ours = figures_of(cell)
    value, found, ends = ours.partition(" [")
    value, deviates, std = value.partition(" ± ")
    said = [f"paper {escape(paper)}"] if paper else []
    said += (
        [f"<b>{escape(value)}</b>" + (f' <span class="small">± {escape(std)}</span>' if deviates else "")]
        if ours
        else []
    )
    said += [f'<span class="small">{escape("[" + ends)}</span>'] if found else []
    said += [f'<span class="small">{counted(cell)}</span>'] if cell.n and with_count else []
    said += [_badge(cell.status)] if cell.status not in ("measured", "shown") else []
    return f"<td>{'<br>'.join(said)}</td>"


def markdown_of(setting: Setting, sections: Sequence[Section]) -> str:
    """The report as text: tables, a line for each reason why something did not run, and the pictures."""
    lines = [f"# {title(setting)}", "", introduction(setting, sections), ""]
    for section in sections:
        lines += [f"## {section.part.id}: {section.part.title}", "", f"{section.part.source}.", ""]
        tables = tables_of([cell for cell in section.cells if cell.paper is not None or cell.ours is not None])
        for table in tables:
            if table.kind != DETAIL:
                lines += markdown_table(table)
        for reason, command, rows in reasons_of(section.cells):
            lines += [f"Not run ({'; '.join(rows)}): {reason}." + (f" `{command}`" if command else ""), ""]
        for figure in section.all_figures:
            lines += [f"![{figure.caption}]({figure.file})", "", f"*{figure.caption}*", ""]
        if any(table.kind == DETAIL for table in tables):
            lines += [f"The figures behind the plot are in [{TABLE}]({TABLE}).", ""]
    return "\n".join(lines)
