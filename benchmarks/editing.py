"""What attribute edits change: the preservation-score curves of SemanticStyleGAN (Shi et al. 2022, figure 9).

Ten degrees of each edit on samples of the generator: the mean gain of the classifier's score against what stayed
(1 - l1 on [0, 1]), identity and perceptual distance, with the editor limited to an attribute's regions, to those that
it chooses, and not limited at all. Curves are compared at equal gain.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from benchmarks.rows import Lines, Row
from directions import EDITORS
from semedit.editing.effect import compare
from semedit.editing.model import Model
from semedit.errors import MissingWeights
from semedit.latents.latent import Latent
from semedit.networks.synthesis import Synthesis
from semedit.pictures.sheets import sheet
from semedit.pictures.tensors import enlarge
from semedit.protocols import Editor
from semedit.storage.atomic import replacing

PAPER_ATTRIBUTES = ("smile", "bald", "beard", "bangs")
#: What the edits are limited to: the attribute's own regions, those that suffice, nothing.
MASKS = {"masked": None, "auto": "auto", "unmasked": "all"}
SEED = 770_001
#: Samples that are edited.
COUNT = 200
#: Samples whose pictures are in memory at once.
CHUNK = 32
#: The ten degrees, in units of the strength that is calibrated to a gain of 0.4.
DEGREES = tuple(0.25 * step for step in range(1, 11))
STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
METRICS = ("score_gain", "preservation", "identity", "perceptual", "inside_share")


@dataclass(frozen=True)
class Curve:
    """One edit at ten degrees: means and standard deviations (10,) of each of METRICS over ``n`` samples."""

    attr: str
    method: str
    mask: str
    regions: str
    means: dict[str, list[float]]
    stds: dict[str, list[float]]
    n: int
    protocols: dict[str, str]

    def preservation_at(self, gains: np.ndarray) -> np.ndarray:
        """Preservation where the curve first has these gains, linearly between degrees; degree 0 is (0, 1)."""
        highest = np.maximum.accumulate([0.0, *self.means["score_gain"]])
        rising = np.concatenate([[True], np.diff(highest) > 0])
        found: np.ndarray = np.interp(gains, highest[rising], np.array([1.0, *self.means["preservation"]])[rising])
        return found

    @property
    def most(self) -> float:
        """The highest gain of the curve."""
        return max(0.0, *self.means["score_gain"])


def curves(model: Model, attributes: tuple[str, ...] = PAPER_ATTRIBUTES, methods: tuple[str, ...] = (),
           count: int = COUNT, progress: Any = None) -> list[Curve]:  # fmt: skip
    """A curve for each attribute, method (default: all that the model has) and mask."""
    present = [name for name in methods or EDITORS if methods or _has(model, name)]
    lines = [_Line.of(model, method, attr, mask) for method in present for attr in attributes for mask in MASKS]
    samples, done = model.sample(count, SEED), 0
    starts = range(0, count, CHUNK)
    for start in starts:
        before = samples[start : start + CHUNK]
        old = model.synthesise(before)
        for line in lines:
            line.measure(model, before, old)
            done += 1
            if progress:
                progress(done, len(lines) * len(starts))
    return [line.curve(count) for line in lines]


@dataclass
class _Line:
    """A curve in the making: for each degree, the measured values of the samples so far, by metric."""

    attr: str
    method: str
    mask: str
    regions: str
    editor: Editor
    values: list[dict[str, list[torch.Tensor]]]
    protocols: dict[str, str]

    @classmethod
    def of(cls, model: Model, method: str, attr: str, mask: str) -> Self:
        limit, own = MASKS[mask], str(model.editors(method)[attr].regions_)
        regions = model.auto_regions(attr, method) if limit == "auto" else limit or own
        values: list[dict[str, list[torch.Tensor]]] = [{name: [] for name in METRICS} for _ in DEGREES]
        return cls(attr, method, mask, regions, model.editor(attr, method), values, {})

    def measure(self, model: Model, before: Latent, old: Synthesis) -> None:
        """Edit some more samples, whose pictures are ``old``, by every degree."""
        chosen, scorer = before.regions.select(self.regions).regions, model.scorer(self.attr)
        for degree, values in zip(DEGREES, self.values, strict=True):
            new = model.synthesise(self.editor.edit(before, degree, self.regions))
            report = compare(model.domain, old, new, chosen, self.attr, scorer)
            for name in METRICS:
                gained = report.score_after - report.score_before
                values[name].append(gained if name == "score_gain" else getattr(report, name))
            self.protocols = report.protocols

    def curve(self, count: int) -> Curve:
        joined = [{name: torch.cat(parts) for name, parts in values.items()} for values in self.values]
        means = {name: [value[name].mean().item() for value in joined] for name in METRICS}
        stds = {name: [value[name].std(unbiased=False).item() for value in joined] for name in METRICS}
        return Curve(self.attr, self.method, self.mask, self.regions, means, stds, count, self.protocols)


def _has(model: Model, method: str) -> bool:
    try:
        return len(model.editors(method)) > 0
    except MissingWeights:
        return False


def advantage(curve: Curve, other: Curve) -> float:
    """Mean difference of preservation at equal gain, over the gains that both curves reach."""
    gains = np.linspace(0, min(curve.most, other.most), 21)[1:]
    return float((curve.preservation_at(gains) - other.preservation_at(gains)).mean())


@dataclass(frozen=True, kw_only=True)
class EditingRow(Row):
    """``degree``: of the edit, None for the whole curve's ``advantage``; ``mask``: one of MASKS, which gave
    ``regions``."""

    attr: str
    mask: str
    regions: str
    degree: float | None


def rows(model: Model, made: list[Curve]) -> list[EditingRow]:
    """The rows of curves: each metric at each degree, and for masked ones the advantage at equal gain."""
    found = []
    for curve in made:
        facts: dict[str, Any] = {
            "task": "editing", "method": curve.method, "model": model.name, "n": curve.n, "attr": curve.attr,
            "mask": curve.mask, "regions": curve.regions,
        }  # fmt: skip
        for name in METRICS:
            protocol = curve.protocols.get(name, f"{model.domain.name}-{name}")
            found += [
                EditingRow(metric=name, value=mean, std=std, protocol=protocol, degree=degree, **facts)
                for degree, mean, std in zip(DEGREES, curve.means[name], curve.stds[name], strict=True)
            ]
        free = next(c for c in made if (c.attr, c.method, c.mask) == (curve.attr, curve.method, "unmasked"))
        if curve is not free:
            gain = min(curve.most, free.most)
            protocol = f"mean difference of preservation from unmasked, at gains to {gain:.2f}"
            found.append(
                EditingRow(metric="advantage", value=advantage(curve, free), protocol=protocol, degree=None, **facts)
            )
    return found


def at_strength_one(rows: list[EditingRow], method: str) -> list[EditingRow]:
    """What a model's card says of a method: its rows at strength 1 and its advantages, each under a name of its own."""
    chosen = [row for row in rows if row.method == method and row.degree in (1.0, None)]
    return [replace(row, metric=f"{row.attr}.{row.mask}.{row.metric}") for row in chosen]


