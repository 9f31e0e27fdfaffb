"""Pictures out: PNG or JPEG files, sheets of several pictures, label maps in colours."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from semedit.errors import OutputError
from semedit.latents.regions import RegionTable
from semedit.pictures.provenance import DRAWN, Mark, carried, sign
from semedit.pictures.tensors import enlarge, to_images, to_picture
from semedit.storage.atomic import check_output, replacing
from semedit.storage.memory import check_memory

KINDS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
#: How many copies of a sheet there are while it is made and written: pictures, canvas, enlarged, 8 bits.
COPIES = 3
#: The most pixels of one sheet of many pictures, enlarged.
MOST_PIXELS = 2**24

#: The mark of what nothing more is known of.
SAMPLED = Mark()


def save_picture(image: Tensor | Image.Image, path: str | Path, mark: Mark | None = SAMPLED,
                 metadata: Mapping[str, Any] | None = None) -> None:  # fmt: skip
    """Write a picture atomically; the ending chooses the format (PNG, JPEG, WEBP). Raises OutputError for another.

    ``mark`` says where it comes from (by default a model's sample; None writes none), ``metadata`` are further options
    of Pillow's, such as those of :func:`semedit.pictures.provenance.kept_metadata`.
    """
    picture = to_picture(image) if isinstance(image, Tensor) else image
    kind = picture_kind(path)
    options = {**(metadata or {}), **carried(mark, kind), **({} if kind == "PNG" else {"quality": 92})}
    with replacing(path) as temporary:
        picture.save(temporary, format=kind, **options)
        sign(temporary, mark, kind)


def picture_kind(path: str | Path) -> str:
    """The format that a picture's ending means. Raises OutputError for one that pictures are not written with.

    >>> picture_kind("sheet.JPG")
    'JPEG'
    """
    kind = KINDS.get(Path(path).suffix.lower())
    if kind is None:
        raise OutputError(f"{path}: pictures are written as {', '.join(KINDS)}; the ending says which")
    return kind


def check_picture(path: str | Path) -> Path:
    """``path``, if a picture may be written there; OutputError, before the work, if not."""
    picture_kind(path)
    return check_output(path)


def check_sheet(count: int, columns: int, height: int, width: int, what: str, remedy: str) -> None:
    """ConfigError where ``count`` pictures, and their sheet of so many columns, need more memory than there is."""
    columns = min(columns, count)
    cells = count + columns * -(-count // columns)
    check_memory(COPIES * 12 * cells * (height + 2) * (width + 2), what, remedy)


def sheet(images: Tensor, columns: int, gap: int = 2) -> Tensor:
    """One picture (3, H', W') of a batch (B, 3, H, W) in rows of ``columns``, or of all if they are fewer, on white."""
    count, _, height, width = images.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    canvas = torch.ones(3, rows * (height + gap) - gap, columns * (width + gap) - gap)
    for i, image in enumerate(images.cpu().float()):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        canvas[:, top : top + height, left : left + width] = image
    return canvas


class SheetWriter:
    """Sheets of pictures that come bit by bit: as many in each as MOST_PIXELS allow, in whole rows of ``columns``.

    The first is the file ``path``, others are beside it (``sheet-2.png``); pixels are enlarged by ``scale``; each
    carries ``mark``. It holds one sheet's pictures at a time.
    """

    def __init__(self, path: str | Path, columns: int, scale: int = 1, mark: Mark | None = SAMPLED):
        self.path, self.columns, self.scale, self.mark = Path(path), columns, scale, mark
        self.files: list[str] = []
        self._waiting: list[Tensor] = []

    def add(self, images: Tensor) -> None:
        """Put pictures (B, 3, H, W) behind those before; full sheets are written."""
        most = self.most(*images.shape[-2:])
        for image in images.cpu():
            self._waiting.append(image)
            if len(self._waiting) == most:
                self._write()

    def most(self, height: int, width: int) -> int:
        """How many pictures of so many px one sheet takes."""
        return max(1, MOST_PIXELS // (height * width * self.scale**2) // self.columns) * self.columns

    def finish(self) -> list[str]:
        """Write what is left; the files of all sheets."""
        if self._waiting:
            self._write()
        return self.files

    def _write(self) -> None:
        number = f"-{len(self.files) + 1}" if self.files else ""
        path = self.path.with_stem(f"{self.path.stem}{number}")
        save_picture(enlarge(sheet(torch.stack(self._waiting), self.columns), self.scale), path, self.mark)
        self.files.append(str(path))
        self._waiting = []


def labels_to_colours(labels: Tensor, regions: RegionTable) -> Tensor:
    """Label maps (B, H, W) as coloured pictures (B, 3, H, W) in [-1, 1]."""
    table = to_images(torch.tensor(regions.colours, device=labels.device))
    return table[labels.long()].permute(0, 3, 1, 2)


def save_labels(labels: Tensor, path: str | Path) -> None:
    """Write a label map (H, W) as an 8-bit greyscale PNG of label indices, atomically."""
    save_picture(Image.fromarray(labels.to(torch.uint8).cpu().numpy()), path, Mark(DRAWN))


def save_mask(weight: Tensor, path: str | Path) -> None:
    """Write weights (H, W) in [0, 1] as an 8-bit greyscale PNG, white for 1, atomically."""
    save_picture(Image.fromarray((weight * 255).round().to(torch.uint8).cpu().numpy()), path, Mark(DRAWN))


def magnify(image: Tensor, side: int = 256) -> Tensor:
    """Repeat the pixels of a small picture (3, H, W), so that a person can look at it."""
    return enlarge(image, max(1, side // image.shape[-2]))
