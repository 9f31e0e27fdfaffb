"""The named factors of a drawn portrait: how they are sampled, and what they say (attributes, kinds, identities).

Lengths are in head units (the head is about 1.2 high), angles in radians, colours RGB in [0, 1]. Every factor is a
tensor (B,) or, for colours, (B, 3).
"""

from collections.abc import Mapping
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
NATURAL_HAIR = 5
IRIS = {
    "brown": (0.36, 0.21, 0.10), "hazel": (0.52, 0.38, 0.16), "green": (0.28, 0.50, 0.28), "blue": (0.22, 0.46, 0.78),
    "grey": (0.50, 0.56, 0.60),
}  # fmt: skip
CLOTH = {
    "red": (0.74, 0.20, 0.20), "navy": (0.16, 0.22, 0.42), "teal": (0.15, 0.48, 0.50), "mustard": (0.85, 0.64, 0.20),
    "white": (0.92, 0.91, 0.88), "black": (0.15, 0.15, 0.17), "green": (0.28, 0.44, 0.28), "lilac": (0.66, 0.58, 0.80),
}  # fmt: skip
BACKDROP = (
    (0.70, 0.80, 0.88), (0.88, 0.80, 0.72), (0.76, 0.85, 0.76), (0.84, 0.77, 0.86), (0.58, 0.64, 0.72),
    (0.90, 0.87, 0.78), (0.45, 0.52, 0.58), (0.80, 0.66, 0.62),
)  # fmt: skip

#: Continuous identity factors: (low, high). They describe a person and stay the same from picture to picture.
IDENTITY_RANGES: Mapping[str, tuple[float, float]] = {
    "face_width": (0.40, 0.485), "jaw": (1.9, 3.6), "chin": (0.53, 0.62), "cheek": (0.0, 1.0),
    "eye_spacing": (0.182, 0.216), "eye_size": (0.115, 0.145), "eye_tilt": (-0.12, 0.16), "eye_height": (-0.05, 0.03),
    "nose_length": (0.20, 0.27), "nose_width": (0.068, 0.105), "mouth_width": (0.125, 0.165),
    "lip_fullness": (0.7, 1.35), "brow_thickness": (0.016, 0.034), "ear_size": (0.85, 1.15), "skin": (0.0, 1.0),
    "iris": (0.0, 1.0),
}  # fmt: skip
#: Continuous factors that vary from picture to picture.
SCENE_RANGES: Mapping[str, tuple[float, float]] = {
    "yaw": (-0.55, 0.55), "pitch": (-0.22, 0.22), "roll": (-0.14, 0.14), "scale": (1.02, 1.15), "x": (-0.06, 0.06),
    "y": (-0.04, 0.04), "light": (-1.0, 1.0), "light_height": (0.2, 0.9), "light_power": (0.3, 0.55),
    "eye_open": (0.46, 0.66), "gaze": (-0.3, 0.3), "brow_height": (0.125, 0.165), "brow_angle": (-0.12, 0.16),
    "lip_red": (0.0, 1.0), "hair_length": (0.0, 1.0), "hair_volume": (0.05, 0.13), "hair_wave": (0.0, 1.0),
    "hair_phase": (0.0, 6.28), "parting": (-0.22, 0.22), "hairline": (-0.40, -0.33), "hair_shade": (-0.12, 0.12),
    "cloth_shade": (-0.1, 0.1), "neckline": (0.0, 1.0), "lens": (0.0, 1.0), "frame": (0.0, 1.0), "hat_kind": (0.0, 1.0),
    "backdrop_shade": (-0.1, 0.1), "backdrop_angle": (0.0, 6.28),
}  # fmt: skip
#: Switches and the probability of each.
SWITCHES: Mapping[str, float] = {
    "smile": 0.5, "mouth_open": 0.25, "bald": 0.14, "beard": 0.3, "bangs": 0.38, "glasses": 0.28, "earrings": 0.36,
    "hat": 0.12, "dyed": 0.22, "bun": 0.12,
}  # fmt: skip
#: Choices and how many there are of each.
CHOICES: Mapping[str, int] = {"cloth": len(CLOTH), "backdrop": len(BACKDROP)}

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
        """A copy with some factors set for every portrait; UnknownName for one that does not exist."""
        values = dict(self.values)
        for name, value in changes.items():
            if name not in values:
                raise UnknownName("factor", name, values)
            values[name] = torch.as_tensor(value, dtype=torch.float32).expand_as(values[name]).clone()
        return replace(self, values=values)


