"""The one table of semantic regions: names, label indices, colours, groups, transparency, flips and latent rows.

Row layout (SemanticStyleGAN, Shi et al. 2022, section 3.2): a code has ``base_rows`` shared base ("pose") rows,
then a shape row and a texture row for each region, in label order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from semedit.errors import ConfigError, UnknownName
from semedit.storage.content import shaped

Part = Literal["shape", "texture", "both"]
PARTS: tuple[Part, ...] = ("shape", "texture", "both")
BASE_NAME = "pose"
#: The text of all regions and the base rows.
WHOLE = "all"


@dataclass(frozen=True)
class Selection:
    """Chosen parts of a latent code.

    ``parts`` maps region index to the chosen part; ``base`` says whether the base rows belong to it too.
    ``text`` is the selection as the user wrote it.
    """

    parts: Mapping[int, Part]
    base: bool
    text: str

    @property
    def regions(self) -> tuple[int, ...]:
        """Label indices of the chosen regions, ascending."""
        return tuple(sorted(self.parts))

    def whole(self, method: str) -> tuple[int, ...]:
        """The chosen regions, for a method that takes regions as they are.

        Raises ConfigError for one of whose shape or texture alone is chosen, and for the base rows without any region.
        """
        if not self.parts or set(self.parts.values()) != {"both"}:
            raise ConfigError(f"{method} takes regions whole; '{self.text}' asks for something else")
        return self.regions

    def rows(self, base_rows: int) -> tuple[int, ...]:
        """Rows of a W+ code (B, L, D), L = base_rows + 2R, that the selection covers, ascending."""
        rows = list(range(base_rows)) if self.base else []
        for region, part in sorted(self.parts.items()):
            first = base_rows + 2 * region
            rows += [first] if part != "texture" else []
            rows += [first + 1] if part != "shape" else []
        return tuple(rows)


@dataclass(frozen=True, kw_only=True)
class RegionTable:
    """The regions of a domain, in label order (label i is ``names[i]``).

    ``transparent`` regions are blended over the others instead of hiding them (in the composite);
    ``flip_pairs`` are label pairs exchanged by a horizontal flip.
    """

    names: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    transparent: tuple[str, ...] = ()
    flip_pairs: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names) or len(self.colours) < len(self.names):
            raise ConfigError("a region table needs distinct names and one colour for each")
        clash = set(self.names) & (set(self.groups) | {BASE_NAME, "all"})
        if clash:
            raise ConfigError(f"region names that are also group names: {sorted(clash)}")
        for group in (*self.groups.values(), self.transparent, *self.flip_pairs):
            for name in group:
                self.index(name)

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """Label index of a region name; UnknownName if there is none."""
        if name not in self.names:
            raise UnknownName("region", name, self.names)
        return self.names.index(name)

    @property
    def transparent_indices(self) -> tuple[int, ...]:
        return tuple(self.index(name) for name in self.transparent)

    def members(self, name: str) -> tuple[int, ...]:
        """Label indices behind a region or group name."""
        if name == "all":
            return tuple(range(len(self.names)))
        if name in self.groups:
            return tuple(self.index(member) for member in self.groups[name])
        if name in self.names:
            return (self.index(name),)
        raise UnknownName("region or group", name, (*self.names, *self.groups, "all", BASE_NAME))

    def select(self, text: str) -> Selection:
        """Parse ``--regions``: names or groups, comma separated, each optionally ``:shape`` or ``:texture``.

        ``pose`` stands for the base rows; ``all`` for every region and the base rows.
        Raises UnknownName for a name that is no region, ConfigError for an empty text or an unknown part.
        """
        parts: dict[int, Part] = {}
        base = False
        items = [item.strip() for item in text.split(",") if item.strip()]
        if not items:
            raise ConfigError(
                f"no regions given (choose from: {', '.join((*self.names, *self.groups, 'all', BASE_NAME))})"
            )
        for item in items:
            name, _, suffix = item.partition(":")
            if suffix not in ("", *PARTS):
                raise ConfigError(f"'{item}': after the colon stands shape or texture, not '{suffix}'")
            part: Part = suffix or "both"  # type: ignore[assignment]
            if name == BASE_NAME:
                base = True
                continue
            base = base or (name == "all" and part == "both")
            for region in self.members(name):
                parts[region] = part if parts.get(region, part) == part else "both"
        return Selection(parts, base, text)

    def to_json(self) -> dict[str, Any]:
        return {
            "names": list(self.names),
            "colours": [list(colour) for colour in self.colours[: len(self.names)]],
            "groups": {name: list(members) for name, members in self.groups.items()},
            "transparent": list(self.transparent),
            "flip_pairs": [list(pair) for pair in self.flip_pairs],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "RegionTable":
        """The table that :meth:`to_json` gave. Raises ConfigError for anything else."""
        return shaped(cls, data, "region table", ConfigError)


#: Seventeen label colours.
PALETTE: tuple[tuple[int, int, int], ...] = (
    (0, 0, 0), (239, 234, 90), (44, 105, 154), (4, 139, 168), (13, 179, 158), (131, 227, 119), (185, 231, 105),
    (107, 137, 198), (241, 196, 83), (242, 158, 76), (234, 114, 71), (215, 95, 155), (207, 113, 192),
    (159, 89, 165), (142, 82, 172), (158, 115, 200), (116, 95, 159),
)  # fmt: skip

#: The thirteen merged classes of CelebAMask-HQ that SemanticStyleGAN is trained on.
CELEBAMASK = RegionTable(
    names=("background", "skin", "eyes", "brows", "mouth", "nose", "ears", "hair", "neck", "cloth", "glasses",
           "hat", "earrings"),
    colours=PALETTE[:13],
    groups={
        "face": ("skin", "eyes", "brows", "mouth", "nose"),
        "head": ("skin", "eyes", "brows", "mouth", "nose", "ears", "hair"),
    },
    transparent=("glasses", "earrings"),
)  # fmt: skip


def generic_regions(count: int, transparent: tuple[int, ...] = ()) -> RegionTable:
    """A table of ``count`` unnamed regions (``region0`` ...), for networks that come without one."""
    if count == len(CELEBAMASK) and set(transparent) == set(CELEBAMASK.transparent_indices):
        return CELEBAMASK
    names = tuple(f"region{i}" for i in range(count))
    colours = tuple(PALETTE[i % len(PALETTE)] for i in range(count))
    return RegionTable(names=names, colours=colours, transparent=tuple(names[i] for i in transparent))
