"""The law that ties latent codes to portraits: every code has an exact picture and label map of its own.

Each factor of a drawn portrait is a fixed function of one coordinate of a code z after pixel norm (so about a standard
normal number), read from the row of the code that owns the factor: base rows own pose, light and bone structure, a
region's shape row its geometry, its texture row its colours. A code (B, D) is read the same from every row; a code
whose rows come from several draws (style mixing) shows the hair of one and the mouth of another. Several parts that
show the same thing, such as skin, read the same coordinate each from its own row: alike when all rows share one z.

:data:`LAW` is the table. Factors are monotone in their coordinate, and palettes are ordered with colours between
neighbours, because a mapping network has to learn them. For the same reason the phase of hair's waves stays where its
sine is nearly straight: local generators read it by a linear layer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from semedit.data.lessons import mixed_rows
from semedit.domains.portraits.distributions import Bell, Distribution, Gap, Switch, Uniform
from semedit.domains.portraits.factors import (
    BACKDROP,
    CLOTH,
    DYES,
    HAIR,
    IDENTITY,
    IRIS,
    NATURAL,
    SKIN,
    Factors,
    palette,
)
from semedit.errors import ConfigError, LatentError, UnknownName
from semedit.latents.regions import CELEBAMASK


@dataclass(frozen=True)
class Entry:
    """One line of the law: a factor, the row that owns it ("base", or "hair:shape"), its distribution, and the factor
    whose coordinate it reads (empty: its own)."""

    name: str
    row: str
    distribution: Distribution
    reads: str = ""


def _copies(of: str, distribution: Distribution, **rows: str) -> tuple[Entry, ...]:
    return tuple(Entry(name, row, distribution, reads=of) for name, row in rows.items())


#: The law: every factor, its owner and its distribution. Lengths in head units, angles in radians, the rest shares.
LAW: tuple[Entry, ...] = (
    Entry("yaw", "base", Bell(0.55)), Entry("pitch", "base", Bell(0.22)), Entry("roll", "base", Bell(0.14)),
    Entry("scale", "base", Uniform(1.02, 1.15)), Entry("x", "base", Uniform(-0.06, 0.06)),
    Entry("y", "base", Uniform(-0.04, 0.04)), Entry("light", "base", Uniform(-1.0, 1.0)),
    Entry("light_height", "base", Uniform(0.2, 0.9)), Entry("light_power", "base", Uniform(0.3, 0.55)),
    Entry("face_width", "base", Uniform(0.40, 0.485)), Entry("jaw", "base", Uniform(1.9, 3.6)),
    Entry("chin", "base", Uniform(0.53, 0.62)), Entry("eye_spacing", "base", Uniform(0.182, 0.216)),
    Entry("eye_size", "base", Uniform(0.115, 0.145)), Entry("eye_height", "base", Uniform(-0.05, 0.03)),
    Entry("smile", "mouth:shape", Gap(0.5, (-0.2, 0.16), (0.7, 1.0))),
    *_copies("smile", Gap(0.5, (-0.2, 0.16), (0.7, 1.0)), skin_smile="skin:shape", eyes_smile="eyes:shape"),
    Entry("mouth_open", "mouth:shape", Switch(0.25)), Entry("mouth_width", "mouth:shape", Uniform(0.125, 0.165)),
    Entry("lip_fullness", "mouth:shape", Uniform(0.7, 1.35)), Entry("lip_red", "mouth:texture", Uniform()),
    Entry("cheek", "skin:shape", Uniform()), Entry("beard", "skin:texture", Switch(0.3)),
    Entry("skin", "skin:texture", Uniform()),
    *_copies("skin", Uniform(), eyes_skin="eyes:texture", mouth_skin="mouth:texture", nose_skin="nose:texture",
             ears_skin="ears:texture", neck_skin="neck:texture"),
    Entry("eye_tilt", "eyes:shape", Uniform(-0.12, 0.16)), Entry("eye_open", "eyes:shape", Uniform(0.46, 0.66)),
    Entry("gaze", "eyes:shape", Uniform(-0.3, 0.3)), Entry("iris", "eyes:texture", Uniform()),
    Entry("brow_height", "brows:shape", Uniform(0.125, 0.165)),
    Entry("brow_angle", "brows:shape", Uniform(-0.12, 0.16)),
    Entry("brow_thickness", "brows:shape", Uniform(0.016, 0.034)),
    Entry("nose_length", "nose:shape", Uniform(0.20, 0.27)), Entry("nose_width", "nose:shape", Uniform(0.068, 0.105)),
    Entry("ear_size", "ears:shape", Uniform(0.85, 1.15)),
    Entry("bald", "hair:shape", Switch(0.14)), Entry("bangs", "hair:shape", Switch(0.44)),
    Entry("bun", "hair:shape", Switch(0.12)), Entry("hair_length", "hair:shape", Uniform()),
    Entry("hair_volume", "hair:shape", Uniform(0.05, 0.13)), Entry("hair_wave", "hair:shape", Uniform()),
    Entry("hair_phase", "hair:shape", Uniform(-0.6, 0.6)), Entry("parting", "hair:shape", Uniform(-0.22, 0.22)),
    Entry("hairline", "hair:shape", Uniform(-0.40, -0.33)),
    Entry("hair_tone", "hair:texture", Uniform()), Entry("dye", "hair:texture", Uniform()),
    Entry("dyed", "hair:texture", Switch(0.22)), Entry("hair_shade", "hair:texture", Uniform(-0.12, 0.12)),
    *_copies("hair_tone", Uniform(), brow_tone="brows:texture", beard_tone="skin:texture"),
    *_copies("dyed", Switch(0.22), brow_dyed="brows:texture", beard_dyed="skin:texture"),
    *_copies("hair_shade", Uniform(-0.12, 0.12), brow_shade="brows:texture", beard_shade="skin:texture"),
    Entry("cloth_tone", "cloth:texture", Uniform()), Entry("cloth_shade", "cloth:texture", Uniform(-0.1, 0.1)),
    Entry("neckline", "cloth:shape", Uniform()),
    Entry("glasses", "glasses:shape", Switch(0.28)), Entry("frame", "glasses:shape", Uniform()),
    Entry("lens", "glasses:texture", Uniform()),
    Entry("earrings", "earrings:shape", Switch(0.36)), Entry("earring_kind", "earrings:shape", Uniform()),
    Entry("hat", "hat:shape", Switch(0.12)), Entry("hat_kind", "hat:shape", Uniform()),
    Entry("hat_tone", "hat:texture", Uniform()),
    Entry("backdrop_tone", "background:texture", Uniform()),
    Entry("backdrop_shade", "background:texture", Uniform(-0.1, 0.1)),
    Entry("backdrop_angle", "background:texture", Uniform(0.0, 6.28)),
)  # fmt: skip

BY_NAME: Mapping[str, Entry] = {entry.name: entry for entry in LAW}
_OWN = [entry.name for entry in LAW if not entry.reads]
#: The coordinate of z that each factor reads.
COORDINATES: Mapping[str, int] = {entry.name: _OWN.index(entry.reads or entry.name) for entry in LAW}
#: How many coordinates of z the law reads, the first ones.
WIDTH = len(_OWN)
#: What an edit of each attribute changes: factor -> its value where the attribute is there, and where it is not.
TURNS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "smile": {"smile": (0.85, -0.02)}, "bald": {"bald": (1, 0)}, "beard": {"beard": (1, 0)},
    "bangs": {"bangs": (1, 0)}, "glasses": {"glasses": (1, 0)}, "mouth_open": {"mouth_open": (1, 0)},
    "earrings": {"earrings": (1, 0)}, "hat": {"hat": (1, 0)}, "long_hair": {"hair_length": (0.8, 0.15)},
    "dyed_hair": {"dyed": (1, 0)},
}  # fmt: skip


def scaled(factors: Factors, names: tuple[str, ...]) -> Tensor:
    """Factors (B, names), each from its range to [-1, 1]."""
    columns = []
    for name in names:
        low, high = BY_NAME[name].distribution.range
        columns.append(2 * (factors[name] - low) / (high - low) - 1)
    return torch.stack(columns, dim=1)


def identity_vector(factors: Factors) -> Tensor:
    """The identity factors (B, I), each scaled to [-1, 1], in the order of IDENTITY."""
    return scaled(factors, IDENTITY)


def row_of(entry: Entry, base_rows: int) -> int:
    """The row of a W+ code that owns an entry."""
    if entry.row == "base":
        return 0
    region, part = entry.row.split(":")
    return base_rows + 2 * CELEBAMASK.index(region) + (part == "texture")


@cache
def _columns(base_rows: int) -> tuple[Tensor, Tensor]:
    rows = torch.tensor([row_of(entry, base_rows) for entry in LAW])
    return rows, torch.tensor([COORDINATES[entry.name] for entry in LAW])


def read(codes: Tensor) -> Tensor:
    """The coordinate (B, factors) that each entry of LAW reads of codes (B, D), or (B, L, D) with a z in each row."""
    if codes.shape[-1] < WIDTH:
        raise ConfigError(f"the law of portraits reads {WIDTH} coordinates; codes of width {codes.shape[-1]} are short")
    scale = torch.rsqrt(codes.square().mean(-1, keepdim=True) + 1e-8)
    if codes.dim() == 2:
        return (codes * scale)[:, _columns(0)[1].to(codes.device)]
    base_rows = codes.shape[1] - 2 * len(CELEBAMASK)
    if codes.dim() != 3 or base_rows < 1:
        raise LatentError(f"codes of shape {tuple(codes.shape)}; the law takes (B, D) or (B, base + 26, D)")
    rows, columns = (index.to(codes.device) for index in _columns(base_rows))
    return (codes * scale)[:, rows, columns]


def factors_of(codes: Tensor) -> Factors:
    """The portraits that codes stand for: z (B, D), or (B, L, D) with a z in each row of W+ (style mixing).

    Raises ConfigError for codes narrower than the law, LatentError for other shapes.
    """
    return factors_from(read(codes))


def factors_from(coordinates: Tensor) -> Factors:
    """The portraits of coordinates (B, factors) in the order of LAW."""
    columns = zip(LAW, coordinates.unbind(1), strict=True)
    values = {entry.name: entry.distribution.of(column) for entry, column in columns}
    values["bangs"] = values["bangs"] * (1 - values["bald"])
    values["bun"] = values["bun"] * (1 - values["bald"])
    values["hair_length"] = torch.where(values["bun"] > 0, 0.1 * values["hair_length"], values["hair_length"])
    for part in ("hair", "brow", "beard"):
        natural = palette([HAIR[name] for name in NATURAL], values[f"{part}_tone"])
        if part == "hair":
            dyed = palette([HAIR[name] for name in DYES], values["dye"])
            colour = torch.where(values["dyed"][:, None] > 0, dyed, natural)
        else:  # brows and beards are not dyed; beneath dyed hair they are dark
            depth, dark = (0.62, 0.25) if part == "brow" else (0.75, 0.30)
            own = torch.where(values[f"{part}_dyed"][:, None] > 0, dark, depth * natural)
            colour = own * torch.tensor([1.0, 0.85, 0.75], device=own.device) + 0.02
        values[f"{part}_colour"] = (colour * (1 + values[f"{part}_shade"][:, None])).clamp(0, 1)
    for part in ("", "eyes_", "mouth_", "nose_", "ears_", "neck_"):
        values[f"{part}skin_colour"] = palette(tuple(SKIN.values()), values[f"{part}skin"])
    values["iris_colour"] = palette(tuple(IRIS.values()), values["iris"])
    values["hat_colour"] = 0.85 * palette(tuple(CLOTH.values()), values["hat_tone"])
    for part, colours in (("cloth", tuple(CLOTH.values())), ("backdrop", BACKDROP)):
        shade = 1 + values[f"{part}_shade"][:, None]
        values[f"{part}_colour"] = (palette(colours, values[f"{part}_tone"]) * shade).clamp(0, 1)
    return Factors(values)


def codes_of(factors: Factors, width: int, seed: int = 0) -> Tensor:
    """Codes z (B, width) of norm sqrt(width) whose portraits have these factors; what the law does not read is random.

    Inverts :func:`factors_of` for codes that are the same in every row, up to what a factor hides (the bangs of a bald
    head, the length of hair tied in a bun). Copies of a factor in other parts are not read. Raises ConfigError for
    a width that is too small.
    """
    if width <= WIDTH:
        raise ConfigError(f"the law of portraits needs codes wider than {WIDTH}, not {width}")
    noise = torch.randn(len(factors), width - WIDTH, generator=torch.Generator().manual_seed(seed))
    own = [entry.distribution.coordinate(factors[entry.name]) for entry in LAW if not entry.reads]
    read_part = torch.stack(own, dim=1)
    left = (width - read_part.square().sum(1, keepdim=True)).clamp(min=1e-3).sqrt()
    return torch.cat([read_part, noise.to(read_part.device) * (left / noise.norm(dim=1, keepdim=True))], dim=1)


def sample_factors(count: int, seed: int, identities: Tensor | None = None) -> Factors:
    """Draw the factors of ``count`` portraits; the same seed gives the same portraits on every machine's CPU.

    ``identities`` (count,) of integers from 0 gives portraits that share an integer the same identity factors; by
    default each portrait is a person of its own.
    """
    coordinates = torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(seed * 2))
    if identities is not None:
        people = torch.randn(int(identities.max()) + 1, WIDTH, generator=torch.Generator().manual_seed(seed * 2 + 1))
        own = [COORDINATES[name] for name in IDENTITY]
        coordinates[:, own] = people[identities][:, own]
    return factors_from(coordinates[:, _columns(0)[1]])


@dataclass(frozen=True)
class MixedCodes:
    """``first`` and ``second`` z (B, D), and the W+ rows (B, L), bool, that come from the second."""

    first: Tensor
    second: Tensor
    from_second: Tensor

    def rows(self) -> Tensor:
        """One z a row, (B, L, D)."""
        return torch.where(self.from_second[..., None], self.second[:, None], self.first[:, None])


def draw_codes(count: int, width: int, seed: int, base_rows: int, mixing: float = 0.6) -> MixedCodes:
    """Codes to learn from: pairs of z, and which rows of W+ come from the second; ``mixing`` is the share of samples
    whose rows are mixed, region by region, as in style mixing."""
    generator = torch.Generator().manual_seed(seed)
    first, second = (torch.randn(count, width, generator=generator) for _ in range(2))
    return MixedCodes(first, second, mixed_rows(count, len(CELEBAMASK), base_rows, mixing, generator))


def turned(codes: Tensor, attribute: str, on: bool, rows: Tensor | None = None) -> Factors:
    """The true edited portraits: those of ``codes`` (B, D) or (B, L, D) with one attribute put on or off.

    ``rows`` (L,), bool, limits the change to the factors that those rows own. UnknownName for an attribute that the
    domain does not have.
    """
    if attribute not in TURNS:
        raise UnknownName("attribute", attribute, TURNS)
    coordinates = read(codes).clone()
    owners = _columns(codes.shape[1] - 2 * len(CELEBAMASK) if codes.dim() == 3 else 2)[0]
    for factor, values in TURNS[attribute].items():
        entry = BY_NAME[factor]
        target = entry.distribution.coordinate(torch.tensor([float(values[0] if on else values[1])]))
        for i, other in enumerate(LAW):
            if COORDINATES[other.name] == COORDINATES[factor] and (rows is None or rows[owners[i]]):
                coordinates[:, i] = target.to(coordinates.device)
    return factors_from(coordinates)