def palette(colours: tuple[tuple[float, float, float], ...], position: Tensor) -> Tensor:
    """Colours (B, 3) at ``position`` (B,) in [0, 1] along a palette, linearly between neighbours."""
    table = torch.tensor(colours)
    scaled = position.clamp(0, 1) * (len(colours) - 1)
    low = scaled.floor().long().clamp(max=len(colours) - 2)
    return torch.lerp(table[low], table[low + 1], (scaled - low)[:, None])


def _uniform(ranges: Mapping[str, tuple[float, float]], count: int, generator: torch.Generator) -> dict[str, Tensor]:
    draws = torch.rand(count, len(ranges), generator=generator)
    return {name: low + (high - low) * draws[:, i] for i, (name, (low, high)) in enumerate(ranges.items())}


def sample_factors(count: int, seed: int, identities: Tensor | None = None) -> Factors:
    """Draw the factors of ``count`` portraits; the same seed gives the same portraits on every machine's CPU.

    ``identities`` (count,) of integers from 0 gives portraits that share an integer the same identity factors; by
    default each portrait is a person of its own.
    """
    identities = torch.arange(count) if identities is None else identities
    people = torch.Generator().manual_seed(seed * 2 + 1)
    values = _uniform(IDENTITY_RANGES, int(identities.max()) + 1, people)
    values = {name: value[identities] for name, value in values.items()}
    scene = torch.Generator().manual_seed(seed * 2)
    values |= _uniform(SCENE_RANGES, count, scene)
    draws = torch.rand(count, len(SWITCHES), generator=scene)
    values |= {name: (draws[:, i] < rate).float() for i, (name, rate) in enumerate(SWITCHES.items())}
    draws = torch.rand(count, len(CHOICES), generator=scene)
    values |= {name: (draws[:, i] * n).floor() for i, (name, n) in enumerate(CHOICES.items())}
    # Pose clusters around the front; a smile has its own strength, and a neutral mouth varies too.
    for name in ("yaw", "pitch", "roll"):
        values[name] = values[name] * (0.3 + 0.7 * torch.rand(count, generator=scene))
    depth = torch.rand(count, generator=scene)
    values["smile"] = torch.where(values["smile"] > 0, 0.7 + 0.3 * depth, 0.36 * depth - 0.2)
    values["hat"] = values["hat"] * (1 - values["bald"] * (depth > 0.3))
    values["bangs"] = values["bangs"] * (1 - values["bald"])
    values["bun"] = values["bun"] * (1 - values["bald"]) * (1 - values["hat"])
    values["hair_length"] = torch.where(values["bun"] > 0, 0.1 * values["hair_length"], values["hair_length"])
    natural = torch.rand(count, generator=scene) * NATURAL_HAIR
    dyed = NATURAL_HAIR + torch.rand(count, generator=scene) * (len(HAIR) - NATURAL_HAIR)
    values["hair"] = torch.where(values["dyed"] > 0, dyed, natural).floor().clamp(max=len(HAIR) - 1)
    values["skin_colour"] = palette(tuple(SKIN.values()), values["skin"])
    iris = (values["iris"] * len(IRIS)).floor().long().clamp(max=len(IRIS) - 1)
    values["iris_colour"] = torch.tensor(list(IRIS.values()))[iris]
    for name, table in (("hair", list(HAIR.values())), ("cloth", list(CLOTH.values())), ("backdrop", list(BACKDROP))):
        shaded = torch.tensor(table)[values[name].long()] * (1 + values[f"{name}_shade"][:, None])
        values[f"{name}_colour"] = shaded.clamp(0, 1)
    return Factors(values)


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
    return torch.where(factors["bald"] > 0.5, len(HAIR), factors["hair"]).long()


def identity_vector(factors: Factors) -> Tensor:
    """The identity factors (B, I), each scaled to [-1, 1], in the order of IDENTITY_RANGES."""
    columns = [2 * (factors[n] - low) / (high - low) - 1 for n, (low, high) in IDENTITY_RANGES.items()]
    return torch.stack(columns, dim=1)
