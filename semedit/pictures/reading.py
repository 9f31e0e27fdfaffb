"""Pictures in: reading whatever people have, upright and in RGB, and finding the files."""

import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from semedit.errors import ImageError

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


def resize(image: Image.Image, size: int) -> Image.Image:
    """Centre-crop to a square and resize with Lanczos to ``size`` px."""
    return ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)


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
