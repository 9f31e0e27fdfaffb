"""Pictures out: PNG or JPEG files, sheets of several pictures, label maps in colours."""

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from semedit.latents.regions import RegionTable
from semedit.pictures.tensors import enlarge, to_picture
from semedit.storage.atomic import replacing


def save_picture(image: Tensor | Image.Image, path: str | Path) -> None:
    """Write a picture atomically; the ending chooses the format (PNG, JPEG, WEBP)."""
    picture = to_picture(image) if isinstance(image, Tensor) else image
    kind = {".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}.get(Path(path).suffix.lower(), "PNG")
    with replacing(path) as temporary:
        picture.save(temporary, format=kind, quality=92) if kind != "PNG" else picture.save(temporary, format=kind)


def sheet(images: Tensor, columns: int, gap: int = 2) -> Tensor:
    """One picture (3, H', W') of a batch (B, 3, H, W) in rows of ``columns``, on white."""
    count, _, height, width = images.shape
    rows = -(-count // columns)
    canvas = torch.ones(3, rows * (height + gap) - gap, columns * (width + gap) - gap)
    for i, image in enumerate(images.cpu().float()):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        canvas[:, top : top + height, left : left + width] = image
    return canvas


def labels_to_colours(labels: Tensor, regions: RegionTable) -> Tensor:
    """Label maps (B, H, W) as coloured pictures (B, 3, H, W) in [-1, 1]."""
    table = torch.tensor(regions.colours, dtype=torch.float32, device=labels.device) / 127.5 - 1
    return table[labels.long()].permute(0, 3, 1, 2)


def save_labels(labels: Tensor, path: str | Path) -> None:
    """Write a label map (H, W) as an 8-bit greyscale PNG of label indices, atomically."""
    save_picture(Image.fromarray(labels.to(torch.uint8).cpu().numpy()), path)


def magnify(image: Tensor, side: int = 256) -> Tensor:
    """Repeat the pixels of a small picture (3, H, W), so that a person can look at it."""
    return enlarge(image[None], max(1, side // image.shape[-2]))[0]
