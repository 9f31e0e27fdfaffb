"""Drawn portraits as lessons: the law says which picture and label map a code should have."""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from semedit.data.lessons import Lessons
from semedit.domains.portraits.drawing.renderer import Style, draw
from semedit.domains.portraits.law import draw_codes, factors_of
from semedit.pictures.tensors import to_bytes

#: Factors that no row shows by themselves: positions along palettes, and the parts' copies of others.
UNSEEN = (
    "hair_tone", "dye", "skin", "iris", "cloth_tone", "backdrop_tone", "hat_tone", "hair_shade", "cloth_shade",
    "backdrop_shade", "backdrop_angle",
)  # fmt: skip
COPIED = (
    "skin_smile",
    "eyes_smile",
    "brow_",
    "beard_",
    "eyes_skin",
    "mouth_skin",
    "nose_skin",
    "ears_skin",
    "neck_skin",
)


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
        for name, value in factors.values.items():
            kept = name.endswith(("brow_colour", "beard_colour", "brow_thickness", "brow_height", "brow_angle"))
            if name in UNSEEN or (name.startswith(COPIED) and not kept):
                continue
            columns.append(value if value.dim() == 2 else value[:, None])
        return torch.cat(columns, dim=1)
