"""The named factors of a drawn portrait and what they say: attributes, kinds. How they are distributed is the law's.

Lengths are in head units (the head is about 1.2 high), angles in radians, colours RGB in [0, 1]. Every factor is a
tensor (B,) or, for colours, (B, 3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from semedit.errors import UnknownName

SKIN = {  # name -> RGB, light to dark
    "pale": (0.98, 0.86, 0.79), "fair": (0.95, 0.78, 0.67), "olive": (0.85, 0.65, 0.50), "tan": (0.74, 0.53, 0.38),
    "brown": (0.55, 0.36, 0.25), "dark": (0.36, 0.23, 0.17),
}  # fmt: skip
HAIR = {
    "black": (0.10, 0.09, 0.10), "brown": (0.33, 0.20, 0.12), "red": (0.62, 0.25, 0.10), "blond": (0.86, 0.69, 0.38),
    "grey": (0.66, 0.66, 0.68), "purple": (0.50, 0.22, 0.68), "blue": (0.18, 0.38, 0.80),
    "green": (0.18, 0.58, 0.34), "pink": (0.94, 0.46, 0.66),
}  # fmt: skip
NATURAL = ("black", "brown", "red", "blond", "grey")  # dark to light
DYES = ("pink", "purple", "blue", "green")  # around the wheel
IRIS = {
    "brown": (0.36, 0.21, 0.10), "hazel": (0.52, 0.38, 0.16), "green": (0.28, 0.50, 0.28), "blue": (0.22, 0.46, 0.78),
    "grey": (0.50, 0.56, 0.60),
}  # fmt: skip
CLOTH = {
    "black": (0.15, 0.15, 0.17), "navy": (0.16, 0.22, 0.42), "teal": (0.15, 0.48, 0.50), "green": (0.28, 0.44, 0.28),
    "mustard": (0.85, 0.64, 0.20), "red": (0.74, 0.20, 0.20), "lilac": (0.66, 0.58, 0.80), "white": (0.92, 0.91, 0.88),
}  # fmt: skip
BACKDROP = (
    (0.45, 0.52, 0.58), (0.58, 0.64, 0.72), (0.70, 0.80, 0.88), (0.84, 0.77, 0.86), (0.80, 0.66, 0.62),
    (0.88, 0.80, 0.72), (0.90, 0.87, 0.78), (0.76, 0.85, 0.76),
)  # fmt: skip

#: The factors that describe a person and stay the same from picture to picture, all continuous.
IDENTITY: tuple[str, ...] = (
    "face_width", "jaw", "chin", "cheek", "eye_spacing", "eye_size", "eye_tilt", "eye_height", "nose_length",
    "nose_width", "mouth_width", "lip_fullness", "brow_thickness", "ear_size", "skin", "iris",
)  # fmt: skip
#: Factors that several parts show, and the parts' own copies of them.
COPIES: Mapping[str, tuple[str, ...]] = {
    "smile": ("skin_smile", "eyes_smile"),
    "skin_colour": tuple(f"{part}_skin_colour" for part in ("eyes", "mouth", "nose", "ears", "neck")),
}

#: The binary attributes of the domain, in the order of :func:`attributes`.
ATTRIBUTES: tuple[str, ...] = (
    "smile", "bald", "beard", "bangs", "glasses", "mouth_open", "earrings", "hat", "long_hair", "dyed_hair",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Factors:
    """Factors of B portraits: ``values[name]`` is (B,), or (B, 3) for ``*_colour``."""

    values: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(self.values["yaw"])

    def __getitem__(self, name: str) -> Tensor:
        return self.values[name]

    def select(self, index: slice | Tensor) -> "Factors":
        """The portraits at ``index``."""
        return Factors({name: value[index] for name, value in self.values.items()})

    def to(self, device: torch.device | str) -> "Factors":
        return Factors({name: value.to(device) for name, value in self.values.items()})

    def with_values(self, **changes: float | Tensor) -> "Factors":
        """A copy with some factors set for every portrait, and the parts' copies of them; UnknownName for one that does
        not exist."""
        values = dict(self.values)
        for name, value in changes.items():
            if name not in values:
                raise UnknownName("factor", name, values)
            for same in (name, *(copy for copy in COPIES.get(name, ()) if copy not in changes)):
                values[same] = torch.as_tensor(value, dtype=torch.float32).expand_as(values[same]).clone()
        return replace(self, values=values)


def palette(colours: Sequence[tuple[float, float, float]], position: Tensor) -> Tensor:
    """Colours (B, 3) at ``position`` (B,) in [0, 1] along a palette, linearly between neighbours."""
    table = torch.tensor(colours, device=position.device)
    scaled = position.clamp(0, 1) * (len(colours) - 1)
    low = scaled.floor().long().clamp(max=len(colours) - 2)
    return torch.lerp(table[low], table[low + 1], (scaled - low)[:, None])


def attributes(factors: Factors) -> Tensor:
    """Binary attributes (B, A) as 0/1, in the order of ATTRIBUTES."""
    covered = (1 - factors["bald"]) > 0
    truth = {
        "smile": factors["smile"] > 0.5,
        "bald": factors["bald"] > 0.5,
        "beard": factors["beard"] > 0.5,
        "bangs": (factors["bangs"] > 0.5) & (factors["hat"] < 0.5),
        "glasses": factors["glasses"] > 0.5,
        "mouth_open": factors["mouth_open"] > 0.5,
        "earrings": (factors["earrings"] > 0.5) & (~covered | (factors["hair_length"] < 0.30)),
        "hat": factors["hat"] > 0.5,
        "long_hair": (factors["hair_length"] > 0.55) & covered,
        "dyed_hair": (factors["dyed"] > 0.5) & covered,
    }
    return torch.stack([truth[name] for name in ATTRIBUTES], dim=1).float()


#: Exclusive classes of a portrait: the colour of the hair, or none.
KINDS: tuple[str, ...] = (*HAIR, "bald")


def kinds(factors: Factors) -> Tensor:
    """The class (B,) of each portrait, an index into KINDS."""
    return torch.where(factors["bald"] > 0.5, len(HAIR), hair_colours(factors))


def hair_colours(factors: Factors) -> Tensor:
    """The name (B,) of each portrait's hair colour, an index into HAIR: the palette's nearest."""
    names = list(HAIR)
    parts = []
    for order, position in ((NATURAL, factors["hair_tone"]), (DYES, factors["dye"])):
        nearest = (position * (len(order) - 1)).round().long()
        parts.append(torch.tensor([names.index(name) for name in order], device=position.device)[nearest])
    return torch.where(factors["dyed"] > 0.5, parts[1], parts[0])
