"""SemanticStyleGAN's figure 10: preservation against gained score, and what no paper has: change inside against outside
the region at equal gain."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from benchmarks import editing, editing_shown
from benchmarks.bases import INVERSIONS, Base, base_codes
from benchmarks.paper.cells import measured, unmarked
from benchmarks.paper.part import Made, PaperPart, PartUnit
from benchmarks.paper.plots import points
from benchmarks.paper.setting import Figure, NotThere, Progress, Setting
from directions import EDITORS
from semedit.editing.model import Model
from semedit.errors import MissingWeights

GENERATORS = {"SemanticStyleGAN": None, "StyleGAN2": "stylegan2"}
#: Measure -> column of the table.
COLUMNS = {
    "score_gain": "score gain", "preservation": "preservation", "inside_share": "share of the change inside",
    "identity": "identity", "perceptual": "perceptual distance",
    "preservation_at_gain": "preservation at equal gain", "advantage_at_gain": "more than of all rows, at equal gain",
}  # fmt: skip
#: The gain at which methods are compared, or nine tenths of the most that all of them reach.
EQUAL_GAIN = 0.4
#: The gain up to which an edit has gained nothing, and is not compared.
LEAST_GAIN = 0.02
#: Side in px at which preservation is measured where the generators' sizes differ.
COMMON_SIZE = 256
_BASES: WeakKeyDictionary[Model, dict[tuple[int, Path | None], Base]] = WeakKeyDictionary()


def units(setting: Setting) -> tuple[str, ...]:
    known = setting.model.domain.attribute_names
    attributes = [name for name in editing.PAPER_ATTRIBUTES if name in known]
    return tuple(f"{g} + {method}: {attr}" for g in GENERATORS for method in EDITORS for attr in attributes)


def make(setting: Setting, name: str, progress: Progress) -> Made:
    """Curves of one attribute by one method; the table has them at strength 1, and each at equal gain with the edit of
    all rows."""
    combination, attr = name.split(": ")
    generator, method = combination.split(" + ")
    rival = GENERATORS[generator]
    model = setting.rival(rival) if rival else setting.model
    base = base_of(setting, model)
    made = editing.curves(model, base, (attr,), (method,), size=size_of(setting), progress=progress)
    found = editing.rows(model, base, made)
    measures = [
        measured(row, f"{attr}: {named(generator, row)}", COLUMNS[unmarked(row.metric)], of_pictures=True)
        for row in found
        if row.degree in (editing.ONE, None) and unmarked(row.metric) in COLUMNS
        if row.gain is None or row.gain > LEAST_GAIN
    ]
    measures += [
        measured(row, f"{attr}, ten strengths: {named(generator, row)}, {row.degree:g}",
                 COLUMNS[unmarked(row.metric)], of_pictures=True, detail=True)
        for row in found
        if row.degree and unmarked(row.metric) in ("score_gain", "preservation")
    ]  # fmt: skip
    return Made(measures, series={"generator": generator, "curves": [stored(curve) for curve in made]})


def size_of(setting: Setting) -> int:
    """Side in px at which preservation is measured: that of the generators, or a common one where these differ."""
    sizes = {setting.model.generator.config.size}
    for name in filter(None, GENERATORS.values()):
        with suppress(NotThere):
            sizes.add(setting.rival(name).generator.config.size)
    return sizes.pop() if len(sizes) == 1 else COMMON_SIZE


def base_of(setting: Setting, model: Model) -> Base:
    """Inversions of a report's held-out pictures: made once for all units that one run makes."""
    count, kept = setting.budget.edits, _BASES.setdefault(model, {})
    if (count, setting.data) not in kept:
        files = None if setting.drawn else setting.held_out(count)
        kept[count, setting.data] = base_codes(model, INVERSIONS, count, files, aligned=True)
    return kept[count, setting.data]


