"""Plots of the report, with matplotlib where it is there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from semedit.errors import MissingWeights
from semedit.storage.atomic import replacing

MARKERS = "osD^vPX*<>"


def points(panels: Mapping[str, Sequence[Mapping[str, Any]]], path: str | Path) -> None:
    """A panel for each attribute: methods by their change inside and outside the region. MissingWeights without
    matplotlib; nothing where there are no panels."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingWeights("plots need matplotlib: pip install 'semedit[plots]'") from None
    if not panels:
        return
    figure = Figure(figsize=(5.2 * min(2, len(panels)), 4.4 * -(-len(panels) // 2)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(-(-len(panels) // 2), min(2, len(panels)), squeeze=False).ravel()
    for panel, (title, methods) in zip(axes, panels.items(), strict=False):
        for index, one in enumerate(methods):
            label = f"{one['name']} (id {one['identity']:.2f}, p {one['perceptual']:.3f})"
            panel.plot(one["inside"], one["outside"], MARKERS[index % len(MARKERS)], markersize=8, label=label)
        panel.set(title=title, xlabel="change inside the region", ylabel="change outside", xlim=(0, None))
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
        panel.legend(fontsize=6)
    for panel in axes[len(panels) :]:
        panel.set_axis_off()
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
