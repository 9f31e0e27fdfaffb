"""A part of the report: a table or figure of a paper, made unit by unit."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.paper.cells import Absent, Measure, PublishedFigure, ReportCell, cells_of
from benchmarks.paper.published import PUBLISHED
from benchmarks.paper.setting import Figure, NotThere, Progress, Setting
from semedit.errors import SemeditError
from semedit.storage.content import read_object, shaped

#: The column of cells that stand for pictures.
PICTURES = "pictures"


@dataclass(frozen=True)
class Made:
    """What a unit gives: figures, pictures, and data that the part's plots are drawn from (JSON)."""

    measures: Sequence[Measure] = ()
    figures: Sequence[Figure] = ()
    series: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PartUnit:
    """A finished unit of a part, as it is kept."""

    name: str
    cells: tuple[ReportCell, ...]
    figures: tuple[Figure, ...] = ()
    series: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ran(self) -> bool:
        """Whether anything was measured or shown; what was not is tried again by the next run."""
        return any(cell.ours is not None or cell.column == PICTURES for cell in self.cells)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, path: Path) -> "PartUnit":
        """The unit that a file keeps. Raises CheckpointError for any other file."""
        return shaped(cls, read_object(path), path)


@dataclass(frozen=True)
class PaperPart:
    """``id`` is what --only takes, ``source`` the paper's table or figure.

    ``units`` are what a stopped run goes on from; ``make`` makes one of them; ``draw`` plots all of a part together.
    """

    id: str
    title: str
    source: str
    units: Callable[[Setting], Sequence[str]]
    make: Callable[[Setting, str, Progress], Made]
    draw: Callable[[Setting, Sequence[PartUnit]], Sequence[Figure]] | None = None
    #: Why a published figure of a unit that ran has none of ours beside it.
    counterpart: Callable[[Setting], Absent] | None = None

    def unit(self, setting: Setting, name: str, progress: Progress) -> PartUnit:
        """One unit, made now. What is missing for it is said in its cells; other errors are the caller's."""
        published = PUBLISHED.get(self.id, {}).get(name, ())
        try:
            made = self.make(setting, name, progress)
        except SemeditError as error:
            absent = error.absent if isinstance(error, NotThere) else _missing(str(error), setting.command(self.id))
            cells = cells_of(self.id, published, (), absent)
            if not cells:
                cells = [ReportCell(part=self.id, row=name, column="-", protocol="-", status="not run",
                              reason=absent.reason, command=absent.command)]  # fmt: skip
            return PartUnit(name, tuple(cells))
        absent = self.counterpart(setting) if self.counterpart else setting.counterpart(self.id)
        measures = [_drawn(one, published) for one in made.measures] if setting.drawn else made.measures
        cells = cells_of(self.id, published, measures, absent)
        if made.figures and not made.measures:
            cells.append(ReportCell(part=self.id, row=name, column=PICTURES, protocol="pictures of fixed seeds",
                              status="shown", n=len(made.figures)))  # fmt: skip
        return PartUnit(name, tuple(cells), tuple(made.figures), made.series)


def _missing(reason: str, command: str) -> Absent:
    """What an error says, with the command that it names, or else ``command``."""
    named_command = re.search(r"'(semedit [^']+)'", reason)
    return Absent(reason, named_command[1] if named_command else command)


def _drawn(measure: Measure, published: Sequence[PublishedFigure]) -> Measure:
    """A figure of drawn pictures under an id of its own, where the paper has one of photographs by the same measure."""
    theirs = {one.protocol for one in published if not isinstance(one.value, str)}
    return replace(measure, protocol=f"{measure.protocol} of drawn pictures") if measure.protocol in theirs else measure


def named(*names: str) -> Callable[[Setting], Sequence[str]]:
    """The ``units`` of a part whose units are the same for every report."""

    def units(_setting: Setting) -> Sequence[str]:
        return names

    return units


def not_run(absent: Callable[[Setting], Absent]) -> Callable[[Setting, str, Progress], Made]:
    """The ``make`` of a part whose place in the report is kept."""

    def make(setting: Setting, _name: str, _progress: Progress) -> Made:
        raise NotThere(absent(setting))

    return make
