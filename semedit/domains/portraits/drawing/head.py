"""The geometry that all parts of a portrait share: head coordinates, projected features, the light."""

from functools import cached_property

import torch
from torch import Tensor

from semedit.domains.portraits.factors import Factors

DEPTH = 0.40  # half-depth of the head, for parallax
OUTLINE = 0.012  # half-width of the contours of the cel style


class Pose:
    """How B heads are held and where their features lie, in head coordinates.

    Head coordinates (u, v): origin between the eyes and the nose, v down, unit about 0.9 of half the picture, turned
    by the roll. ``rows`` are the portraits among those of ``factors``.
    """

    def __init__(self, factors: Factors, rows: Tensor):
        self.factors, self.rows = factors, rows
        self._columns: dict[str, Tensor] = {}

    def __getitem__(self, name: str) -> Tensor:
        """A factor as (B, 1)."""
        if name not in self._columns:
            self._columns[name] = self.factors[name].index_select(0, self.rows)[:, None]
        return self._columns[name]

    def colour(self, name: str) -> Tensor:
        """A colour factor as (3, B, 1)."""
        return self.factors[name].index_select(0, self.rows).T[:, :, None]

    @cached_property
    def sin_yaw(self) -> Tensor:
        return torch.sin(self["yaw"])

    @cached_property
    def cos_yaw(self) -> Tensor:
        return torch.cos(self["yaw"])

    @cached_property
    def sin_pitch(self) -> Tensor:
        return torch.sin(self["pitch"])

    def place(self, u0: Tensor | float, v0: Tensor | float, lift: float = 0.0) -> tuple[Tensor, Tensor]:
        """Centre (B, 1) of a feature drawn at (u0, v0) on the frontal face, moved by yaw and pitch."""
        inside = 1 - (u0 / self["face_width"]) ** 2 - (v0 / 0.62) ** 2
        depth = DEPTH * torch.sqrt(inside.clamp(min=0.02)) + lift
        return u0 * self.cos_yaw + depth * self.sin_yaw * 0.5, v0 + depth * self.sin_pitch * 0.5

    def narrowing(self, side: int) -> Tensor:
        """Width factor (B, 1) of a feature on one side (-1 left, 1 right): the far side looks narrower."""
        return 1 - 0.38 * (side * self.sin_yaw).clamp(min=0) - 0.05 * self.sin_yaw.abs()

    def box(self, left: Tensor | float, top: Tensor | float, right: Tensor | float, bottom: Tensor | float) -> Tensor:
        """The upright canvas rectangle (B, 4), as :func:`rectangle` gives, that holds a rectangle of head coordinates
        and an outline around it."""
        scale, cos, sin = self["scale"], torch.cos(self["roll"]), torch.sin(self["roll"])
        u, v, half_u, half_v = (left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2
        half_u, half_v = half_u + OUTLINE, half_v + OUTLINE
        x, y = self["x"] + scale * (u * cos - v * sin), self["y"] + 0.02 + scale * (u * sin + v * cos)
        half_x, half_y = scale * (half_u * cos.abs() + half_v * sin.abs()), scale * (half_u * sin.abs() + half_v * cos)
        return rectangle(x - half_x, y - half_y, x + half_x, y + half_y)

    def box_around(self, centre: tuple[Tensor, Tensor], half_u: Tensor | float, half_v: Tensor | float) -> Tensor:
        """:meth:`box` of half-sides (half_u, half_v) around a centre."""
        u, v = centre
        return self.box(u - half_u, v - half_v, u + half_u, v + half_v)


def rectangle(left: Tensor, top: Tensor, right: Tensor, bottom: Tensor) -> Tensor:
    """Rectangles (B, 4) of canvas coordinates from their sides (B, 1)."""
    return torch.cat([left, top, right, bottom], dim=1)


class Head(Pose):
    """B posed heads at N points of each picture.

    ``x, y`` (B, N) are canvas coordinates, the picture being [-1, 1], y down; ``u, v`` (B, N) head coordinates;
    ``pixel`` (B, 1) is a pixel's size in head units, from its size in canvas units.
    """

    def __init__(self, factors: Factors, rows: Tensor, x: Tensor, y: Tensor, pixel: Tensor):
        super().__init__(factors, rows)
        self.x, self.y = x, y
        self.pixel = pixel / self["scale"]

    @cached_property
    def _turned(self) -> tuple[Tensor, Tensor]:
        dx, dy = self.x - self["x"], self.y - (self["y"] + 0.02)
        cos, sin = torch.cos(self["roll"]) / self["scale"], torch.sin(self["roll"]) / self["scale"]
        return dx * cos + dy * sin, dy * cos - dx * sin

    @property
    def u(self) -> Tensor:
        return self._turned[0]

    @property
    def v(self) -> Tensor:
        return self._turned[1]

    def light(self, u: Tensor, v: Tensor, a: float | Tensor, b: float | Tensor) -> Tensor:
        """Lambert shade (B, N), about 0.3 to 1.05, of an ellipsoid of half-axes (a, b) at the origin of (u, v)."""
        nx, ny = (u / a).clamp_(-1.2, 1.2), (v / b).clamp_(-1.2, 1.2)
        nz = (1 - nx * nx).addcmul_(ny, ny, value=-1).clamp_(min=0.04).sqrt_()
        lx, ly = 0.85 * self["light"], -self["light_height"]
        norm = torch.sqrt(lx * lx + ly * ly + 0.8)
        facing = nx.mul_(lx / norm).addcmul_(ny, ly / norm).addcmul_(nz, 0.9 / norm)
        return 1 - (1 - facing).clamp_(0, 1.6) * (1.15 * self["light_power"])

    def face_field(self) -> Tensor:
        """Signed field (B, N) of the face's outline: an ellipse above, a jaw of variable squareness below."""
        a, chin, jaw = self["face_width"], self["chin"], self["jaw"]
        middle = 0.03
        below = ((self.v - middle) / (chin - middle)).clamp_(min=0)
        above = ((middle - self.v) / 0.64).clamp_(min=0)
        u = (self.u - 0.13 * self.sin_yaw * below * below).div_(a)
        power = below.clamp(min=1e-4) ** (jaw - 1)
        value = (u * u).addcmul_(power, below).addcmul_(above, above).sub_(1)
        slope_v = power.mul_(jaw / (chin - middle)).add_(above, alpha=2 / 0.64)
        slope = u.mul_(2 / a).square_().addcmul_(slope_v, slope_v).sqrt_()
        return value.div_(slope.clamp_(min=0.5))
