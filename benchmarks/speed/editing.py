"""Speed of editing many codes in one call against a call for each, alternately in one run, with equal results."""

import statistics
from dataclasses import dataclass

import torch

from benchmarks.rows import Lines
from benchmarks.speed.timing import OutputsDifferError, SpeedRow, time_pair
from directions import RegionTransfer
from semedit.editing.model import Model
from semedit.latents.latent import Latent
from semedit.protocols import Editor

#: Codes that are edited in one call, and the methods timed.
COUNT, METHODS = 64, ("interfacegan", "transfer", "styleflow")


@dataclass(frozen=True, kw_only=True)
class CallRow(SpeedRow):
    """``pictures``: whether edits are rendered too; ``single_seconds``: of ``batch`` calls for one code each."""

    pictures: bool
    single_seconds: float


def measure(model: Model, runs: int) -> list[CallRow]:
    """A row for each method, without and with pictures."""
    return [compare_calls(model, name, COUNT, pictures, runs) for name in METHODS for pictures in (False, True)]


def table(rows: list[CallRow]) -> Lines:
    """A line a row."""
    return [
        {
            "method": row.method,
            "pictures": "yes" if row.pictures else "no",
            "one call s": row.seconds,
            f"{row.batch} calls s": row.single_seconds,
            "ratio": row.span,
        }
        for row in rows
    ]


def compare_calls(model: Model, name: str, count: int, pictures: bool, runs: int) -> CallRow:
    """A row: seconds of one call for ``count`` samples and of as many calls for one each, and their ratio.

    ``name`` is an attribute method's, whose smile edit is timed, or "transfer" of hair. With ``pictures`` each call
    also renders what it has edited. Raises OutputsDifferError if the two give other codes.
    """
    latent = model.sample(count, seed=3)
    if name == "transfer":
        editor: Editor = RegionTransfer(model.sample(1, seed=4), "hair")
    else:
        editor = model.editor("smile", name)

    def edit(codes: Latent) -> Latent:
        edited = editor.edit(codes, 1.0)
        if pictures:
            model.synthesise(edited)
        return edited

    def together() -> torch.Tensor:
        return edit(latent).data

    def one_by_one() -> torch.Tensor:
        return torch.cat([edit(latent[index]).data for index in range(count)])

    difference = (together() - one_by_one()).abs().max().item()
    if difference > (1e-5 if name != "styleflow" else 1e-2):
        raise OutputsDifferError(f"{name}: codes differ by {difference:.1e}")
    fast, slow = time_pair(together, one_by_one, runs)
    ratios = [b / a for a, b in zip(fast, slow, strict=True)]
    return CallRow(
        task="editing-speed",
        method=name,
        model=model.name,
        value=statistics.median(ratios),
        n=runs,
        protocol="alternating, one call against a call for each code",
        batch=count,
        seconds=statistics.median(fast),
        ratio_low=min(ratios),
        ratio_high=max(ratios),
        pictures=pictures,
        single_seconds=statistics.median(slow),
    )
