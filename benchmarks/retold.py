"""What documents show of a finished report of the papers: its tables, a few rows of them, two plots."""

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks import editing_shown
from benchmarks.paper import PARTS, ReportCell
from benchmarks.paper.manifest import MANIFEST
from benchmarks.paper.part import PartUnit
from benchmarks.paper.parts import curves, local_methods
from benchmarks.paper.plots import points
from benchmarks.paper.running import ROWS, UNITS
from benchmarks.paper.tables import markdown_table, number, reasons_of, tables_of
from semedit.domains.judges import OPTIMISED
from semedit.errors import ConfigError
from semedit.storage.atomic import write_bytes
from semedit.storage.content import check_file, parse_object, read_object, read_text, shaped

#: The file beside a document that keeps what it shows, and its plots.
KEPT = "report.json"
CURVES, METHODS = "figures/report-curves.png", "figures/report-methods.png"
PLOTS = {
    CURVES: (
        "A panel for each attribute: preservation against the gain of its score",
        "SemanticStyleGAN's figure 10: what is preserved at ten strengths of an edit, against the score that it gains.",
    ),
    METHODS: (
        "A panel for each question: change outside a region against change inside",
        "All local methods at the gain that a panel names, with the drawing's exact masks: the lower, the less changes "
        "elsewhere.",
    ),
}
COMMAND = "semedit bench paper --budget small"
#: What reports have in common whose parts may stand beside one another, and where those that came later are told.
SUBJECT, LATER = ("model", "domain", "budget"), "later"
#: What the short table compares two generators by: what it is called, part, column.
GENERATORS = ("SemanticStyleGAN", "StyleGAN2")
COMPARED = (
    ("Frechet distance of samples to the data", "ssg.t1", "FD"),
    ("inversion by the encoder: MSE on [-1, 1]", "ssg.t2", "MSE"),
    ("the same: identity", "ssg.t2", "ID"),
)
#: What is compared by what an edit of the default generator preserves at equal gain.
VARIANTS = ("common direction, all rows", "common direction, masked", "local direction, masked")
AT_GAIN = "preservation at equal gain"
#: The questions of the second plot, and the colours of either.
QUESTIONS, INKS = ("hair", "mouth", "smile", "bald"), 48


