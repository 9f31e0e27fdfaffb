"""The papers retold: every table and figure, part by part. PARTS names them; command line and report read it."""

from benchmarks.paper.cells import STATUSES, Measure, PublishedFigure, ReportCell
from benchmarks.paper.part import Made, PaperPart, PartUnit
from benchmarks.paper.parts import (
    catalogues,
    curves,
    equally_local,
    fusion,
    grids,
    inversion,
    local_methods,
    style_space,
    synthesis,
    timing,
    truth,
    words,
)
from benchmarks.paper.report import write_report
from benchmarks.paper.running import Section, chosen, run
from benchmarks.paper.setting import BUDGETS, Budget, Figure, Rival, Setting

_SSG = (
    synthesis.PART,
    inversion.PART,
    curves.PART,
    *grids.PARTS,
    words.PART,
    style_space.PART,
    timing.PART,
    truth.PART,
    local_methods.PART,
)
#: All parts: SemanticStyleGAN's tables, then its figures in the paper's order, then the other papers'.
PARTS: tuple[PaperPart, ...] = (
    *sorted(_SSG, key=lambda part: ("tfax".index(part.id[4]), int(part.id[5:]))),
    *fusion.PARTS,
    equally_local.PART,
    *catalogues.PARTS,
)

__all__ = [
    "BUDGETS",
    "PARTS",
    "STATUSES",
    "Budget",
    "Figure",
    "Made",
    "Measure",
    "PaperPart",
    "PartUnit",
    "PublishedFigure",
    "ReportCell",
    "Rival",
    "Section",
    "Setting",
    "chosen",
    "run",
    "write_report",
]
