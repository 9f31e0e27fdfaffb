"""What the terminal shows of inversions and edits."""

from pathlib import Path
from typing import TYPE_CHECKING

from semedit.cli.console import Report, number

if TYPE_CHECKING:
    from semedit.editing.records import EditRecord, InversionRecord, StepRecord
    from semedit.editing.session import EditSession


def show_inversion(report: Report, record: "InversionRecord", poor_psnr: float) -> None:
    """The small table of an inversion, and a warning below ``poor_psnr`` dB."""
    report.say(f"{record.input} -> {Path(record.latent).parent} ({record.ended})")
    rows = [
        [name, number(value, 4 if name == "mse" else 3), record.protocols[name]]
        for name, value in record.metrics.items()
    ]
    report.table(["measure", "value", "protocol"], rows)
    if record.metrics["psnr"] < poor_psnr:
        report.say(
            f"This picture lies outside what the model knows: {record.metrics['psnr']:.1f} dB, where its own domain "
            f"gives {poor_psnr:.0f} dB or more. Edits will not look like the original."
        )


def show_edit(report: Report, record: "EditRecord") -> None:
    """The small table of an edit, and a line for each step that did nothing, or fell short of its target."""
    names = [f"{s.attr or s.text or 'transfer'} {s.strength:+.3g} in {s.regions}".strip() for s in record.steps]
    report.say(f"{', then '.join(names)} -> {record.folder}")
    rows = [row for step in record.steps for row in _rows(step)]
    if record.inside_share is not None:
        rows.append(["change inside the regions", f"{100 * record.inside_share:.0f} %"])
    rows += [
        ["preservation (1 - l1)", number(record.preservation)],
        [f"perceptual distance ({record.protocols['perceptual']})", number(record.perceptual)],
        [f"identity ({record.protocols['identity']})", number(record.identity)],
    ]
    report.table(["measure", "value"], rows)
    for step in record.steps:
        what = step.attr or step.text
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
