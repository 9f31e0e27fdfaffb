"""A desk's way as command lines, ready to be typed, that give the same result."""

import shlex
from pathlib import Path

from semedit.editing.requests.request import METHOD, EditRequest
from semedit.ui.desk import Desk
from semedit.ui.moments import Moment

#: The model that commands take where they name none.
USUAL = "portraits"


def command_lines(desk: Desk, moment: Moment | None = None) -> list[str]:
    """What to type, in a folder that has the photo and the reference pictures, to come to a moment, by default now."""
    moment = moment or desk.now
    model = [] if desk.asked == USUAL else ["--model", desk.asked]
    lines = [[*desk.beginning.words, *model]]
    for index, request in enumerate(moment.requests):
        begun = [desk.beginning.file] if desk.beginning.file else []
        lines.append(["semedit", "edit", *(["--continue"] if index else begun), *options(request), *model])
    return [shlex.join(line) for line in lines]


def options(request: EditRequest) -> list[str]:
    """The options of ``semedit edit`` that ask for a request.

    >>> options(EditRequest(attrs=("smile=1.5",), regions=("mouth",)))
    ['--attr', 'smile=1.5', '--regions', 'mouth']
    """
    usual = EditRequest()
    several = (("--attr", request.attrs), ("--text", request.texts), ("--regions", request.regions),
               ("--move", request.moves), ("--zoom", request.zooms), ("--set", request.options))  # fmt: skip
    words = [word for name, values in several for value in values for word in (name, value)]
    words += ["--from-image", Path(request.reference).name] if request.reference else []
    words += ["--preserve", ",".join(request.preserve)] if request.preserve else []
    words += ["--method", request.method] if request.method != METHOD else []
    return words + ([f"--strength={request.strength:g}"] if request.strength != usual.strength else [])
