"""The geometry that all parts of a portrait share: head coordinates, projected features, the light."""

import torch
from torch import Tensor

from semedit.domains.portraits.factors import Factors

DEPTH = 0.40  # half-depth of the head, for parallax


class Head:
    """Head coordinates of every pixel of B pictures, and where features lie in them.

    ``x, y`` (1, H, W) are canvas coordinates in [-1, 1], y down; ``u, v`` (B, H, W) are head coordinates: origin
    between the eyes and the nose, unit about 0.9 of half the picture, turned by the roll. ``pixel`` (B, 1, 1) is a
    pixel's size in head units.
    """

    def __init__(self, factors: Factors, size: int):
        self.factors = factors
        device = factors["yaw"].device
        centres = (torch.arange(size, device=device) + 0.5) * (2.0 / size) - 1.0
        self.x = centres.expand(size, size)[None]
        self.y = centres[:, None].expand(size, size)[None]
        scale, roll = self["scale"], self["roll"]
        self.pixel = 2.0 / size / scale
        dx, dy = (self.x - self["x"]) / scale, (self.y - self["y"] - 0.02) / scale
        self.u = dx * torch.cos(roll) + dy * torch.sin(roll)
        self.v = dy * torch.cos(roll) - dx * torch.sin(roll)
        self.sin_yaw, self.cos_yaw = torch.sin(self["yaw"]), torch.cos(self["yaw"])
        self.sin_pitch = torch.sin(self["pitch"])
        self.outline = 0.012

    def __getitem__(self, name: str) -> Tensor:
        """A factor as (B, 1, 1)."""
        return self.factors[name][:, None, None]

    def gate(self, d: Tensor, present: Tensor) -> Tensor:
        """The field ``d`` where ``present`` (B, 1, 1) is 1, and nowhere where it is 0."""
        return torch.where(present > 0.5, d, torch.full_like(d, 9.0))

    def place(self, u0: Tensor | float, v0: Tensor | float, lift: float = 0.0) -> tuple[Tensor, Tensor]:
        """Centre (B, 1, 1) of a feature drawn at (u0, v0) on the frontal face, moved by yaw and pitch."""
        inside = 1 - (u0 / self["face_width"]) ** 2 - (torch.as_tensor(v0) / 0.62) ** 2
        depth = DEPTH * torch.sqrt(inside.clamp(min=0.02)) + lift
        return u0 * self.cos_yaw + depth * self.sin_yaw * 0.5, v0 + depth * self.sin_pitch * 0.5

    def narrowing(self, side: int) -> Tensor:
        """Width factor (B, 1, 1) of a feature on one side (-1 left, 1 right): the far side looks narrower."""
        return 1 - 0.38 * (side * self.sin_yaw).clamp(min=0) - 0.05 * self.sin_yaw.abs()

    def light(self, u: Tensor, v: Tensor, a: float | Tensor, b: float | Tensor) -> Tensor:
        """Lambert shade (B, H, W), about 0.3 to 1.05, of an ellipsoid of half-axes (a, b) at the origin of (u, v)."""
        nx, ny = (u / a).clamp(-1.2, 1.2), (v / b).clamp(-1.2, 1.2)
        nz = torch.sqrt((1 - nx * nx - ny * ny).clamp(min=0.04))
        lx, ly = 0.85 * self["light"], -self["light_height"]
        norm = torch.sqrt(lx * lx + ly * ly + 0.8)
        facing = (nx * lx + ny * ly + nz * 0.9) / norm
        return 1 - self["light_power"] * (1.0 - facing).clamp(0, 1.6) * 1.15

    def face_field(self) -> Tensor:
        """Signed field (B, H, W) of the face's outline: an ellipse above, a jaw of variable squareness below."""
        a, chin, jaw = self["face_width"], self["chin"], self["jaw"]
        middle = 0.03
        below = ((self.v - middle) / (chin - middle)).clamp(min=0)
        above = ((middle - self.v) / 0.64).clamp(min=0)
        u = self.u - 0.13 * self.sin_yaw * below * below
        power = below.clamp(min=1e-4) ** (jaw - 1)
        value = (u / a).square() + power * below + above.square() - 1
        slope_v = jaw * power / (chin - middle) + 2 * above / 0.64
        slope = torch.sqrt((2 * u / a / a).square() + slope_v.square())
        return value / slope.clamp(min=0.5)
