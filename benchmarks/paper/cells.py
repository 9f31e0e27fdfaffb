"""A report's cells: what a paper says, what is measured here, and how the two stand to each other."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from benchmarks.rows import Row
from semedit.domains.judges import OPTIMISED

Status = Literal["reproduced", "within tolerance", "differs", "not run", "measured", "shown"]
#: What each status means, for the report's legend.
STATUSES: dict[Status, str] = {
    "reproduced": "the paper's figure lies in the interval of ours, or equals ours as the paper rounds it",
    "within tolerance": "the two differ by at most a tenth of the paper's figure",
    "differs": "they differ by more",
    "not run": "what is missing, and the command or file that would make it run, is said",
    "measured": "a figure that the paper does not have by this protocol",
    "shown": "pictures, or what holds by construction: for the reader to compare",
}
#: The relative difference up to which two figures are called the same within tolerance.
TOLERANCE = 0.1


@dataclass(frozen=True, kw_only=True)
class PublishedFigure:
    """A figure of a paper: in which row and column, by which protocol, with which standard deviation."""

    row: str
    column: str
    value: float | str
    protocol: str
    std: float | None = None
    digits: int = 2


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A figure of ours: ``low`` and ``high`` bound its 95 % interval, where there is one.

    ``detail``: one of the many behind a plot.
    """

    row: str
    column: str
    value: float | str
    protocol: str
    n: int
    skipped: int = 0
    std: float | None = None
    low: float | None = None
    high: float | None = None
    detail: bool = False


@dataclass(frozen=True, kw_only=True)
class ReportCell:
    """One cell of the report; cells of different ``protocol`` never share a column."""

    part: str
    row: str
    column: str
    protocol: str
    status: Status
    paper: float | str | None = None
    paper_std: float | None = None
    ours: float | str | None = None
    std: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    skipped: int = 0
    reason: str = ""
    command: str = ""
    detail: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Absent:
    """Why something was not run, and the command or file that would make it run."""

    reason: str
    command: str = ""


def mean_interval(mean: float, std: float | None, n: int) -> tuple[float | None, float | None]:
    """The 95 % interval of a mean over n pictures, by its standard error; (None, None) where that is not known.

    >>> low, high = mean_interval(1.0, 2.0, 100)
    >>> round(low, 3), round(high, 3)
    (0.608, 1.392)
    """
    if std is None or n < 2:
        return None, None
    half = 1.96 * std / n**0.5
    return mean - half, mean + half


def measured(figure: Row, row: str, column: str, *, of_pictures: bool, detail: bool = False) -> Measure:
    """A benchmark's figure as the report's, with the interval that it carries; else, if it is a mean ``of_pictures``,
    with that of its standard error."""
    facts = figure.to_json()
    low, high = facts.get("low"), facts.get("high")
    if low is None and of_pictures:
        low, high = mean_interval(figure.value, figure.std, figure.n)
    return Measure(row=row, column=column, value=figure.value, protocol=figure.protocol, n=figure.n,
                   skipped=figure.skipped, std=figure.std, low=low, high=high, detail=detail)  # fmt: skip


def unmarked(metric: str) -> str:
    """A measure's name without the mark of a network that was optimised, which its protocol has too.

    >>> unmarked("frechet_optimised")
    'frechet'
    """
    return metric.removesuffix(f"_{OPTIMISED}")


def judged(paper: PublishedFigure, ours: Measure) -> Status:
    """How two figures of one protocol stand to each other."""
    if isinstance(paper.value, str) or isinstance(ours.value, str):
        return "shown"
    inside = ours.low is not None and ours.high is not None and ours.low <= paper.value <= ours.high
    if inside or round(ours.value, paper.digits) == round(paper.value, paper.digits):
        return "reproduced"
    near = abs(ours.value - paper.value) <= TOLERANCE * abs(paper.value)
    return "within tolerance" if near else "differs"


def cells_of(
    part: str, published: Sequence[PublishedFigure], measures: Sequence[Measure], absent: Absent
) -> list[ReportCell]:
    """A part's cells: each published figure with ours of its row and protocol, or why there is none; then our own."""
    found = {(one.row, one.column, one.protocol): one for one in measures}
    cells = []
    for paper in published:
        facts: dict[str, Any] = {"part": part, "row": paper.row, "column": paper.column, "protocol": paper.protocol,
                                 "paper": paper.value, "paper_std": paper.std}  # fmt: skip
        ours = found.pop((paper.row, paper.column, paper.protocol), None)
        if ours is None and isinstance(paper.value, str):
            cells.append(ReportCell(status="shown", **facts))
        elif ours is None:
            cells.append(ReportCell(status="not run", reason=absent.reason, command=absent.command, **facts))
        else:
            cells.append(ReportCell(status=judged(paper, ours), **facts, **_own(ours)))
    for ours in found.values():
        cells.append(
            ReportCell(
                part=part, row=ours.row, column=ours.column, protocol=ours.protocol, status="measured", **_own(ours)
            )
        )
    return cells


def _own(ours: Measure) -> dict[str, Any]:
    kept = ("std", "low", "high", "n", "skipped", "detail")
    return {"ours": ours.value, **{name: getattr(ours, name) for name in kept}}