@dataclass(frozen=True)
class Excerpt:
    """``cells`` of a report without those behind its plots, and what it is ``of``: model, domain, counts, versions, and
    those of parts that were measured later."""

    cells: tuple[ReportCell, ...]
    of: Mapping[str, Any]

    @classmethod
    def of_report(cls, folder: str | Path) -> "Excerpt":
        """From the folder of a finished report. Raises ConfigError for a folder without one."""
        root = Path(folder)
        rows = check_file(root / ROWS, ConfigError)
        manifest = read_object(root / MANIFEST, ConfigError)
        subject = shaped(dict[str, Any], manifest.get("subject", {}), root / MANIFEST, ConfigError)
        of = {name: subject.get(name) for name in SUBJECT}
        of |= {"versions": manifest.get("versions", {}), "device": manifest.get("device", "")}
        text = '{"rows": ' + read_text(rows, ConfigError) + "}"
        cells = shaped(list[ReportCell], parse_object(text, rows, ConfigError)["rows"], rows, ConfigError)
        return cls(tuple(cell for cell in cells if not cell.detail), of)

    @classmethod
    def read(cls, path: str | Path) -> "Excerpt":
        """From the file that :meth:`text` was written to. Raises ConfigError for any other."""
        facts = read_object(path, ConfigError)
        cells = shaped(list[ReportCell], facts.get("rows", []), path, ConfigError)
        return cls(tuple(cells), shaped(dict[str, Any], facts.get("of", {}), path, ConfigError))

    def with_parts(self, other: "Excerpt") -> "Excerpt":
        """This, with the parts of another report in the place of its own; one that has all parts takes this one's
        place. Raises ConfigError for some parts of another model, or of other counts."""
        parts = dict.fromkeys(cell.part for cell in other.cells)
        if all(cell.part in parts for cell in self.cells):
            return other
        if differ := [name for name in SUBJECT if other.of.get(name) != self.of.get(name)]:
            raise ConfigError(f"a report of some parts ({', '.join(parts)}) joins one of the same {differ[0]}")
        later = {**self.of.get(LATER, {}), **dict.fromkeys(parts, other.of.get("versions", {}))}
        own = (cell for cell in self.cells if cell.part not in parts)
        return Excerpt((*own, *other.cells), {**self.of, LATER: later})

    def text(self) -> str:
        """As JSON, a cell a line, without what a cell does not say."""
        told = ({k: v for k, v in asdict(cell).items() if v is not None and v != ""} for cell in self.cells)
        rows = ",\n".join(json.dumps({k: v for k, v in row.items() if v is not False}) for row in told)
        return f'{{"of": {json.dumps(dict(self.of))}, "rows": [\n{rows}\n]}}\n'

    def page(self) -> list[str]:
        """Lines of Markdown: the tables of all parts that have figures, and why others have none."""
        versions, later = self.of.get("versions", {}), self.of.get(LATER, {})
        about = (
            f"`{COMMAND}`, of `{self.of.get('model')}` ({_listed(versions)}; {self.of.get('device')}). "
            "Pictures and plots are in the report that the command writes. Beside a figure stand its 95 % interval, "
            "where there is one, and n."
        )
        lines = ["## The papers retold", "", about, ""]
        for part in PARTS:
            cells = [cell for cell in self.cells if cell.part == part.id]
            told = [cell for cell in cells if cell.ours is not None or cell.paper is not None]
            if not told:
                continue
            lines += [f"### {part.id}: {part.title}", "", f"{part.source}.", ""]
            if part.id in later:
                lines += [f"Measured later: `{COMMAND} --only {part.id}` ({_listed(later[part.id])}).", ""]
            for table in tables_of(told):
                lines += markdown_table(table)
            for reason, command, rows in reasons_of(cells):
                lines += [f"Not run ({'; '.join(rows)}): {reason}." + (f" `{command}`" if command else ""), ""]
        return lines

    def shown(self, page: str) -> str:
        """What a document shows, in Markdown: a few rows and the plots, which lie beside ``page``, its way there."""
        folder = page.rpartition("/")[0]
        lines = [
            f"The papers' tables and figures, retold by `{COMMAND}` ([all of them]({page}#the-papers-retold)):", "",
            self.summary(), "",
        ]  # fmt: skip
        for name, (alt, caption) in PLOTS.items():
            lines += [f"![{alt}]({folder + '/' if folder else ''}{name})", "", f"*{caption}*", ""]
        return "\n".join(lines[:-1])

    def summary(self) -> str:
        """A few rows, in Markdown: two generators, and what a mask and a direction learnt within it preserve."""
        lines = [f"| | {' | '.join(GENERATORS)} | n |", "|---" * (len(GENERATORS) + 2) + "|"]
        for what, part, column in COMPARED:
            found = [self._judged(part, generator, column) for generator in GENERATORS]
            if any(found):
                counts = " / ".join(dict.fromkeys(f"{cell.n:,}" for cell in found if cell))
                mark = f" ({OPTIMISED})" if any(cell and OPTIMISED in cell.protocol for cell in found) else ""
                shown = " | ".join(number(cell.ours) if cell else "-" for cell in found)
                lines.append(f"| {what}{mark} | {shown} | {counts} |")
        lines += [
            "",
            f"| preserved at a gain of the score | {' | '.join(VARIANTS)} |",
            "|---" * (len(VARIANTS) + 1) + "|",
        ]
        for attr in dict.fromkeys(cell.row.split(": ")[0] for cell in self.cells if cell.part == "ssg.f10"):
            rows = [f"{attr}: {GENERATORS[0]} + interfacegan, {variant}" for variant in VARIANTS]
            kept = [self._judged("ssg.f10", row, AT_GAIN) for row in rows]
            if any(kept):
                lines.append(f"| {attr} | {' | '.join(map(_at_gain, kept))} |")
        return "\n".join(lines)

    def _judged(self, part: str, row: str, column: str) -> ReportCell | None:
        """The cell of a judge, or of who was optimised where there is none."""
        found = [c for c in self.cells if (c.part, c.row, c.column) == (part, row, column) and c.ours is not None]
        return min(found, key=lambda cell: OPTIMISED in cell.protocol, default=None)


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _at_gain(cell: ReportCell | None) -> str:
    """What is preserved, with its interval, and at which gain."""
    if cell is None or cell.low is None or cell.high is None or not isinstance(cell.ours, float):
        return "-"
    gain = re.search(r"at a mean gain of ([\d.]+)", cell.protocol)
    return f"{cell.ours:.4f} [{cell.low:.4f}, {cell.high:.4f}]" + (f" at {gain[1]}" if gain else "")


def draw(report: str | Path, excerpt: Excerpt, folder: str | Path, *, whole: bool = True) -> None:
    """The two plots of a finished report, for documents in ``folder``: figure 10, and local methods at equal gain.

    ``excerpt`` is the report's own; one that is not ``whole`` has those that it has. Raises MissingWeights without
    matplotlib; ConfigError for a whole report in which either part has not run.
    """
    edits, methods = (_units(Path(report), excerpt, part) for part in (curves.PART.id, local_methods.PART.id))
    panels = local_methods.panels_of(methods, QUESTIONS)
    if whole and not (edits and panels):
        raise ConfigError(f"{report}: {curves.PART.id} or {local_methods.PART.id} has not run, and cannot be plotted")
    for name in PLOTS:
        path = Path(folder) / name
        if name == CURVES and edits:
            editing_shown.draw(curves.shown(edits), path)
        elif name != CURVES and panels:
            points(panels, path)
        else:
            continue
        with Image.open(path) as drawn:
            packed = io.BytesIO()
            drawn.convert("RGB").quantize(INKS).save(packed, "PNG", optimize=True)
        write_bytes(path, packed.getvalue())


def _units(report: Path, excerpt: Excerpt, part: str) -> Sequence[PartUnit]:
    """The units of a part that ran, in the order of the report's rows."""
    rows = [unit for unit in map(PartUnit.read, (report / UNITS / part).glob("*.json")) if unit.ran]
    order = {cell.row: place for place, cell in enumerate(excerpt.cells) if cell.part == part}
    return sorted(rows, key=lambda unit: min(order.get(cell.row, len(order)) for cell in unit.cells))
