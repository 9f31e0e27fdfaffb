"""Drawn portraits as lessons: the law says which picture and label map a code should have."""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from semedit.data.lessons import Lessons
from semedit.domains.portraits.drawing.renderer import Style, draw
from semedit.domains.portraits.factors import COPIES
from semedit.domains.portraits.law import LAW, draw_codes, factors_of
from semedit.pictures.tensors import to_bytes

#: Factors that no row shows by themselves: positions along palettes, whose colours are told, and an angle.
UNSEEN = (
    "hair_tone", "dye", "skin", "iris", "cloth_tone", "backdrop_tone", "hat_tone", "hair_shade", "cloth_shade",
    "backdrop_shade", "backdrop_angle",
)  # fmt: skip


@dataclass(frozen=True)
class PortraitTeacher:
    """Teaches portraits of ``size`` px to generators of style width ``width`` with ``base_rows`` rows for the pose.

    ``mixing`` is the share of lessons whose rows come from two codes.
    """

    size: int
    width: int
    base_rows: int
    style: Style = "soft"
    mixing: float = 0.6

    @property
    def key(self) -> str:
        return f"portraits {sorted(asdict(self).items())}"

    def lessons(self, count: int, seed: int, held_out: bool = False) -> Lessons:  # noqa: ARG002 (draws never repeat)
        codes = draw_codes(count, self.width, seed, self.base_rows, self.mixing)
        drawing = draw(factors_of(codes.rows()), self.size, self.style)
        return Lessons(
            to_bytes(drawing.images), drawing.labels, drawing.opaque, codes.first, codes.second, codes.from_second
        )

    def targets(self, codes: Tensor) -> Tensor:
        """Factors and colours (B, K) of z (B, D); angles as sine and cosine."""
        factors = factors_of(codes)
        columns = [torch.stack([factors["backdrop_angle"].cos(), factors["backdrop_angle"].sin()], dim=1)]
        copies = {entry.name for entry in LAW if entry.reads} | {name for names in COPIES.values() for name in names}
        for name, value in factors.values.items():
            if name not in UNSEEN and name not in copies:
                columns.append(value if value.dim() == 2 else value[:, None])
        return torch.cat(columns, dim=1)
