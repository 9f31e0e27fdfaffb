"""The picture of a drag: its points drawn on what was there, beside what came of it."""

from pathlib import Path

import torch
from PIL import ImageDraw
from torch import Tensor

from semedit.latents.latent import Latent
from semedit.pictures.provenance import Mark
from semedit.pictures.sheets import magnify, save_picture, sheet
from semedit.pictures.tensors import to_picture

HANDLE, TARGET = (230, 30, 40), (20, 90, 230)


def save_points(path: Path, before: Tensor, after: Tensor, latent: Latent, mark: Mark | None) -> str:
    """Write two pictures (1, 3, H, W) side by side, on the first the last drag of a latent: handles red, targets blue.

    Returns the path.
    """
    picture = to_picture(magnify(sheet(torch.cat([before, after]), columns=2)))
    event, side = latent.history[-1], picture.height
    pen, radius = ImageDraw.Draw(picture), max(2, side // 64)
    for start, end in zip(event["from"], event["to"], strict=True):
        at, to = ([side * value for value in point] for point in (start, end))
        pen.line([*at, *to], fill=(255, 255, 255), width=max(1, side // 160))
        for (x, y), colour in ((at, HANDLE), (to, TARGET)):
            pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour, outline=(255, 255, 255))
    save_picture(picture, path, mark)
    return str(path)
