"""Making a report, unit by unit: a run that was stopped goes on, and gives the rows of one that was not."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.paper.cells import ReportCell
from benchmarks.paper.manifest import MANIFEST, claim, described
from benchmarks.paper.part import PaperPart, PartUnit
from benchmarks.paper.setting import Figure, Setting
from semedit.errors import UnknownName
from semedit.storage.atomic import make_folder, write_bytes, write_json

ROWS, TABLE, UNITS = "rows.json", "rows.csv", "units"
Watch = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Section:
    """A part with its units, and what was plotted of them together."""

    part: PaperPart
    units: tuple[PartUnit, ...]
    figures: tuple[Figure, ...] = ()

    @property
    def cells(self) -> list[ReportCell]:
        """Those of all units."""
        return [cell for unit in self.units for cell in unit.cells]

    @property
    def all_figures(self) -> list[Figure]:
        """What was plotted, then the units' pictures."""
        return [*self.figures, *(figure for unit in self.units for figure in unit.figures)]


def chosen(parts: Sequence[PaperPart], only: Sequence[str]) -> list[PaperPart]:
    """The parts that ``only`` names, by id or by the paper ("ssg"); all of them where it is empty. UnknownName."""
    if not only:
        return list(parts)
    families = {part.id.split(".")[0] for part in parts}
    for name in only:
        if name not in families and name not in {part.id for part in parts}:
            raise UnknownName("part of the report", name, [*families, *(part.id for part in parts)])
    return [part for part in parts if part.id in only or part.id.split(".")[0] in only]


def run(setting: Setting, parts: Sequence[PaperPart], watch: Watch | None = None) -> list[Section]:
    """Make ``parts`` in the setting's folder, or take from it what is there already; writes rows and manifest.

    Every unit is written when it is done, whole or not at all, so that a run may be killed at any moment. Raises
    ConfigError for a folder of a report of something else.
    """
    folder = make_folder(setting.folder)
    claim(folder / MANIFEST, described(setting))
    sections = []
    for part in parts:
        names, units = list(part.units(setting)), []
        for index, name in enumerate(names):
            label = f"{part.id} ({index + 1} of {len(names)}): {name}"
            units.append(_unit(setting, part, name, label, watch))
        plotted = part.draw(setting, [one for one in units if one.ran]) if part.draw else ()
        sections.append(Section(part, tuple(units), tuple(plotted)))
    rows = [cell.to_json() for section in sections for cell in section.cells]
    write_json(folder / ROWS, rows)
    write_bytes(folder / TABLE, csv_of(rows).encode())
    return sections


def _unit(setting: Setting, part: PaperPart, name: str, label: str, watch: Watch | None) -> PartUnit:
    path = setting.folder / UNITS / part.id / f"{slug(name)}.json"
    if path.exists():
        kept = PartUnit.read(path)
        if kept.ran and all((setting.folder / figure.file).exists() for figure in kept.figures):
            return kept

    def progress(done: int, total: int) -> None:
        if watch:
            watch(label, done, total)

    progress(0, 1)
    unit = part.unit(setting, name, progress)
    write_json(path, unit.to_json())
    # As a later run reads it, so that both give the same.
    return PartUnit.read(path)


def slug(name: str) -> str:
    """A unit's name as a file's.

    >>> slug("SemanticGAN + proposed training")
    'semanticgan-proposed-training'
    """
    words = "".join(c if c.isalnum() or c in ".@" else " " for c in name.lower()).split()
    return "-".join(words)


def csv_of(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as comma-separated values, their columns named in the first line."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()
