"""Pictures in and out: reading whatever people have, writing PNG or JPEG, sheets and label colours.

Tensors are (B, 3, H, W) or (3, H, W) in [-1, 1], RGB.
"""

import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from semedit.errors import ImageError
from semedit.files import replacing
from semedit.regions import RegionTable

#: File formats that are read, and the endings by which a folder's pictures are found.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm")
MIN_SIDE, MAX_SIDE, MAX_PIXELS = 16, 20_000, 120_000_000


def read_picture(path: str | Path) -> Image.Image:
    """Open a picture as upright RGB: EXIF rotation applied, alpha over white, 16-bit and CMYK converted.

    Raises ImageError for a missing, unreadable, truncated, tiny (below 16 px) or enormous file.
    """
    path = Path(path)
    if not path.exists():
        raise ImageError(f"{path}: no such file")
    if path.is_dir():
        raise ImageError(f"{path}: is a folder, not a picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                check_size(path, image.size)
                return to_rgb(ImageOps.exif_transpose(image))
    except UnidentifiedImageError:
        raise ImageError(f"{path}: not a picture that can be read ({', '.join(FORMATS)} can)") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(f"{path}: too large; at most {MAX_PIXELS // 10**6} megapixels are read") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(f"{path}: damaged or truncated ({error})") from None


def check_size(path: Path, size: tuple[int, int]) -> None:
    width, height = size
    if min(size) < MIN_SIDE:
        raise ImageError(f"{path}: {width}x{height} px is too small; at least {MIN_SIDE} px a side are needed")
    if max(size) > MAX_SIDE or width * height > MAX_PIXELS:
        raise ImageError(f"{path}: {width}x{height} px is too large; at most {MAX_SIDE} px a side are read")


def to_rgb(image: Image.Image) -> Image.Image:
    """Any Pillow mode as RGB; 16-bit greys are scaled (Pillow would clip them), alpha is put over white."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if values.max() > 255 else 255.0 if values.max() > 1 else 1.0
        image = Image.fromarray((values / top * 255).clip(0, 255).astype(np.uint8))
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode in ("RGBA", "LA", "PA"):
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def to_tensor(image: Image.Image) -> Tensor:
    """(3, H, W) in [-1, 1] of an RGB picture."""
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 127.5 - 1).permute(2, 0, 1).contiguous()


def to_picture(image: Tensor) -> Image.Image:
    """Pillow picture of a tensor (3, H, W): trunc(127.5 clamp(x) + 127.5), as the official tools do."""
    return Image.fromarray(to_bytes(image.detach().float()).permute(1, 2, 0).cpu().numpy())


def to_bytes(images: Tensor) -> Tensor:
    """[-1, 1] -> uint8 as the official tools do: trunc(127.5 clamp(x) + 127.5)."""
    return images.clamp(-1, 1).mul(127.5).add(127.5).to(torch.uint8)


def quantise(image: Tensor) -> Tensor:
    """What a tensor becomes when it is saved as 8-bit and read back; measure on this."""
    return to_bytes(image.detach().float()).float() / 127.5 - 1


def save_picture(image: Tensor | Image.Image, path: str | Path) -> None:
    """Write a picture atomically; the ending chooses the format (PNG, JPEG, WEBP)."""
    picture = to_picture(image) if isinstance(image, Tensor) else image
    kind = {".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}.get(Path(path).suffix.lower(), "PNG")
    with replacing(path) as temporary:
        picture.save(temporary, format=kind, quality=92) if kind != "PNG" else picture.save(temporary, format=kind)


def resize(image: Image.Image, size: int) -> Image.Image:
    """Centre-crop to a square and resize with Lanczos to ``size`` px."""
    return ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)


def sheet(images: Tensor, columns: int, gap: int = 2) -> Tensor:
    """One picture (3, H', W') of a batch (B, 3, H, W) in rows of ``columns``, on white."""
    count, _, height, width = images.shape
    rows = -(-count // columns)
    canvas = torch.ones(3, rows * (height + gap) - gap, columns * (width + gap) - gap)
    for i, image in enumerate(images.cpu().float()):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        canvas[:, top : top + height, left : left + width] = image
    return canvas


def enlarge(images: Tensor, factor: int) -> Tensor:
    """Pictures (B, 3, H, W) with every pixel ``factor`` times as wide and high."""
    return images.repeat_interleave(factor, 2).repeat_interleave(factor, 3)


def labels_to_colours(labels: Tensor, regions: RegionTable) -> Tensor:
    """Label maps (B, H, W) as coloured pictures (B, 3, H, W) in [-1, 1]."""
    table = torch.tensor(regions.colours, dtype=torch.float32, device=labels.device) / 127.5 - 1
    return table[labels.long()].permute(0, 3, 1, 2)


def find_pictures(inputs: Iterable[str | Path]) -> list[Path]:
    """Files named, matching a glob, or lying directly in a named folder, in sorted order and without repeats.

    Raises ImageError for an input that gives no picture.
    """
    found: dict[Path, None] = {}
    for item in inputs:
        path = Path(item)
        if path.is_dir():
            matches = sorted(p for p in path.iterdir() if p.suffix.lower() in ENDINGS)
            if not matches:
                raise ImageError(f"{path}: no pictures in this folder (looked for {', '.join(ENDINGS)})")
        elif any(mark in str(item) for mark in "*?["):
            matches = (
                sorted(p for p in Path().glob(str(item)) if p.is_file())
                if not path.is_absolute()
                else sorted(p for p in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if p.is_file())
            )
            if not matches:
                raise ImageError(f"{item}: nothing matches")
        else:
            matches = [path]
        found.update(dict.fromkeys(matches))
    return list(found)


def save_labels(labels: Tensor, path: str | Path) -> None:
    """Write a label map (H, W) as an 8-bit greyscale PNG of label indices, atomically."""
    save_picture(Image.fromarray(labels.to(torch.uint8).cpu().numpy()), path)
