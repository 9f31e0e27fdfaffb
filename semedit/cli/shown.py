"""What the terminal shows of inversions and edits."""

from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

from semedit.cli.console import Report, complain, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from semedit.editing.explained import Explained
    from semedit.editing.model import Model
    from semedit.editing.records import EditRecord, InversionRecord, StepRecord
    from semedit.editing.session import EditSession


def show_inversion(report: Report, record: "InversionRecord", model: "Model") -> None:
    """The small table of an inversion, and a warning where its picture lies outside the model's domain."""
    from semedit.editing.explained import explain_inversion
    from semedit.editing.outside import is_outside, warning

    report.say(f"{record.input} -> {Path(record.latent).parent} ({record.ended})")
    told = explain_inversion(record, model)
    rows = [
        [name, number(value, 4 if name == "mse" else 3), told[name].text, record.protocols[name]]
        for name, value in record.metrics.items()
    ]
    report.table(["measure", "value", "which is", "protocol"], rows)
    if is_outside(model, record.metrics["psnr"]):
        complain(f"warning: {record.input}: {warning(model, record.metrics['psnr'])}")


def show_edit(report: Report, record: "EditRecord", model: "Model") -> None:
    """The small table of an edit, and a line for each step that did nothing, or fell short of its target."""
    from semedit.editing.explained import explain_edit

    if record.outside:
        complain(f"warning: {record.input}: {record.outside}")
    names = [f"{s.name} {s.strength:+.3g} in {s.regions}".strip() for s in record.steps]
    report.say(f"{', then '.join(names)} -> {record.folder}")
    rows = [row for step in record.steps for row in _rows(step)]
    if record.inside_share is not None:
        rows.append(["change inside the regions", f"{100 * record.inside_share:.0f} %"])
    rows += [
        ["preservation (1 - l1)", number(record.preservation)],
        [f"perceptual distance ({record.protocols['perceptual']})", number(record.perceptual)],
        *(
            [[f"  the same, {record.protocols['perceptual_optimised']}", number(record.perceptual_optimised)]]
            if record.perceptual_optimised is not None and judged(record.protocols, "perceptual")
            else []
        ),
        [f"identity ({record.protocols['identity']})", _known(None if isnan(record.identity) else record.identity)],
    ]
    told = explain_edit(record, model)
    rows = [[*row, told[name].text if (name := row[0].split()[0]) in told else ""] for row in rows]
    report.table(["measure", "value", "which is"], rows)
    for step in record.steps:
        what = step.name
        if step.words and step.words.stopped == "identity":
            report.say(f"'{what}' was stopped by its identity budget.")
        if step.missed:
            reached = _known(step.score_after_optimised)
            report.say(f"'{what}' came to {reached}, not to {step.target}, in these --regions.")
        elif step.strength and step.measurable is False:
            report.say(f"No measurable change of '{what}'; try a larger --strength or more --regions.")


def _rows(step: "StepRecord") -> list[list[str]]:
    """What was measured of one step."""
    rows, words, ids = [], step.words, step.protocols
    if step.score_before is not None:
        rows.append([f"{step.attr}: score ({ids['score']})", _change(step.score_before, step.score_after)])
        if judged(ids, "score"):
            optimised = _change(step.score_before_optimised, step.score_after_optimised)
            rows.append([f"  the same, {ids['score_optimised']}", optimised])
    if words:
        rows.append([f"'{step.text}': cosine ({ids['clip']})", _change(words.clip_before, words.clip_after)])
        named = f"  its {words.property}: zero-shot probability"
        if words.property:
            rows.append([named, _change(words.probability_before, words.probability_after)])
        if judged(ids, "clip"):
            optimised = _change(words.clip_before_optimised, words.clip_after_optimised)
            rows.append([f"  the same cosine, {ids['clip_optimised']}", optimised])
            if words.property:
                optimised = _change(words.probability_before_optimised, words.probability_after_optimised)
                rows.append(["  that probability, by the same", optimised])
    return rows


def judged(protocols: "Mapping[str, str | None]", measure: str) -> bool:
    """Whether another network than the one that was optimised gave a measure, and both are there."""
    return protocols[f"{measure}_optimised"] not in (None, "none", protocols[measure])


def _change(before: float | None, after: float | None) -> str:
    return f"{_known(before)} -> {_known(after)}"


def _known(value: float | None) -> str:
    return "-" if value is None else number(value)


def as_json(told: "Mapping[str, Explained]") -> dict[str, dict[str, object]]:
    """Explanations as JSON."""
    return {name: one.to_json() for name, one in told.items()}


def show_choices(report: Report, session: "EditSession") -> None:
    """The tables behind --regions auto."""
    for name, study in session.choices():
        rows = [
            [e.regions if len(e.regions) < 40 else "all regions", number(e.gain), number(e.unrelated), number(e.change)]
            for e in study.auto_table
            if abs(e.gain) >= 0.005 or e is study.auto_table[-1]
        ]
        columns = ["regions", "gain", "other attributes", "pixels"]
        report.table(columns, rows, title=f"{name}: {study.auto_regions} keeps 90 % of the gain of all regions")
