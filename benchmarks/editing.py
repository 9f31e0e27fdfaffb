"""What attribute edits change: the preservation-score curves of SemanticStyleGAN (Shi et al. 2022, figure 10).

Ten degrees of each edit: the mean gain of the attribute's score, by its judge, against what stayed (1 - l1 on [0, 1],
of 8-bit pictures). An edit is limited to the attribute's regions, or not at all; a direction that was learnt in these
regions alone is a row of its own, so that a mask's part in it and the direction's are not mixed. Rows are compared at
equal achieved gain, with 95 % bootstrap intervals over the pictures.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.bases import Base
from benchmarks.bootstrap import Interval, interval, resamples
from benchmarks.rows import Row
from benchmarks.shares import share_inside, share_protocol
from benchmarks.variants import Variant, variants
from directions import EDITORS
from directions.probe import TARGET_GAIN
from semedit.domains.judges import OPTIMISED, ScorerPanel, named_by
from semedit.editing.measuring.effect import compare
from semedit.editing.measuring.judging import judges_of
from semedit.editing.model import Model
from semedit.errors import MissingWeights
from semedit.latents.latent import Latent
from semedit.metrics.pixels import preservation
from semedit.networks.synthesis import Rendering
from semedit.pictures.tensors import quantise

Array = NDArray[np.float64]
PAPER_ATTRIBUTES = ("smile", "bald", "beard", "bangs")
#: The ten degrees, in units of the strength that is calibrated to a gain of 0.4; that of the measures taken once.
DEGREES, ONE = tuple(0.25 * step for step in range(1, 11)), 1.0
#: Measured at each degree, and at ONE alone.
SCANNED = ("score_gain", "preservation", "inside_share", "score_gain_optimised")
ONCE = ("identity", "perceptual", "perceptual_optimised")
#: Codes whose pictures are held at once.
CHUNK = 32


@dataclass(frozen=True)
class Curve:
    """One edit at ten degrees: ``values`` (N, 10) of each of SCANNED, (N, 1) of each of ONCE, of N pictures."""

    attr: str
    method: str
    variant: str
    regions: str
    values: dict[str, Array]
    protocols: dict[str, str]

    @property
    def n(self) -> int:
        return len(self.values["score_gain"])

    @property
    def means(self) -> dict[str, list[float]]:
        return {name: value.mean(0).tolist() for name, value in self.values.items()}

    @property
    def stds(self) -> dict[str, list[float]]:
        return {name: value.std(0).tolist() for name, value in self.values.items()}

    def preservation_at(self, gains: Array, weights: Array | None = None) -> Array:
        """Preservation where the mean curve of pictures, weighted by ``weights`` (N,), first has these gains.

        Linear between degrees; degree 0 is (0, 1), and what lies beyond the highest gain has the preservation there.
        """
        share = np.full(self.n, 1 / self.n) if weights is None else weights
        gained, kept = (share @ self.values[name] for name in ("score_gain", "preservation"))
        highest = np.maximum.accumulate([0.0, *gained])
        rising = np.concatenate([[True], np.diff(highest) > 0])
        found: Array = np.interp(gains, highest[rising], np.array([1.0, *kept])[rising])
        return found

    @property
    def most(self) -> float:
        """The highest mean gain of the curve."""
        return max(0.0, *self.means["score_gain"])

    def to_json(self) -> dict[str, Any]:
        facts = {name: getattr(self, name) for name in ("attr", "method", "variant", "regions", "n", "protocols")}
        return {**facts, "degrees": list(DEGREES), "means": self.means, "stds": self.stds}


@dataclass(frozen=True)
class Cell:
    """What one curve is made of."""

    method: str
    attr: str
    variant: Variant
    scorers: ScorerPanel


def curves(model: Model, base: Base, attributes: tuple[str, ...] = PAPER_ATTRIBUTES, methods: tuple[str, ...] = (),
           *, chosen: bool = False, size: int | None = None, progress: Any = None) -> list[Curve]:  # fmt: skip
    """A curve for each attribute, method (default: all that the model has) and variant, over the codes of ``base``.

    ``chosen`` adds the regions that suffice; ``size`` is the side in px at which preservation is measured (default: the
    generator's). Raises MissingWeights where nothing scores an attribute, UnknownName for one without an editor.
    """
    cells = []
    for method in (name for name in methods or EDITORS if methods or _has(model, name)):
        for attr in attributes:
            scorers = judges_of(model, attr)
            if scorers is None:
                raise MissingWeights(f"nothing here scores '{attr}'")
            cells += [Cell(method, attr, variant, scorers) for variant in variants(model, attr, method, chosen)]
    parts: list[list[dict[str, Tensor]]] = [[] for _ in cells]
    protocols: list[dict[str, str]] = [{}] * len(cells)
    size = size or model.generator.config.size
    for start in range(0, len(base), CHUNK):
        before = base.latent[slice(start, start + CHUNK)]
        old = model.synthesise(before)
        for index, cell in enumerate(cells):
            values, found = measure(model, cell, before, old, size)
            parts[index].append(values)
            protocols[index] = found
            if progress:
                progress(start * len(cells) + (index + 1) * len(before), len(base) * len(cells))
    return [
        Curve(cell.attr, cell.method, cell.variant.name, cell.variant.regions, _joined(part), ids)
        for cell, part, ids in zip(cells, parts, protocols, strict=True)
    ]


def measure(
    model: Model, cell: Cell, before: Latent, old: Rendering, size: int
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """SCANNED at all degrees (B, 10) and ONCE (B, 1) of one edit of a batch, with their protocol ids."""
    # Of every variant by the attribute's own regions, also of one that edits all rows.
    editor = cell.variant.editor
    place = editor.regions_ if model.generator.regions else model.domain.edit_regions.get(cell.attr, editor.regions_)
    regions = before.regions.select(cell.variant.regions).regions
    shown, columns = quantise(old.image), {name: list[Tensor]() for name in SCANNED}
    scores = scores_of(cell, shown)
    once: dict[str, Tensor] = {}
    protocols: dict[str, str] = {}
    for degree in DEGREES:
        new = model.synthesise(cell.variant.editor.edit(before, degree, cell.variant.regions))
        made = quantise(new.image)
        for name, value in scores_of(cell, made).items():
            columns[name].append(value - scores[name])
        columns["preservation"].append(preservation(shown, made, size))
        columns["inside_share"].append(share_inside(model, place, old, new))
        if degree == ONE:
            report = compare(model.domain, old, new, regions, cell.attr, cell.scorers)
            once, protocols = {name: getattr(report, name)[:, None] for name in ONCE}, report.protocols
    computed = {
        "preservation": f"1 - l1[0,1]@{size}, 8 bit",
        "inside_share": share_protocol(place, old),
        "score_gain": protocols["score"],
        "score_gain_optimised": protocols["score_optimised"],
    }
    return {**{name: torch.stack(column, dim=1) for name, column in columns.items()}, **once}, protocols | computed


def scores_of(cell: Cell, pictures: Tensor) -> dict[str, Tensor]:
    """The attribute's scores (B,), by the judge and by what was optimised (NaN where that is not there)."""
    judge, guide = cell.scorers.first, cell.scorers.guide

    def by(one: Any) -> Tensor:
        found: Tensor = one.network.score(pictures)[:, one.network.names.index(cell.attr)]
        return found

    first = by(judge)
    second = first if guide is judge else by(guide) if guide else torch.full_like(first, float("nan"))
    return {"score_gain": first, "score_gain_optimised": second}


def _joined(parts: list[dict[str, Tensor]]) -> dict[str, Array]:
    return {name: torch.cat([part[name].cpu() for part in parts]).double().numpy() for name in parts[0]}


def _has(model: Model, method: str) -> bool:
    try:
        return len(model.editors(method)) > 0
    except MissingWeights:
        return False


@cache
def _resamples(count: int) -> Array:
    return resamples(count)


@dataclass(frozen=True)
class Compared:
    """What a curve keeps at equal gain, less what another one of the same pictures keeps."""

    gain: float
    value: float
    ends: Interval


def advantage(curve: Curve, other: Curve, gains: Array) -> Compared:
    """Mean difference of preservation at equal gains, with its interval over the pictures."""

    def difference(weights: Array | None = None) -> float:
        return float((curve.preservation_at(gains, weights) - other.preservation_at(gains, weights)).mean())

    spread = np.array([difference(weights) for weights in _resamples(curve.n)])
    return Compared(float(gains.max()), difference(), interval(spread))


def shared_gains(curve: Curve, other: Curve) -> Array:
    """Twenty gains up to the highest that both curves reach."""
    return np.linspace(0, min(curve.most, other.most), 21)[1:]


@dataclass(frozen=True, kw_only=True)
class EditingRow(Row):
    """``variant``: which direction in which rows, those of ``regions``; ``base``: what was edited; ``degree``: of the
    edit, None for what holds of a whole curve at a mean gain of ``gain``, or of lower gains."""

    attr: str
    variant: str
    regions: str
    base: str
    degree: float | None
    gain: float | None = None


def rows(model: Model, base: Base, made: list[Curve]) -> list[EditingRow]:
    """The rows of curves: each metric at its degrees; preservation at a gain of 0.4, or the most that both reach, and
    what it gains over the edit of all rows there ("advantage_at_gain") and on average at lower gains ("advantage")."""
    found = []
    for curve in made:
        facts: dict[str, Any] = {
            "task": "editing", "method": curve.method, "model": model.name, "n": curve.n, "attr": curve.attr,
            "variant": curve.variant, "regions": curve.regions, "base": base.kind, "skipped": base.skipped,
        }  # fmt: skip
        for name, protocol in curve.protocols.items():
            judged = curve.protocols.get(name.removesuffix(f"_{OPTIMISED}"))
            if name not in curve.values or (name.endswith(OPTIMISED) and protocol in ("none", judged)):
                continue  # nobody but the one who was optimised has scored
            if np.isnan(curve.means[name]).any():
                continue  # nobody tells regions here
            degrees = DEGREES if name in SCANNED else (ONE,)
            named = named_by(name, protocol)
            found += [
                EditingRow(metric=named, value=mean, std=std, protocol=protocol, degree=degree, **facts)
                for degree, mean, std in zip(degrees, curve.means[name], curve.stds[name], strict=True)
            ]
        free = next(c for c in made if (c.attr, c.method) == (curve.attr, curve.method))
        found += compared(curve, free, facts)
    return found


def compared(curve: Curve, free: Curve, facts: dict[str, Any]) -> list[EditingRow]:
    """The rows of a curve at equal gain with the one of all rows."""
    gain, kept = min(TARGET_GAIN, curve.most, free.most), curve.protocols["preservation"]
    by = curve.protocols["score_gain"]
    at = np.array([gain])
    ends = interval(np.array([curve.preservation_at(at, weights)[0] for weights in _resamples(curve.n)]))
    protocol = f"{kept}, at a mean gain of {gain:.2f} by {by}"
    value = float(curve.preservation_at(at)[0])
    rows = [EditingRow(metric="preservation_at_gain", value=value, low=ends.low, high=ends.high, protocol=protocol,
                       degree=None, gain=gain, **facts)]  # fmt: skip
    if curve is free:
        return rows
    for metric, gains in (("advantage_at_gain", at), ("advantage", shared_gains(curve, free))):
        found, where = advantage(curve, free, gains), "at" if len(gains) == 1 else "mean, at gains to"
        protocol = f"{kept}, less that of {free.variant}, {where} {found.gain:.2f} by {by}"
        rows.append(EditingRow(metric=metric, value=found.value, low=found.ends.low, high=found.ends.high,
                               protocol=protocol, degree=None, gain=found.gain, **facts))  # fmt: skip
    return rows


def on_card(rows: list[EditingRow], method: str) -> list[EditingRow]:
    """What a model's card says of a method: its rows at strength 1 and at equal gain, each under a name of its own."""
    chosen = [row for row in rows if row.method == method and row.degree in (ONE, None)]
    return [replace(row, metric=f"{row.attr}.{row.variant}.{row.metric}") for row in chosen]
