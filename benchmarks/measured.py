"""What the cards of models hold, as a page to read: no figure in it is typed."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.retold import KEPT, Excerpt, draw
from semedit.checkpoints.zoo import ModelFolder
from semedit.domains.judges import OPTIMISED
from semedit.errors import ConfigError
from semedit.storage.atomic import write_bytes
from semedit.storage.content import read_text
from semedit.storage.ownership import claiming

HEADINGS = {
    "fidelity": "Samples against the data",
    "locality": "Where a picture changes when one region is drawn anew",
    "reconstruction": "Inversion of pictures that nothing was trained on",
    "editing": "Edits at strength 1",
    "truth": "Distance of edits from the true edited picture",
}
#: What measures each part of a card's quality.
COMMANDS = {
    "fidelity": "semedit bench fidelity --model {model}",
    "locality": "semedit bench locality --model {model}",
    "reconstruction": "semedit bench reconstruction --model {model} --method {method}",
    "editing": "semedit bench editing --model {model} --method {method}",
    "truth": "semedit bench editing --truth --model {model} --method {method}",
}


def page(entries: Sequence[ModelFolder], report: Excerpt | None = None) -> str:
    """Markdown of all figures on the cards of models, each with n, protocol and the command that gives it, and of the
    tables of a report."""
    parts = [
        "# Measured",
        "",
        "What the cards of the models hold, written by `semedit bench measured --out docs/measured.md`. A figure comes "
        "with the number of pictures, the protocol, and the command that measures it anew.",
    ]
    for entry in entries:
        quality = entry.card.get("quality", {})
        if quality:
            parts += ["", f"## {entry.name}", "", _provenance(entry.card)]
        for name, figures in quality.items():
            parts += ["", *_section(entry.name, name, figures)]
    if report:
        parts += ["", *report.page()]
    return "\n".join(parts).rstrip("\n") + "\n"


def _provenance(card: Mapping[str, Any]) -> str:
    shown = card.get("shown")
    text = f"{card['size']} px, recipe `{card['recipe']}`"
    if shown:
        stages = ", ".join(f"{name} {count:,}" for name, count in shown.items())
        return f"{text}; shown in its stages: {stages} (codes in `mapping`, pictures in the others)."
    return f"{text}; {card.get('images', 0) + card.get('images_before', 0):,} pictures seen."


def _section(model: str, name: str, figures: dict[str, dict[str, Any]]) -> list[str]:
    task, _, method = name.partition(".")
    command = COMMANDS.get(task, "").format(model=model, method=method.partition("@")[0])
    command += " --off" if method.endswith("@off") else ""
    heading = HEADINGS.get(task, task) + (f": {method}" if method else "")
    known = ("value", "low", "high", "std", "edited", "unedited", "nearer", "n", "seconds_per_image")
    columns = [column for column in known if any(column in figure for figure in figures.values())]
    titles = [c.replace("seconds_per_image", "seconds a picture") for c in columns]
    lines = [f"### {heading}", "", *([f"`{command}`", ""] if command else [])]
    lines += ["| " + " | ".join(["what", *titles, "protocol"]) + " |", "|---" * (len(columns) + 2) + "|"]
    for metric, figure in figures.items():
        cells = [cell(figure.get(column)) for column in columns]
        lines.append("| " + " | ".join([metric.replace("_", " "), *cells, figure.get("protocol", "")]) + " |")
    return lines


def cell(value: float | None) -> str:
    """A figure to four significant digits; counts in full."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:#.4g}".rstrip(".")


@dataclass(frozen=True)
class Line:
    """A line of the short table: what the card's figures are called by their reader."""

    what: str
    part: str
    metric: str
    floor: str = ""


SHORT = (
    Line("Frechet distance to the data, in features of the domain", "fidelity", "frechet", "frechet_floor"),
    Line("precision (k = 3)", "fidelity", "precision", "precision_floor"),
    Line("recall (k = 3)", "fidelity", "recall", "recall_floor"),
    Line("label maps of samples against the parser, mIoU", "fidelity", "mask_agreement"),
    Line("share of the change inside a region that is drawn anew", "locality", "inside_mean"),
    Line("inversion, five refinements: MSE on [-1, 1]", "reconstruction.restyle@5", "mse"),
    Line("inversion, refinements and search: PSNR in dB", "reconstruction.restyle+optimize", "psnr"),
    Line("the same: identity similarity", "reconstruction.restyle+optimize", "identity"),
)


def summary(entry: ModelFolder) -> str:
    """The short table of a model, in Markdown: figures, what two real sets reach where that is known, n, command.

    A figure that no judge has given, but a network that something learnt from, says so.
    """
    lines = ["| what | figure | two real sets | n | command |", "|---|---|---|---|---|"]
    quality = entry.card.get("quality", {})
    for line in SHORT:
        figures = quality.get(line.part, {})
        figure, mark = figures.get(line.metric), ""
        if figure is None:
            figure, mark = figures.get(f"{line.metric}_{OPTIMISED}"), f" ({OPTIMISED})"
        if figure is None:
            continue
        floor = figures.get(line.floor) or figures.get(f"{line.floor}_{OPTIMISED}")
        task, _, method = line.part.partition(".")
        command = COMMANDS[task].format(model=entry.domain, method=method.partition("@")[0])
        real = cell(floor["value"]) if floor else "-"
        lines.append(
            f"| {line.what}{mark} | {cell(figure['value'])} | {real} | {cell(figure.get('n'))} | `{command}` |"
        )
    return "\n".join(lines)


def insert(text: str, mark: str, content: str) -> str:
    """A document with ``content`` between ``<!-- mark -->`` and the ``<!-- end -->`` after it.

    Raises ConfigError for a document without them.
    """
    marked = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not marked.search(text):
        raise ConfigError(f"nothing to write between: the document has no <!-- {mark} --> and <!-- end -->")
    return marked.sub(lambda marks: f"{marks[1]}{content}\n{marks[2]}", text)


def write(entries: Sequence[ModelFolder], out: str | Path, readme: str | Path | None = None,
          report: str | Path | None = None) -> None:  # fmt: skip
    """Write the page, and the short table of the first model into ``readme``.

    ``report`` is the folder of a finished report of the papers: its tables join the page, its few rows ``readme``, its
    two plots the folder of the page, and its figures stay in a file there, which later pages take them from. One of
    some parts alone (``--only``) takes the place of these parts there. Raises ConfigError for a folder or a file that
    is none, or a part of a report of something else.
    """
    path = Path(out)
    kept = path.parent / KEPT
    told = Excerpt.of_report(report) if report else None
    before = Excerpt.read(kept) if kept.exists() else None
    excerpt = before.with_parts(told) if before and told else told or before
    if report and told:
        draw(report, told, path.parent, whole=before is None)
    if report and excerpt:
        write_bytes(kept, excerpt.text().encode())
    write_bytes(path, page(entries, excerpt).encode())
    if readme is not None:
        text = insert(read_text(readme, ConfigError), "measured", summary(entries[0]))
        if excerpt:
            text = insert(text, "report", excerpt.shown(Path(os.path.relpath(path, Path(readme).parent)).as_posix()))
        with claiming(readme):  # only what stands between its marks is replaced
            write_bytes(readme, text.encode())
