"""What the page shows of a desk, as markup: its picture, what changed, its past, what was measured.

All text of the user's, and of files', is escaped; pictures are data within the page, so that no other tab finds them.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape

from PIL import Image
from torch import Tensor

from semedit.editing.measuring.table import edit_lines, remarks
from semedit.networks.synthesis import Rendering
from semedit.pictures.sheets import labels_to_colours
from semedit.pictures.tensors import to_picture
from semedit.ui.choice import outline
from semedit.ui.desk import Desk
from semedit.ui.moments import Shown
from semedit.ui.work import Progress

#: How a picture can be looked at.
PICTURE, VERSUS, DIFFERENCE, LABELS = VIEWS = ("Picture", "Before / after", "Difference", "Label map")
THUMB = 72
EMPTY = "<div class='stage-empty'>Draw a random portrait, or upload a photo, to begin.</div>"


def data_uri(image: Image.Image) -> str:
    """A picture as it can stand in a page: PNG, exact."""
    written = io.BytesIO()
    image.save(written, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()


def picture(image: Tensor) -> str:
    """A tensor (3, H, W) in [-1, 1] likewise."""
    return data_uri(to_picture(image))


def stage(desk: Desk, view: str = PICTURE, rendering: Rendering | Shown | None = None) -> str:
    """The picture of a desk, or ``rendering`` while a hand moves, looked at in one of VIEWS."""
    if not desk.history.moments:
        return EMPTY
    now = rendering or desk.now.shown
    first = desk.now.way[0].shown
    chosen, shown = desk.choice.indices, now.image[0]
    if view == DIFFERENCE:
        shown = (now.image[0] - first.image[0]).abs() - 1
    elif view == LABELS and now.labels is not None:
        shown = labels_to_colours(now.labels, desk.model.generator.label_table)[0]
    parts = [f"<img class='stage-now' draggable='false' alt='{escape(desk.now.title)}' src='{picture(shown)}'>"]
    if view == VERSUS:
        parts.insert(0, f"<img class='stage-before' draggable='false' alt='before' src='{picture(first.image[0])}'>")
        parts.append("<input class='stage-wipe' type='range' min='0' max='100' value='50' aria-label='Wipe'>")
    elif chosen and now.labels is not None:
        line = data_uri(outline(now.labels[0], chosen, 3 * shown.shape[-1]))
        parts.append(f"<img class='stage-outline' draggable='false' alt='' src='{line}'>")
    kind = "versus" if view == VERSUS else "plain"
    return f"<div class='stage-picture {kind}' data-chosen='{int(bool(chosen))}'>{''.join(parts)}</div>"


def way_shown(name: str, image: Image.Image) -> str:
    """A picture on the way to an inversion."""
    return (
        f"<div class='stage-picture plain' data-chosen='0'><img class='stage-now' alt='{escape(name)}' "
        f"src='{data_uri(image)}'><span class='stage-step'>{escape(name)}</span></div>"
    )


def strip(pictures: Sequence[tuple[str, str]], current: int | None = None, kind: str = "index") -> str:
    """A row of pictures to choose from: pairs of title and what :func:`data_uri` gave; the chosen one is marked."""
    cells = [
        f"<button type='button' data-{kind}='{index}' title='{escape(name)}' "
        f"aria-current='{str(index == current).lower()}'><img alt='{escape(name)}' src='{uri}'></button>"
        for index, (name, uri) in enumerate(pictures)
    ]
    return f"<div class='strip'>{''.join(cells)}</div>"


def history(desk: Desk) -> str:
    """All moments, the latest last."""
    if not desk.history.moments:
        return ""
    made = [(one.title, data_uri(_small(one.shown))) for one in desk.history.moments]
    return strip(made, desk.history.at)


def _small(rendering: Shown) -> Image.Image:
    return to_picture(rendering.image[0]).resize((THUMB, THUMB), Image.Resampling.LANCZOS)


def measures(desk: Desk) -> str:
    """What the last edit did, in a table with words."""
    record = desk.now.record if desk.history.moments else None
    if record is None:
        return "<p class='quiet'>Edit the picture, and what the edit did is told here.</p>"
    rows = "".join(
        f"<tr><td>{escape(line.measure)}</td><td>{escape(line.value)}</td><td>{escape(line.told)}</td></tr>"
        for line in edit_lines(record, desk.model)
    )
    said = "".join(f"<p>{escape(one)}</p>" for one in remarks(record))
    head = "<tr><th>measure</th><th>value</th><th>which is</th></tr>"
    return f"<p><b>{escape(desk.now.title)}</b></p><div class='scroll'><table>{head}{rows}</table></div>{said}"


def note(text: str, kind: str = "quiet") -> str:
    """A line for the reader: "quiet", "warning" or "error"."""
    role = "alert" if kind == "error" else "status"
    return f"<div class='note {kind}' role='{role}'>{escape(text)}</div>"


def state(desk: Desk) -> str:
    """Where the desk's picture comes from, and what is to be known of it."""
    if not desk.history.moments:
        return note("")
    begun, now = desk.beginning, desk.now
    if begun.warning:
        return note(begun.warning, "warning")
    return note(f"{begun.title}. Now: {now.title}" if now.before else begun.title)


def progress(now: Progress) -> str:
    """How far a long work is."""
    count = f"{now.done} of {now.total}, " if now.total > 1 else ""
    return (
        f"<div class='note work' role='status'><span>{escape(now.what)}: {count}{now.seconds:.0f} s</span>"
        f"<progress max='1' {f'value={now.share:.3f}' if now.done else ''}></progress></div>"
    )


def summary(counts: Mapping[str, str]) -> str:
    """What came of each file of a batch."""
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(said)}</td></tr>" for name, said in counts.items())
    return f"<div class='scroll'><table>{rows}</table></div>" if rows else ""
