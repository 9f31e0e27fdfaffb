"""Pictures and label maps where people keep them: plain folders, and the LMDBs of the official tools.

A collection gives pairs of (picture, label image or None) by index; :func:`prepare` brings a pair to training size.
"""

import io
import os
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from semedit.data.label_map import LabelMap
from semedit.errors import ConfigError, ImageError
from semedit.pictures.reading import ENDINGS, opened_picture, read_picture, resize

#: Names of the folders of pictures and of labels that are looked for inside a data folder.
FOLDERS = (("images", "labels"), ("image_train", "label_train"), ("image", "label"))


#: Formats of label images: those that keep every value.
LABEL_FORMATS = ("PNG", "BMP", "TIFF", "GIF", "PPM")


@dataclass(frozen=True)
class Pair:
    """One picture (RGB) and its label image, if there is one, under the name by which errors call them."""

    name: str
    picture: Image.Image
    label: Image.Image | None
    label_name: str = ""


class Collection(Protocol):
    """Pictures by index. ``read`` raises ImageError for one that is damaged or has no partner."""

    labelled: bool

    def __len__(self) -> int: ...

    def read(self, index: int) -> Pair: ...


def picture_files(folder: Path) -> list[Path]:
    """All picture files below a folder, sorted as strings (0, 1, 10, 100, ...), as the official tools order them."""
    return sorted((p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS), key=str)


def by_stem(files: list[Path]) -> dict[str, Path]:
    """Files by base name; ConfigError if two share one."""
    names = Counter(path.stem for path in files)
    if double := next((name for name, count in names.items() if count > 1), None):
        both = [str(path) for path in files if path.stem == double][:2]
        raise ConfigError(
            f"two files are called '{double}' ({both[0]} and {both[1]}); base names match labels to pictures"
        )
    return {path.stem: path for path in files}


def read_label(path: Path) -> Image.Image:
    """A label image as it is stored, palette and bit depth untouched. Raises ImageError."""
    with opened_picture(path, LABEL_FORMATS) as image:
        image.load()
        return image.copy()


