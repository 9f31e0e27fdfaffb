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
    rows += [
        ["change inside the regions", f"{100 * record.inside_share:.0f} %"],
        ["preservation (1 - l1)", number(record.preservation)],
        [f"perceptual distance ({record.protocols['perceptual']})", number(record.perceptual)],
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
            report.say(f"'{what}' came to {_known(step.score_after)}, not to {step.target}, in these --regions.")
        elif step.strength and step.measurable is False:
            report.say(f"No measurable change of '{what}'; try a larger --strength or more --regions.")


def _rows(step: "StepRecord") -> list[list[str]]:
    """What was measured of one step."""
    rows, words = [], step.words
    if step.score_before is not None:
        rows.append([f"{step.attr}: score", f"{_known(step.score_before)} -> {_known(step.score_after)}"])
    if words:
        rows.append([f"'{step.text}': cosine", f"{number(words.clip_before)} -> {number(words.clip_after)}"])
    if words and words.property:
        chances = f"{_known(words.probability_before)} -> {_known(words.probability_after)}"
        rows.append([f"  its {words.property}: zero-shot probability", chances])
    return rows


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