def table(made: list[Curve]) -> Lines:
    """A line for each curve and degree."""
    return [
        {
            "attr": curve.attr, "method": curve.method, "mask": curve.mask, "regions": curve.regions, "degree": degree,
            **{name: curve.means[name][index] for name in METRICS},
        }
        for curve in made
        for index, degree in enumerate(DEGREES)
    ]  # fmt: skip


def advantages(rows: list[EditingRow]) -> Lines:
    """A line for each curve that is compared with the unmasked one."""
    return [
        {"attr": row.attr, "method": row.method, "mask": row.mask, "regions": row.regions,
         "advantage": f"{row.value:+.4f}", "protocol": row.protocol}
        for row in rows
        if row.metric == "advantage"
    ]  # fmt: skip


def draw(made: list[Curve], path: str | Path) -> None:
    """Draw curves: a panel for each attribute, preservation against gain. MissingWeights without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingWeights("pictures of curves need matplotlib: pip install 'semedit[plots]'") from None
    attributes = list(dict.fromkeys(curve.attr for curve in made))
    figure = Figure(figsize=(4 * len(attributes), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    lines = {"masked": "-", "auto": "--", "unmasked": ":"}
    colours = dict(zip(dict.fromkeys(c.method for c in made), ("tab:blue", "tab:orange", "tab:green"), strict=False))
    for panel, attr in zip(figure.subplots(1, len(attributes), squeeze=False)[0], attributes, strict=True):
        for curve in (c for c in made if c.attr == attr):
            label = f"{curve.method}, {curve.mask}"
            panel.plot([0, *curve.means["score_gain"]], [1, *curve.means["preservation"]], lines[curve.mask],
                       color=colours[curve.method], marker="o", markersize=3, label=label)  # fmt: skip
        panel.set(title=attr, xlabel="score gain", ylabel="preservation (1 - l1)")
        panel.grid(alpha=0.3)
    panel.legend(fontsize=8)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def strength_sheet(model: Model, attributes: tuple[str, ...], count: int = 2, seed: int = SEED) -> torch.Tensor:
    """A picture (3, H', W'): for each attribute ``count`` rows of samples, strengths -1 to 2, at 128 px or more."""
    before = model.sample(count, seed)
    pictures = []
    for attr in attributes:
        columns = [model.synthesise(model.edit(before, attr, strength)).image for strength in STRENGTHS]
        pictures.append(torch.stack(columns, dim=1).flatten(0, 1))
    joined = torch.cat(pictures)
    return sheet(enlarge(joined, max(1, 128 // joined.shape[-1])), columns=len(STRENGTHS))