class PictureFolder:
    """A folder of pictures, with a folder of label images of the same base names beside it.

    ``path`` holds ``images/`` and ``labels/`` (or ``image_train/`` and ``label_train/``), or, without labels, pictures
    directly. Raises ConfigError if nothing is there.
    """

    def __init__(self, path: str | Path, labelled: bool):
        root = Path(path)
        pair = next(((root / a, root / b) for a, b in FOLDERS if (root / a).is_dir()), None)
        if pair is None and labelled:
            wanted = " or ".join(f"{a}/ with {b}/" for a, b in FOLDERS)
            raise ConfigError(f"{root}: no folders of pictures and labels in it ({wanted})")
        self.images, self.labels, self.labelled = *(pair or (root, root)), labelled
        self.files = picture_files(self.images) if self.images.is_dir() else []
        if not self.files:
            raise ConfigError(f"{self.images}: no pictures there")
        self.partners = by_stem(picture_files(self.labels)) if labelled else {}
        if labelled:
            by_stem(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def read(self, index: int) -> Pair:
        path = self.files[index]
        if not self.labelled:
            return Pair(str(path), read_picture(path), None)
        partner = self.partners.get(path.stem)
        if partner is None:
            raise ImageError(f"{path}: no label image called '{path.stem}' in {self.labels}")
        return Pair(str(path), read_picture(path), read_label(partner), str(partner))


@cache
def lmdb_environment(path: Path, process: int) -> Any:  # noqa: ARG001 (an environment must not cross a fork)
    """The read-only environment of a process, opened once, as LMDB asks."""
    try:
        import lmdb
    except ImportError:
        raise ConfigError("reading an LMDB needs the lmdb package: pip install 'semedit[lmdb]'") from None
    try:
        return lmdb.open(
            str(path), readonly=True, lock=False, readahead=False, meminit=False, max_readers=32, subdir=path.is_dir()
        )
    except lmdb.Error as error:
        raise ConfigError(f"{path}: cannot be read as an LMDB ({error})") from None


class LmdbCollection:
    """An LMDB of the official tools: ``image-%07d`` with ``label-%07d``, or ``<size>-%05d`` for pictures alone.

    Raises ConfigError if the file holds neither, or no pictures of ``size``.
    """

    def __init__(self, path: str | Path, size: int, labelled: bool):
        self.path, self.size, self.labelled = Path(path).resolve(), size, labelled
        paired, alone = self._get("image-length"), self._get("length")
        if labelled and paired is None:
            raise ConfigError(f"{path}: an LMDB without labels (no 'image-length'); masks are needed to train on it")
        length = paired if paired is not None else alone
        if length is None:
            raise ConfigError(f"{path}: an LMDB with neither 'image-length' nor 'length'")
        self.paired, self.length = paired is not None, int(length)
        if not self.paired and self._get(f"{size}-{0:05d}") is None:
            raise ConfigError(f"{path}: no pictures of {size} px in this LMDB")

    def _get(self, key: str) -> bytes | None:
        with lmdb_environment(self.path, os.getpid()).begin(write=False) as transaction:
            content: bytes | None = transaction.get(key.encode())
            return content

    def __len__(self) -> int:
        return self.length

    def read(self, index: int) -> Pair:
        key = f"image-{index:07d}" if self.paired else f"{self.size}-{index:05d}"
        label = None
        if self.labelled:
            label = self._picture(f"label-{index:07d}")
        return Pair(f"{self.path}:{key}", self._picture(key).convert("RGB"), label, f"{self.path}:label-{index:07d}")

    def _picture(self, key: str) -> Image.Image:
        content = self._get(key)
        if content is None:
            raise ImageError(f"{self.path}: entry '{key}' is missing")
        try:
            image = Image.open(io.BytesIO(content))
            image.load()
        except (OSError, SyntaxError, ValueError) as error:
            raise ImageError(f"{self.path}: entry '{key}' is damaged ({error})") from None
        return image


def open_collection(path: str | Path, size: int, labelled: bool) -> Collection:
    """The pictures at ``path``: a folder, or an LMDB (a folder with data.mdb in it, or a file)."""
    root = Path(path)
    if not root.exists():
        raise ConfigError(f"{root}: no such folder; 'semedit data' prepares and checks data sets")
    if root.is_file() or (root / "data.mdb").exists():
        return LmdbCollection(root, size, labelled)
    return PictureFolder(root, labelled)


def prepare(pair: Pair, size: int, labels: LabelMap | None) -> tuple[Tensor, Tensor]:
    """Picture (3, S, S) and region indices (S, S), both uint8, centre-cropped and resized (Lanczos, nearest).

    Without labels the indices are an empty tensor. Raises ImageError for a label that the map does not know, or a label
    image of another shape than its picture.
    """
    picture = pair.picture if pair.picture.size == (size, size) else resize(pair.picture, size)
    pixels = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).contiguous()
    if pair.label is None or labels is None:
        return pixels, torch.empty(0, dtype=torch.uint8)
    if aspects_differ(pair.picture.size, pair.label.size):
        raise ImageError(f"{pair.label_name}: {mismatch(pair)}")
    indices = Image.fromarray(labels.decode(pair.label, pair.label_name))
    if indices.size != (size, size):
        side = min(indices.size)
        left, top = (indices.width - side) // 2, (indices.height - side) // 2
        indices = indices.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.NEAREST)
    return pixels, torch.from_numpy(np.asarray(indices).copy())


def shape(image: Image.Image) -> str:
    return f"{image.width}x{image.height}"


def mismatch(pair: Pair) -> str:
    """What is said of a label image of another shape than its picture."""
    assert pair.label is not None
    return f"{shape(pair.label)} labels for a {shape(pair.picture)} picture"


def aspects_differ(a: tuple[int, int], b: tuple[int, int]) -> bool:
    """Whether two sizes are of clearly different aspect (more than a pixel's worth of rounding).

    >>> aspects_differ((1024, 683), (512, 341)), aspects_differ((512, 512), (512, 256))
    (False, True)
    """
    return abs(a[0] * b[1] - a[1] * b[0]) > max(*a, *b)
