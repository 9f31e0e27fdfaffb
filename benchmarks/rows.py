"""The one form of a measured figure: a row that says what was measured, of what, on how many, by which protocol."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Row:
    """A figure: ``metric`` of a ``method`` on a ``model`` has this ``value`` over ``n`` pictures.

    ``std`` is the population's over the pictures, or the protocol's own; ``low`` and ``high`` are the ends of the
    value's 95 % bootstrap interval over the pictures; ``skipped`` ones could not be measured. Each benchmark adds what
    its figures depend on.
    """

    task: str
    method: str
    model: str
    metric: str
    value: float
    n: int
    protocol: str
    std: float | None = None
    low: float | None = None
    high: float | None = None
    skipped: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


#: What a terminal shows of rows: a line each, by column.
Lines = list[dict[str, Any]]


def table(rows: list[Row]) -> Lines:
    """Each row's figure with its protocol, for benchmarks whose rows have nothing else to show."""
    shown = ("metric", "value", "std", "n", "skipped", "protocol")
    return [{name: getattr(row, name) for name in shown} for row in rows]
