"""Pictures in: reading whatever people have, upright and in RGB, and finding the files."""

import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import RLock

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from semedit.errors import ConfigError, ImageError, SemeditError
from semedit.storage.content import check_file, exists
from semedit.storage.memory import check_memory

#: File formats that are read, and the endings by which a folder's pictures are found.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm")
#: Endings of pictures that are not read, but are not passed over in a folder either: each says what it is.
UNREAD = (".heic", ".heif", ".avif", ".jxl")
MIN_SIDE, MAX_SIDE, MAX_PIXELS = 16, 20_000, 120_000_000
#: Memory that reading takes at most: the file's own mode, RGBA twice, RGB.
BYTES_A_PIXEL = 19


def read_picture(path: str | Path) -> Image.Image:
    """Open a picture as upright RGB: EXIF rotation applied, alpha over white, 16-bit and CMYK converted.

    Raises ImageError for a missing, unreadable, truncated, tiny (below 16 px) or enormous file, and for anything that
    is no file.
    """
    with opened_picture(path, FORMATS) as image:
        return to_rgb(ImageOps.exif_transpose(image))


@contextmanager
def opened_picture(path: str | Path, formats: tuple[str, ...]) -> Iterator[Image.Image]:
    """A picture file of certain formats, of a size that is read; ImageError, naming it, for whatever is wrong with it,
    also while it is used."""
    check_file(path, ImageError)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=formats) as image, quiet() if image.format == "TIFF" else nullcontext():
                check_size(path, image.size)
                yield image
    except UnidentifiedImageError:
        if kind := _phone_format(path):
            raise ImageError(f"{path}: {kind}, which is not read; save it as JPEG or PNG") from None
        raise ImageError(f"{path}: not a picture that can be read ({', '.join(formats)} can)") from None
    except Image.DecompressionBombError:
        raise ImageError(f"{path}: too large; at most {MAX_PIXELS // 10**6} megapixels are read") from None
    except MemoryError:
        raise ImageError(f"{path}: not enough memory to read it") from None
    except SemeditError:
        raise
    except Exception as error:  # decoders meet broken files with whatever their parsing stumbles on
        first = next(iter(str(error).splitlines()), type(error).__name__)[:120]
        raise ImageError(f"{path}: damaged or truncated ({first})") from None


def _phone_format(path: str | Path) -> str:
    """What a file of a kind that phones write, and that is not read, is called; nothing for any other."""
    with open(path, "rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        return {b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIC", b"avif": "AVIF"}.get(head[8:], "")
    return "JPEG XL" if head.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")) else ""


_silence = RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Within, what C libraries write to the process's stderr is lost: libtiff writes there of what Pillow reports."""
    with _silence, open(os.devnull, "w") as nowhere:
        try:
            kept = os.dup(2)
        except OSError:  # there is no stderr
            yield
            return
        try:
            os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def check_size(path: str | Path, size: tuple[int, int]) -> None:
    """ImageError for a picture whose sides, pixels, or need of memory are none that is read."""
    width, height = size
    if min(size) < MIN_SIDE:
        raise ImageError(f"{path}: {width}x{height} px is too small; at least {MIN_SIDE} px a side are needed")
    if max(size) > MAX_SIDE:
        raise ImageError(f"{path}: {width}x{height} px is too large; at most {MAX_SIDE} px a side are read")
    if width * height > MAX_PIXELS:
        megapixels = f"{width * height / 1e6:.0f} megapixels"
        raise ImageError(f"{path}: {megapixels} are too many; at most {MAX_PIXELS // 10**6} are read")
    try:
        check_memory(BYTES_A_PIXEL * width * height, f"a picture of {width}x{height} px", "make it smaller first")
    except ConfigError as error:
        raise ImageError(f"{path}: {error}") from None


def to_rgb(image: Image.Image) -> Image.Image:
    """Any Pillow mode as RGB; 16-bit greys are scaled (Pillow would clip them), alpha is put over white.

    Raises ValueError for values that are no finite numbers.
    """
    if image.mode.startswith(("I", "F")):
        image = _grey(image)
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode in ("RGBA", "LA", "PA"):
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def _grey(image: Image.Image) -> Image.Image:
    """Greys of more than 8 bits, or of floats, as 8 bits, a band of rows at a time."""
    values = np.asarray(image)
    highest = float(values.max())
    if not np.isfinite(highest) or not np.isfinite(float(values.min())):
        raise ValueError("its values are NaN or infinite")
    top = 65535.0 if highest > 255 else 255.0 if highest > 1 else 1.0
    bands = np.array_split(values, -(-values.size // 2**20))
    scaled = [(band.astype(np.float64) / top * 255).clip(0, 255).astype(np.uint8) for band in bands]
    return Image.fromarray(np.concatenate(scaled))


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
        if exists(path) and path.is_dir():
            matches = _within(path)
        elif exists(path) or not any(mark in str(item) for mark in "*?["):
            matches = [path]
        else:
            matches = _matching(path)
        found.update(dict.fromkeys(matches))
    return list(found)


def _within(folder: Path) -> list[Path]:
    """The pictures in a folder."""
    try:
        matches = sorted(p for p in folder.iterdir() if p.suffix.lower() in (*ENDINGS, *UNREAD))
    except OSError as error:
        raise ImageError(f"{folder}: this folder may not be read ({error.strerror})") from None
    if not matches:
        raise ImageError(f"{folder}: no pictures in this folder (looked for {', '.join(ENDINGS)})")
    return matches


def _matching(pattern: Path) -> list[Path]:
    """The files that match a pattern."""
    root = Path(pattern.anchor) if pattern.is_absolute() else Path()
    try:
        matches = sorted(p for p in root.glob(str(pattern.relative_to(root))) if p.is_file())
    except (OSError, ValueError, IndexError, NotImplementedError) as error:
        raise ImageError(f"{pattern}: no pattern that can be looked for ({error})") from None
    if not matches:
        raise ImageError(f"{pattern}: nothing matches")
    return matches
