"""What is asked of an edit: attributes, words, or parts of another picture, and where and how far."""

from dataclasses import asdict, dataclass
from typing import Any

from semedit.config import finite
from semedit.errors import ConfigError

#: How attributes are edited, and which of them, where nothing is said.
METHOD, ATTRIBUTE = "interfacegan", "smile"
#: How regions are taken over from a reference where nothing is said: by the rows of their own that a generator has.
ROWS = "rows"
#: The word for the fewest regions that keep 90 % of an edit's gain.
AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class EditRequest:
    """One kind of edit, or several edits of that kind one after the other. Raises ConfigError for a contradiction.

    attrs: names of attributes, or ``name=strength``; texts: what pictures should show; reference: a picture or latent
    file whose ``regions`` are taken over (with none of the three, ATTRIBUTE is edited). regions: texts such as
    ``hair:shape,nose``, one for all edits or one for each; none leaves them to the editors. strength: 1 is a clear
    change, negative removes. target: the score in [0, 1] that attributes are to come to, instead of a strength.
    preserve: attributes held. method: of attributes, or of taking over from a reference. clip, clip_weights: what
    judges texts instead of the domain's own. options: further ones of the search for a text, or of taking over, as
    ``name=value``.
    """

    attrs: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    reference: str | None = None
    regions: tuple[str, ...] = ()
    strength: float = 1.0
    target: float | None = None
    preserve: tuple[str, ...] = ()
    method: str = METHOD
    clip: str | None = None
    clip_weights: str | None = None
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        finite(self.strength, "--strength")
        for name, strength in self.edits:
            finite(strength, f"the strength of '{name}'")
        if sum((bool(self.attrs), bool(self.texts), bool(self.reference))) > 1:
            raise ConfigError("--attr, --text and --from-image are three kinds of edit; give one of them")
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
        if self.reference and not self.regions:
            raise ConfigError("--from-image needs --regions: what is taken over, such as hair, hair:texture or pose")

    @property
    def edits(self) -> tuple[tuple[str, float], ...]:
        """The attributes, each with its strength; ConfigError for one that is not ``name`` or ``name=number``.

        >>> EditRequest(attrs=("smile", "bangs=-1"), strength=2.0).edits
        (('smile', 2.0), ('bangs', -1.0))
        """
        return tuple(self._edit(text) for text in self.attrs or (() if self.texts or self.reference else (ATTRIBUTE,)))

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
