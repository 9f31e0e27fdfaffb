"""What no paper has: how near edits come to the true edited picture, where a law draws it."""

from benchmarks import editing, truth
from benchmarks.paper.cells import Absent, measured, unmarked
from benchmarks.paper.part import Made, PaperPart
from benchmarks.paper.setting import NotThere, Progress, Setting
from directions import EDITORS

#: Measure -> column of the table.
COLUMNS = {
    "mse": "MSE", "mse_changed": "MSE where either changes", "perceptual": "perceptual distance",
    "score": "the attribute's score",
}  # fmt: skip


def units(setting: Setting) -> tuple[str, ...]:
    known = setting.model.domain.attribute_names
    attributes = [name for name in editing.PAPER_ATTRIBUTES if name in known]
    return tuple(f"{method}: {attr}" for method in EDITORS for attr in attributes)


def make(setting: Setting, name: str, progress: Progress) -> Made:
    """Distances to the same factors drawn with one changed, less those of no edit: below 0 it is worth it."""
    if setting.model.domain.truth is None:
        raise NotThere(Absent(f"nobody knows the true picture of an edit of {setting.model.domain.name}"))
    method, attr = name.split(": ")
    rows = truth.truth_rows(setting.model, (attr,), (method,), setting.budget.edits, progress=progress)
    return Made([
        measured(row, f"{attr}: {method}, strength {row.strength:g}{', the nearest' if row.chosen else ''}",
                 f"{COLUMNS[unmarked(row.metric)]}, less that of no edit", of_pictures=True)
        for row in rows
    ])  # fmt: skip


PART = PaperPart("ssg.x1", "Distance to the true edited picture", "in no paper: drawn pictures have it", units, make)