def stored(curve: editing.Curve) -> dict[str, Any]:
    """A curve as JSON, every picture's values in it."""
    return {**vars(curve), "values": {name: value.round(6).tolist() for name, value in curve.values.items()}}


def restored(curve: Mapping[str, Any]) -> editing.Curve:
    values = {name: np.array(value, dtype=np.float64) for name, value in curve["values"].items()}
    return editing.Curve(**{**curve, "values": values})


def draw(setting: Setting, units: Sequence[PartUnit]) -> Sequence[Figure]:
    """The curves of all units that ran, and the plot of local methods. Nothing without matplotlib."""
    made = curves_of(units)
    if not made:
        return ()
    files = {name: f"pictures/ssg.f10-{name}.png" for name in ("curves", "inside-outside")}
    try:
        editing_shown.draw(shown(units), setting.folder / files["curves"])
        points(at_equal_gain(made), setting.folder / files["inside-outside"])
    except MissingWeights:
        return ()
    captions = (
        "Preservation (1 - l1) against the gain of the attribute's score, at ten degrees of every edit.",
        "Change outside against change inside the attribute's region, mean absolute on [0, 1], at the gain that a "
        "panel names; beside each method identity (id) and perceptual distance (p) at strength 1.",
    )
    return [Figure(file, caption) for file, caption in zip(files.values(), captions, strict=True)
            if (setting.folder / file).exists()]  # fmt: skip


def curves_of(units: Sequence[PartUnit]) -> list[tuple[str, editing.Curve]]:
    """Generator and curve of all that ran."""
    return [(unit.series["generator"], restored(one)) for unit in units for one in unit.series["curves"]]


def shown(units: Sequence[PartUnit]) -> list[editing.Curve]:
    """The curves of all generators for one plot: those of rivals are named by theirs."""
    own = next(iter(GENERATORS))
    return [c if g == own else replace(c, variant=f"{g} {c.variant}") for g, c in curves_of(units)]


def at_equal_gain(made: Sequence[tuple[str, editing.Curve]]) -> dict[str, list[dict[str, Any]]]:
    """Panel -> the methods of an attribute at equal gain: ``name``, ``inside``, ``outside``, ``identity``,
    ``perceptual``; those that gain nothing are left out, and those of which nobody tells regions."""
    panels: dict[str, list[dict[str, Any]]] = {}
    for attr in dict.fromkeys(curve.attr for _, curve in made):
        curves = [(g, c) for g, c in made if c.attr == attr and c.most > LEAST_GAIN]
        curves = [(g, c) for g, c in curves if not np.isnan(c.means["inside_share"]).any()]
        if not curves:
            continue
        gain = min(EQUAL_GAIN, 0.9 * min(curve.most for _, curve in curves))
        panels[f"{attr}, gain {gain:.2f}"] = [
            {"generator": g, "name": named("", c), **changes(c, gain)} for g, c in curves
        ]
    return panels


def named(generator: str, one: editing.Curve | editing.EditingRow) -> str:
    """What a curve or its row is called: generator, method and variant, the method once."""
    method = "" if one.variant.startswith(one.method) else one.method
    return " + ".join(filter(None, (generator, ", ".join(filter(None, (method, one.variant))))))


def changes(curve: editing.Curve, gain: float) -> dict[str, float]:
    """What a curve changes where it first has a gain, linearly between its degrees."""
    total = 1 - np.array([1.0, *curve.means["preservation"]])
    inside = total * np.array([1.0, *curve.means["inside_share"]])
    highest = np.maximum.accumulate([0.0, *curve.means["score_gain"]])
    rising = np.concatenate([[True], np.diff(highest) > 0])
    columns = {
        "inside": inside,
        "outside": total - inside,
    }
    found = {name: float(np.interp(gain, highest[rising], values[rising])) for name, values in columns.items()}
    return found | {name: curve.means[name][0] for name in ("identity", "perceptual")}


PART = PaperPart("ssg.f10", "Preservation against gained score", "Shi et al. 2022, figure 10", units, make, draw)
