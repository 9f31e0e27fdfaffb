"""What is shown of edits: tables, the curves as a picture, and a sheet of strengths."""

from itertools import cycle
from pathlib import Path

import torch

from benchmarks.bases import SEED
from benchmarks.editing import DEGREES, SCANNED, Curve, EditingRow
from benchmarks.rows import Lines
from benchmarks.variants import ALL_ROWS, CHOSEN, MASKED
from semedit.editing.model import Model
from semedit.errors import MissingWeights
from semedit.pictures.sheets import sheet
from semedit.pictures.tensors import enlarge
from semedit.storage.atomic import replacing

STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
LINES = {ALL_ROWS: ":", MASKED: "-", CHOSEN: "--"}
COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown")


def table(made: list[Curve]) -> Lines:
    """A line for each curve and degree."""
    return [
        {
            "attr": curve.attr, "method": curve.method, "variant": curve.variant, "regions": curve.regions,
            "degree": degree, **{name: curve.means[name][index] for name in SCANNED},
        }
        for curve in made
        for index, degree in enumerate(DEGREES)
    ]  # fmt: skip


def at_equal_gain(rows: list[EditingRow]) -> Lines:
    """A line for each curve: what it keeps at equal gain, and how much more that is than an edit of all rows keeps."""
    lines: dict[tuple[str, str], dict[str, object]] = {}
    columns = {"preservation_at_gain": "preservation (95 %)", "advantage_at_gain": "more than all rows (95 %)"}
    for row in rows:
        if row.metric in columns and row.low is not None and row.high is not None:
            empty = {"attr": row.attr, "variant": row.variant, "gain": row.gain, **dict.fromkeys(columns.values())}
            line = lines.setdefault((row.attr, row.variant), empty)
            sign = "" if row.metric == "preservation_at_gain" else "+"
            ends = f"{row.low:{sign}.4f} to {row.high:{sign}.4f}"
            line[columns[row.metric]] = f"{row.value:{sign}.4f} ({ends})"
    return list(lines.values())


def draw(made: list[Curve], path: str | Path) -> None:
    """Draw curves: a panel for each attribute, preservation against gain. MissingWeights without matplotlib."""
    try:
        from matplotlib.artist import Artist
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingWeights("pictures of curves need matplotlib: pip install 'semedit[plots]'") from None
    attributes = list(dict.fromkeys(curve.attr for curve in made))
    across = 2 if len(attributes) == 4 else min(3, len(attributes))
    down = -(-len(attributes) // across)
    figure = Figure(figsize=(4.4 * across, 3.4 * down + 0.8), layout="constrained")
    FigureCanvasAgg(figure)
    colours = dict(zip(dict.fromkeys(curve.variant.split(",")[0] for curve in made), cycle(COLOURS), strict=False))
    panels = figure.subplots(down, across, squeeze=False).ravel()
    named: dict[str, Artist] = {}
    for panel, attr in zip(panels, attributes, strict=False):
        for curve in (c for c in made if c.attr == attr):
            kind, rows = curve.variant.split(", ")
            gained, kept = [0, *curve.means["score_gain"]], [1, *curve.means["preservation"]]
            (line,) = panel.plot(gained, kept, LINES[rows], color=colours[kind], marker="o", markersize=3)
            named[curve.variant] = line
        panel.set(title=attr, xlabel="gain of the score", ylabel="preservation (1 - l1)")
        panel.grid(alpha=0.3)
    for panel in panels[len(attributes) :]:
        panel.set_axis_off()
    figure.legend(list(named.values()), list(named), loc="outside lower center", ncols=min(3, across), fontsize=9)
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
