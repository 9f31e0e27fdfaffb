"""The one form of a measured figure: a row that says what was measured, of what, on how many, by which protocol."""

from typing import Any

from semedit.editing.model import Model


def row(
    task: str, method: str, model: Model, metric: str, value: float, *, n: int, protocol: str,
    std: float | None = None, skipped: int = 0, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """``std`` is the population's over the pictures, or the protocol's own; ``skipped`` ones could not be measured."""
    return {
        "task": task, "method": method, "model": model.name, "metric": metric, "value": value, "std": std, "n": n,
        "skipped": skipped, "protocol": protocol, **more,
    }  # fmt: skip
