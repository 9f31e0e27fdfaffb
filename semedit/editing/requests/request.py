"""What is asked of an edit: attributes, words, or parts of another picture, and where and how far."""

from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from semedit.config import check_strength
from semedit.errors import ConfigError, UnknownName

#: How attributes are edited, and which of them, where nothing is said.
METHOD, ATTRIBUTE = "interfacegan", "smile"
#: How regions are taken over from a reference where nothing is said: by the rows of their own that a generator has.
ROWS = "rows"
#: What is pasted back; see :class:`Pasting`.
BLENDS = ("difference", "replace", "crop")
#: The word for the fewest regions that keep 90 % of an edit's gain.
AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class Pasting:
    """How an edit goes back into the full photo.

    photo: its file, if it has moved; how: "difference" adds what changed to the photo's own pixels, "replace" puts the
    edited regions in their place, "crop" the whole crop; mask: a picture that is white where the photo may change,
    instead of the edited regions; anyway: paste a picture outside the model's domain too.
    """

    photo: Path | None = None
    how: str = "difference"
    mask: Path | None = None
    anyway: bool = False

    def __post_init__(self) -> None:
        if self.how not in BLENDS:
            raise UnknownName("way of pasting", self.how, BLENDS)


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What is written besides the edited picture: a row of strengths, the mask of the edited regions, the photo."""

    strip: bool = False
    mask: bool = False
    paste: Pasting | None = None


@dataclass(frozen=True, kw_only=True)
class EditRequest:
    """One kind of edit, or several edits of that kind one after the other. Raises ConfigError for a contradiction.

    attrs: names of attributes, or ``name=strength``; texts: what pictures should show; reference: a picture or latent
    file whose ``regions`` are taken over. moves, zooms: regions that are moved or zoomed afterwards, as
    ``mouth=0.02,-0.01`` (shares of the picture's side, right and down) and ``eyes=1.1``. handles, targets: points that
    are dragged, and where to, as ``0.6,0.68`` (shares of the picture's sides, from its upper left corner). With none of
    these, ATTRIBUTE is edited. regions: texts such as
    ``hair:shape,nose``, one for all edits or one for each; none leaves them to the editors. strength: 1 is a clear
    change, negative removes. target: the score in [0, 1] that attributes are to come to, instead of a strength.
    preserve: attributes held. method: of attributes, or of taking over from a reference. clip, clip_weights: what
    judges texts instead of the domain's own. options: further ones of the search for a text, of dragging, or of
    taking over, as ``name=value``.
    """

    attrs: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    reference: str | None = None
    moves: tuple[str, ...] = ()
    zooms: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    strength: float = 1.0
    target: float | None = None
    preserve: tuple[str, ...] = ()
    method: str = METHOD
    clip: str | None = None
    clip_weights: str | None = None
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_strength(self.strength, "--strength")
        for name, strength in self.edits:
            check_strength(strength, f"the strength of '{name}'")
        if sum((bool(self.attrs), bool(self.texts), bool(self.reference))) > 1:
            raise ConfigError("--attr, --text and --from-image are three kinds of edit; give one of them")
        if len(self.handles) != len(self.targets):
            raise ConfigError(f"{len(self.handles)} --from for {len(self.targets)} --to; each point has a target")
        if self.dragged and (self.attrs or self.texts or self.reference or self.placings):
            raise ConfigError("points are dragged by themselves; other edits go on from there with --continue")
        if self.target is not None and not self.edits:
            raise ConfigError("--to asks for an attribute's score; it goes with --attr")
        if self.target is not None and not 0 <= self.target <= 1:
            raise ConfigError(f"--to {self.target}: a score lies between 0 and 1")
        if len(self.regions) not in (0, 1, self.count):
            raise ConfigError(
                f"{len(self.regions)} --regions for {self.count} edits; give one for all, or one for each"
            )
        if AUTO in self.regions and not self.edits:
            raise ConfigError("--regions auto is measured for attributes; name the regions of the edit")
        if self.regions and self.placings and not (self.edits or self.texts or self.reference):
            raise ConfigError("--move and --zoom name their own regions; --regions is for other edits")
        if self.reference and not self.regions:
            raise ConfigError("--from-image needs --regions: what is taken over, such as hair, hair:texture or pose")

    @property
    def edits(self) -> tuple[tuple[str, float], ...]:
        """The attributes, each with its strength; ConfigError for one that is not ``name`` or ``name=number``.

        >>> EditRequest(attrs=("smile", "bangs=-1"), strength=2.0).edits
        (('smile', 2.0), ('bangs', -1.0))
        """
        other = self.texts or self.reference or self.moves or self.zooms or self.handles
        return tuple(self._edit(text) for text in self.attrs or (() if other else (ATTRIBUTE,)))

    def _edit(self, text: str) -> tuple[str, float]:
        name, equals, value = text.partition("=")
        try:
            return name.strip(), float(value) if equals else self.strength
        except ValueError:
            raise ConfigError(f"--attr '{text}': after the equals sign stands a strength, such as 1.5") from None

    @property
    def transfer(self) -> str:
        """The method of a transfer: the one that is named, or where that is the attributes' default, ROWS."""
        return ROWS if self.method == METHOD else self.method

    @property
    def placings(self) -> tuple[tuple[str, float, float, float], ...]:
        """The regions that are moved, and then those that are zoomed: each with its shift right and down, and its zoom.

        >>> EditRequest(moves=("mouth=0.02,-0.01",), zooms=("eyes=1.1",)).placings
        (('mouth', 0.02, -0.01, 1.0), ('eyes', 0.0, 0.0, 1.1))
        """
        moved = [(text, "--move", "REGION=RIGHT,DOWN, such as mouth=0.02,-0.01", 2) for text in self.moves]
        zoomed = [(text, "--zoom", "REGION=FACTOR, such as eyes=1.1", 1) for text in self.zooms]
        found: list[tuple[str, float, float, float]] = []
        for text, option, wanted, count in moved + zoomed:
            name, _, values = text.rpartition("=")
            try:
                numbers = [float(value) for value in values.split(",")]
            except ValueError:
                numbers = []
            if not name.strip() or len(numbers) != count or not all(isfinite(number) for number in numbers):
                raise ConfigError(f"{option} '{text}': it is {wanted}")
            right, down, zoom = (*numbers, 1.0) if count == 2 else (0.0, 0.0, *numbers)
            found.append((name.strip(), right, down, zoom))
        return tuple(found)

    @property
    def dragged(self) -> tuple[tuple[tuple[float, float], tuple[float, float]], ...]:
        """The points that are dragged, each with its target. Raises ConfigError for one that is not X,Y in 0..1.

        >>> EditRequest(handles=("0.6,0.68",), targets=("0.6,0.64",)).dragged
        (((0.6, 0.68), (0.6, 0.64)),)
        """
        handles, targets = (tuple(point_of(text) for text in texts) for texts in (self.handles, self.targets))
        return tuple(zip(handles, targets, strict=True))

    @property
    def count(self) -> int:
        """How many edits are asked for."""
        return len(self.edits) or len(self.texts) or 1

    @property
    def places(self) -> tuple[str | None, ...]:
        """The regions of each edit, None where its editor chooses them."""
        given: tuple[str | None, ...] = self.regions or (None,)
        return given * self.count if len(given) == 1 else given

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def point_of(text: str) -> tuple[float, float]:
    """The point (x, y) of a text. Raises ConfigError unless both are numbers from 0 to 1.

    >>> point_of("0.5,1")
    (0.5, 1.0)
    """
    try:
        x, y = (float(value) for value in text.split(","))
    except ValueError:
        x = y = -1.0
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ConfigError(f"a point '{text}': it is X,Y, each from 0 to 1, such as 0.6,0.68")
    return x, y
