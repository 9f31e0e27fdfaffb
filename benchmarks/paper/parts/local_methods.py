"""What no paper has: all local methods on one plot of change outside against inside, with exact masks."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import editing, exact
from benchmarks.bootstrap import mean_interval
from benchmarks.equal_change import REACHED
from benchmarks.paper.cells import Absent, Measure
from benchmarks.paper.part import Made, PaperPart, PartUnit
from benchmarks.paper.parts.curves import GENERATORS
from benchmarks.paper.plots import points
from benchmarks.paper.setting import Figure, NotThere, Progress, Setting
from benchmarks.transfers import MIXING
from semedit.editing.model import Model
from semedit.errors import MissingWeights

REGIONS = ("hair", "face", "mouth", "background")
#: The gain of the table; the plot's is this, or nine tenths of the most that all methods but the feeblest reach.
GAIN, FEEBLE = 0.5, 0.1
COLUMNS = {"inside": "change inside", "outside": "change outside", "distance": "distance to the true picture",
           "identity": "identity", "perceptual": "perceptual"}  # fmt: skip
#: What is told of the place where plain mixing changes a region equally.
EQUALLY = {"inside": "equal change inside", "own": "change outside there", "other": "of plain mixing", "saved": "saved"}

CAPTION = (
    "Change outside against change inside, {}: mean absolute on [0, 1], of the regions as the law of portraits draws "
    "them, at the gain that a panel names: the change inside, projected on the true one. Beside a method identity (id) "
    f"and perceptual distance (p) there. Methods that gain less than {FEEBLE} are left out."
)


def units(setting: Setting) -> tuple[str, ...]:
    known = setting.model.domain
    regions = [name for name in REGIONS if name in (*known.regions.names, *known.regions.groups)]
    attributes = [name for name in editing.PAPER_ATTRIBUTES if name in known.attribute_names]
    return tuple(f"{generator}: {name}" for name in (*regions, *attributes) for generator in GENERATORS)


def make(setting: Setting, name: str, progress: Progress) -> Made:
    """All methods of a generator on one question, at a gain of GAIN where they reach it."""
    generator, asked = name.split(": ")
    rival = GENERATORS[generator]
    model = setting.rival(rival) if rival else setting.model
    if model.domain.truth is None:
        raise NotThere(Absent(f"nobody knows the true pictures of changed {model.domain.name}"))
    question, answers = put(model, asked, setting.budget.pairs)
    if not answers:
        raise NotThere(
            Absent(f"'{model.name}' has no method for '{asked}'", f"semedit fit directions --model {model.name}")
        )
    made = list[exact.ExactCurve]()
    for answer in answers:
        made.append(exact.measure(model, question, answer))
        progress(len(made), len(answers))
    plain, measures = [curve for curve in made if curve.method == MIXING], list[Measure]()
    for curve in made:
        row = f"{asked}: {generator}, {curve.method}"
        measures += cells(curve, row)
        measures += [cell for other in plain if other is not curve for cell in equally(curve, other, row)]
    return Made(measures, series={"generator": generator, "curves": [curve.to_json() for curve in made]})


def put(model: Model, asked: str, count: int) -> tuple[exact.Question, list[exact.Answer]]:
    """A question of ``count`` codes, and what answers it."""
    if asked in (*model.domain.regions.names, *model.domain.regions.groups):
        question = exact.taking(model, asked, count)
        return question, exact.transfer_answers(model, question)
    question = exact.turning(model, asked, count)
    return question, exact.edit_answers(model, question)


def cells(curve: exact.ExactCurve, row: str) -> list[Measure]:
    """The greatest gain, and what is changed at GAIN by a method that gets there."""
    most = Measure(row=row, column="greatest gain", value=curve.most, protocol=curve.protocols["gain"], n=curve.n)
    found = [most]
    for name, column in COLUMNS.items() if curve.most >= GAIN else ():
        ends, said = curve.ends(name, GAIN), f"{curve.protocols[name]}, at gain {GAIN:g}"
        found.append(Measure(row=row, column=column, value=curve.at(name, GAIN), protocol=said, n=curve.n,
                             low=ends.low, high=ends.high))  # fmt: skip
    return found


def equally(curve: exact.ExactCurve, other: exact.ExactCurve, row: str) -> list[Measure]:
    """What a method and another change outside at equal change inside, REACHED of the greatest that both come to,
    picture by picture, with paired intervals. Nothing where no picture has such a region."""
    found = curve.beside(other)
    known = ~np.isnan(found.saved)
    if not known.any():
        return []
    place, measures = f"at {REACHED:g} of the greatest change inside that it and {other.method} both reach", []
    for name, column in EQUALLY.items():
        values = getattr(found, name)[known]
        said = curve.protocols["inside" if name == "inside" else "outside"]
        ends = mean_interval(values)
        measures.append(
            Measure(row=row, column=column, value=float(values.mean()), n=len(values), skipped=curve.n - len(values),
                    protocol=f"{said}, {place}", low=ends.low, high=ends.high)
        )  # fmt: skip
    return measures


def draw(setting: Setting, units: Sequence[PartUnit]) -> Sequence[Figure]:
    """A panel for each question: regions that are taken over, and attributes that are edited. Nothing without
    matplotlib."""
    panels, figures = panels_of(units), list[Figure]()
    for kind, said in (("regions", "regions taken over"), ("attributes", "attributes edited")):
        chosen = {
            title: methods
            for title, methods in panels.items()
            if (title.split(",")[0] in REGIONS) == (kind == "regions")
        }
        file = f"pictures/ssg.x2-{kind}.png"
        try:
            points(chosen, setting.folder / file)
        except MissingWeights:
            return ()
        figures += [Figure(file, CAPTION.format(said))] if chosen else []
    return figures


def panels_of(units: Sequence[PartUnit], questions: Sequence[str] = ()) -> dict[str, list[dict[str, Any]]]:
    """The panels of finished units: those of ``questions``, in their order, or all."""
    made = [
        (unit.series["generator"], exact.ExactCurve.from_json(one)) for unit in units for one in unit.series["curves"]
    ]
    if questions:
        known = [(g, curve) for g, curve in made if curve.question in questions]
        made = sorted(known, key=lambda one: (questions.index(one[1].question), list(GENERATORS).index(one[0])))
    return at_equal_gain(made)


def at_equal_gain(made: Sequence[tuple[str, exact.ExactCurve]]) -> dict[str, list[dict[str, Any]]]:
    """Panel -> the methods of a question at equal gain."""
    panels: dict[str, list[dict[str, Any]]] = {}
    for question in dict.fromkeys(curve.question for _, curve in made):
        able = [(g, c) for g, c in made if c.question == question and c.most >= FEEBLE]
        if not able:
            continue
        gain = min(GAIN, 0.9 * min(curve.most for _, curve in able))
        names = ("inside", "outside", "identity", "perceptual")
        panels[f"{question}, gain {gain:.2f}"] = [
            {"generator": generator, "name": curve.method, **{name: curve.at(name, gain) for name in names}}
            for generator, curve in able
        ]
    return panels


PART = PaperPart(
    "ssg.x2", "All local methods, with exact masks", "in no paper: drawn pictures have masks and true changes",
    units, make, draw,
)  # fmt: skip
