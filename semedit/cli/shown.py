"""What the terminal shows of inversions and edits."""

from pathlib import Path
from typing import TYPE_CHECKING

from semedit.cli.console import Report, complain, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from semedit.editing.measuring.explained import Explained
    from semedit.editing.model import Model
    from semedit.editing.requests.records import EditRecord, InversionRecord
    from semedit.editing.sessions.session import EditSession


def show_inversion(report: Report, record: "InversionRecord", model: "Model") -> None:
    """The small table of an inversion, and a warning where its picture lies outside the model's domain."""
    from semedit.editing.measuring.explained import explain_inversion
    from semedit.editing.measuring.outside import is_outside, warning

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
    from semedit.editing.measuring.table import edit_lines, remarks, title

    if record.outside:
        complain(f"warning: {record.input}: {record.outside}")
    report.say(f"{title(record)} -> {record.folder}")
    report.table(["measure", "value", "which is"], [list(line) for line in edit_lines(record, model)])
    for remark in remarks(record):
        report.say(remark)


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
