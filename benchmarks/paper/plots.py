"""Plots of the report, with matplotlib where it is there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from semedit.errors import MissingWeights
from semedit.storage.atomic import replacing

#: Of methods, in the order of their appearance; the generator is told by the colour.
MARKERS = "osD^vPX*<>hp"
COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:purple")


def points(panels: Mapping[str, Sequence[Mapping[str, Any]]], path: str | Path) -> None:
    """A panel for each question: the methods of each generator by their change inside and outside the region.

    A method has ``generator``, ``name``, ``inside``, ``outside``, ``identity`` and ``perceptual``. MissingWeights
    without matplotlib; nothing where there are no panels.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingWeights("plots need matplotlib: pip install 'semedit[plots]'") from None
    if not panels:
        return
    several = [one for methods in panels.values() for one in methods]
    colours = dict(zip(dict.fromkeys(one["generator"] for one in several), COLOURS, strict=False))
    names = list(dict.fromkeys(one["name"] for one in several))
    markers = {name: MARKERS[index % len(MARKERS)] for index, name in enumerate(names)}
    most, across = max(map(len, panels.values())), min(2, len(panels))
    down = -(-len(panels) // across)
    figure = Figure(figsize=(5.4 * across, (3.9 + 0.19 * most) * down), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for panel, (title, methods) in zip(axes, panels.items(), strict=False):
        for one in methods:
            label = f"{one['generator']}, {one['name']} (id {one['identity']:.2f}, p {one['perceptual']:.3f})"
            panel.plot(one["inside"], one["outside"], markers[one["name"]], color=colours[one["generator"]],
                       alpha=0.8, markersize=9, markeredgecolor="white", clip_on=False, label=label)  # fmt: skip
        panel.set(title=title, xlabel="change inside the region", ylabel="change outside")
        for setting, name in ((panel.set_xlim, "inside"), (panel.set_ylim, "outside")):
            setting(0, 1.08 * max(one[name] for one in methods) or 1.0)
        panel.grid(alpha=0.3)
        panel.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.16), frameon=False)
    for panel in axes[len(panels) :]:
        panel.set_axis_off()
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
