"""Change inside a region against change outside, in CIELAB, over the strengths of a transfer.

Reference: Editing in Style (Collins et al. 2020), figure 7: In- and Out-MSE over the budget of sequential queries, and
over the strength of simultaneous and global ones. Inside is where the region lies in the picture before or after.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.equal_change import REACHED, EqualChange, at_equal_change
from benchmarks.transfers.protocol import (
    BATCH,
    COUNT,
    MIXING,
    REGIONS,
    SEED,
    Progress,
    TransferRow,
    changed_region,
    editor_of,
    methods_of,
)
from semedit.editing.model import Model
from semedit.editing.sessions.chain import Step, shown
from semedit.errors import MissingWeights
from semedit.latents.latent import Latent
from semedit.metrics.cielab import Conversion, protocol, region_error
from semedit.protocols import Editor
from semedit.storage.atomic import replacing

Array = NDArray[np.float64]
STRENGTHS = tuple(0.125 * step for step in range(1, 9))
CONVERSIONS: tuple[Conversion, ...] = ("correct", "official")
RESAMPLES = 2_000


@dataclass(frozen=True)
class Sweep:
    """A method over ``amounts``, ascending: strengths, or values of its option ``option`` beside further ``options``.

    ``name`` is what its figures are called.
    """

    method: str
    name: str
    amounts: tuple[float, ...] = STRENGTHS
    option: str | None = None
    options: tuple[str, ...] = ()

    def at(self, model: Model, references: Latent, region: str, amount: float) -> tuple[Editor, float]:
        """The editor of an amount, and the strength that it is to be asked for."""
        own = () if self.option is None else (f"{self.option}={amount}",)
        editor = editor_of(model, references, region, self.method, (*self.options, *own))
        return editor, amount if self.option is None else 1.0


#: The three queries of Editing in Style, each over what it has to be varied; the sequential one with a budget for each
#: layer, as in the released code, and with one for all of them together, as in the paper.
QUERIES = (
    Sweep("editing-in-style", "sequential", (0.01, 0.03, 0.06, 0.1, 0.2, 0.3, 0.5, 0.8), "share"),
    Sweep("editing-in-style", "sequential, one budget", (0.003, 0.01, 0.02, 0.04, 0.08, 0.16), "share",
          ("convention=paper",)),
    Sweep("editing-in-style", "simultaneous", (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0), "gain",
          ("query=simultaneous",)),
    Sweep("editing-in-style", "global", STRENGTHS, None, ("query=global",)),
)  # fmt: skip


def sweeps(model: Model, methods: Sequence[str] = ()) -> tuple[Sweep, ...]:
    """A sweep over strengths of each method, by default of all that the model can be asked for."""
    return tuple(Sweep(method, method) for method in methods or methods_of(model))


@dataclass(frozen=True)
class TransferCurve:
    """In- and Out-MSE (A, N) at A amounts for N pairs of a model, in one conversion, of pictures of ``size`` px; NaN
    where a pair has no such region."""

    model: str
    method: str
    region: str
    conversion: Conversion
    amounts: tuple[float, ...]
    inside: Array
    outside: Array
    size: int

    @property
    def place(self) -> tuple[str, str, str]:
        """What curves that are compared have in common."""
        return self.model, self.region, self.conversion

    def beside(self, other: "TransferCurve") -> EqualChange:
        """This curve beside another of the same pairs, where both have changed the region equally."""
        return at_equal_change((self.inside, self.outside), (other.inside, other.outside))


def curves(
    model: Model,
    regions: Sequence[str] = REGIONS,
    chosen: Sequence[Sweep] = (),
    count: int = COUNT,
    progress: Progress | None = None,
) -> list[TransferCurve]:
    """Curves of sweeps (default: all methods over strengths) and regions, in both conversions.

    Raises UnknownName for a method or region, and as the methods do.
    """
    targets, others = model.sample(count, SEED), model.sample(count, SEED + 1)
    chosen, found = tuple(chosen) or sweeps(model), list[TransferCurve]()
    for sweep in chosen:
        for region in regions:
            inside = np.full((len(CONVERSIONS), len(sweep.amounts), count), np.nan)
            outside = inside.copy()
            for start in range(0, count, BATCH):
                part = slice(start, start + BATCH)
                before = model.synthesise(targets[part])
                for place, amount in enumerate(sweep.amounts):
                    editor, strength = sweep.at(model, others[part], region, amount)
                    after = shown(model, Step(editor, sweep.method, region), targets[part], strength)[1]
                    mask = changed_region(model, before, after, region)
                    for number, conversion in enumerate(CONVERSIONS):
                        error = region_error(before.image, after.image, mask, conversion)
                        inside[number, place, part] = error.inside.cpu()
                        outside[number, place, part] = error.outside.cpu()
            found += [
                TransferCurve(
                    model.name,
                    sweep.name,
                    region,
                    conversion,
                    sweep.amounts,
                    inside[number],
                    outside[number],
                    model.generator.config.size,
                )
                for number, conversion in enumerate(CONVERSIONS)
            ]
            if progress:
                progress(len(found) // len(CONVERSIONS), len(chosen) * len(regions))
    return found


def spread(values: Array, seed: int = 0) -> dict[str, Any]:
    """Mean of the values (N,) that are known, their number, and the 95 % bootstrap interval of the mean."""
    known = values[~np.isnan(values)]
    drawn = np.random.default_rng(seed).integers(len(known), size=(RESAMPLES, len(known)))
    low, high = np.quantile(known[drawn].mean(1), (0.025, 0.975))
    return {"value": float(known.mean()), "low": float(low), "high": float(high), "n": len(known),
            "skipped": len(values) - len(known)}  # fmt: skip


def rows(made: Sequence[TransferCurve], against: str = MIXING) -> list[TransferRow]:
    """Rows of curves: both errors at each amount; and, of methods other than ``against``, those of :func:`compared`
    with that, where it was measured."""
    found = list[TransferRow]()
    for curve in made:
        name = protocol(curve.conversion, curve.size)
        for metric, values in (("in_mse", curve.inside), ("out_mse", curve.outside)):
            found += [
                TransferRow(metric=metric, protocol=name, amount=amount, **spread(own), **facts(curve))
                for amount, own in zip(curve.amounts, values, strict=True)
                if not np.isnan(own).all()
            ]
        plain = [c for c in made if c.method == against and c.place == curve.place]
        for other in plain if curve.method != against else ():
            found += compared(curve, other)
    return found


def compared(curve: TransferCurve, other: TransferCurve) -> list[TransferRow]:
    """A method beside another, pair by pair at equal In-MSE, REACHED of the greatest that both come to: the In-MSE
    there, the Out-MSE of each, and how much less the method's is, with a paired interval.

    Nothing where no pair has such a region.
    """
    found = curve.beside(other)
    if np.isnan(found.saved).all():
        return []
    name = protocol(curve.conversion, curve.size)
    place = f"{name}, at {REACHED:g} of the greatest In-MSE that it and {other.method} both reach"
    measures = {
        "in_mse_equal": (found.inside, place),
        "out_mse_equal": (found.own, place),
        "out_mse_against": (found.other, f"{place}: {other.method}"),
        "outside_saved": (found.saved, f"{place}: {other.method} less it"),
    }
    return [
        TransferRow(metric=metric, protocol=words, **spread(values), **facts(curve))
        for metric, (values, words) in measures.items()
    ]


def facts(curve: TransferCurve) -> dict[str, Any]:
    """What a curve's rows say of it."""
    return {"task": "transfers", "method": curve.method, "model": curve.model, "region": curve.region}


def draw(made: Sequence[TransferCurve], path: str | Path, conversion: Conversion = "correct") -> None:
    """Draw curves: a panel for each region, Out-MSE against In-MSE. MissingWeights without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingWeights("pictures of curves need matplotlib: pip install 'semedit[plots]'") from None
    regions, several = list(dict.fromkeys(curve.region for curve in made)), len({curve.model for curve in made}) > 1

    def label(curve: TransferCurve) -> str:
        return f"{curve.method} ({curve.model})" if several else curve.method

    figure = Figure(figsize=(4 * len(regions), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    for panel, region in zip(figure.subplots(1, len(regions), squeeze=False)[0], regions, strict=True):
        for curve in (c for c in made if (c.region, c.conversion) == (region, conversion)):
            known = ~np.isnan(curve.inside).all(1)
            x, y = (np.nanmean(values[known], 1) for values in (curve.inside, curve.outside))
            panel.plot([0, *x], [0, *y], marker="o", markersize=3, label=label(curve))
        panel.set(title=region, xlabel=f"In-MSE ({protocol(conversion)})", ylabel="Out-MSE")
        panel.grid(alpha=0.3)
    panel.legend(fontsize=8)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
