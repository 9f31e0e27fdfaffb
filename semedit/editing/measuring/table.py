"""The table of an edit, for a terminal or a page: each measure, its value in words, and what that means."""

from collections.abc import Mapping
from math import isnan
from typing import NamedTuple

from semedit.editing.measuring.explained import explain_edit
from semedit.editing.model import Model
from semedit.editing.requests.records import EditRecord, StepRecord


class MeasureLine(NamedTuple):
    """A line of the table: what was measured and by whom, its value, and a word about it, or nothing."""

    measure: str
    value: str
    told: str = ""


def edit_lines(record: EditRecord, model: Model) -> list[MeasureLine]:
    """What was measured of an edit, its steps first."""
    lines = [line for step in record.steps for line in step_lines(step)]
    told = {name: one.text for name, one in explain_edit(record, model).items()}
    if record.inside_share is not None:
        lines.append(MeasureLine("change inside the regions", f"{100 * record.inside_share:.0f} %"))
    lines.append(MeasureLine("preservation (1 - l1)", shown(record.preservation)))
    ids = record.protocols
    lines.append(
        MeasureLine(f"perceptual distance ({ids['perceptual']})", shown(record.perceptual), told.get("perceptual", ""))
    )
    if record.perceptual_optimised is not None and judged(ids, "perceptual"):
        lines.append(MeasureLine(f"  the same, {ids['perceptual_optimised']}", shown(record.perceptual_optimised)))
    identity = None if isnan(record.identity) else record.identity
    lines.append(MeasureLine(f"identity ({ids['identity']})", shown(identity), told.get("identity", "")))
    return lines


def step_lines(step: StepRecord) -> list[MeasureLine]:
    """What was measured of one step."""
    lines, words, ids = list[MeasureLine](), step.words, step.protocols
    if step.score_before is not None:
        lines.append(MeasureLine(f"{step.attr}: score ({ids['score']})", _change(step.score_before, step.score_after)))
        if judged(ids, "score"):
            optimised = _change(step.score_before_optimised, step.score_after_optimised)
            lines.append(MeasureLine(f"  the same, {ids['score_optimised']}", optimised))
    for number, (before, after) in enumerate(step.dragged.distances if step.dragged else (), 1):
        lines.append(MeasureLine(f"point {number}: distance from its target", _change(before, after), "in widths"))
    if words:
        lines.append(
            MeasureLine(f"'{step.text}': cosine ({ids['clip']})", _change(words.clip_before, words.clip_after))
        )
        named = f"  its {words.property}: zero-shot probability"
        if words.property:
            lines.append(MeasureLine(named, _change(words.probability_before, words.probability_after)))
        if judged(ids, "clip"):
            optimised = _change(words.clip_before_optimised, words.clip_after_optimised)
            lines.append(MeasureLine(f"  the same cosine, {ids['clip_optimised']}", optimised))
            if words.property:
                optimised = _change(words.probability_before_optimised, words.probability_after_optimised)
                lines.append(MeasureLine("  that probability, by the same", optimised))
    return lines


def remarks(record: EditRecord) -> list[str]:
    """A sentence for each step that did nothing, was stopped, or fell short of its target."""
    found = []
    for step in record.steps:
        if step.words and step.words.stopped == "identity":
            found.append(f"'{step.name}' was stopped by its identity budget.")
        if step.missed:
            reached = shown(step.score_after_optimised)
            found.append(f"'{step.name}' came to {reached}, not to {step.target}, in these --regions.")
        elif step.dragged and step.dragged.stopped == "steps":
            within = f"in {step.dragged.steps} steps"
            found.append(f"Not all points came to their targets {within}; more --steps or --regions may help.")
        elif step.strength and step.measurable is False:
            found.append(f"No measurable change of '{step.name}'; try a larger --strength or more --regions.")
    return found


def title(record: EditRecord) -> str:
    """What an edit did, in a line."""
    return ", then ".join(f"{_done(step)} in {step.regions}" for step in record.steps)


def _done(step: StepRecord) -> str:
    """What a step did, and how far: a strength, or for a move where to and what size."""
    if step.dragged:
        count = len(step.dragged.handles)
        return f"drag {count} point{'' if count == 1 else 's'}"
    if step.moved is None:
        return f"{step.name} {step.strength:+.3g}"
    right, down, zoom = step.moved
    return f"zoom {zoom:.3g}" if zoom != 1 else f"move {right:+.3g},{down:+.3g}"


def judged(protocols: Mapping[str, str | None], measure: str) -> bool:
    """Whether another network than the one that was optimised gave a measure, and both are there."""
    return protocols[f"{measure}_optimised"] not in (None, "none", protocols[measure])


def shown(value: float | None) -> str:
    """A measure with three digits, or a dash where it is not known.

    >>> shown(0.98765), shown(None)
    ('0.988', '-')
    """
    return "-" if value is None else f"{value:.3f}"


def _change(before: float | None, after: float | None) -> str:
    return f"{shown(before)} -> {shown(after)}"
