"""CelebAMask-HQ's raw download -> the folders that SemanticStyleGAN is trained on.

Raw: ``CelebA-HQ-img/{i}.jpg`` and ``CelebAMask-HQ-mask-anno/{i // 2000}/{i:05d}_{part}.png``, one binary picture a
part. Prepared: ``image_train``, ``label_train``, ``image_val``, ``label_val`` with ``{i}.jpg`` (bytes copied) and
``{i}.png`` (512 px labels of the 13 merged classes).
"""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from semedit.errors import ConfigError, ImageError
from semedit.latents.regions import CELEBAMASK
from semedit.pictures.sheets import save_picture
from semedit.storage.atomic import make_folder, replacing

IMAGES, PARTS = "CelebA-HQ-img", "CelebAMask-HQ-mask-anno"
SIZE, FIRST_HELD_OUT = 512, 28_000
#: Parts in painting order (later ones overwrite earlier ones) and the region of each.
PAINT_ORDER = (
    ("skin", "skin"), ("eye_g", "glasses"), ("l_eye", "eyes"), ("r_eye", "eyes"), ("l_brow", "brows"),
    ("r_brow", "brows"), ("mouth", "mouth"), ("l_lip", "mouth"), ("u_lip", "mouth"), ("nose", "nose"),
    ("hair", "hair"), ("l_ear", "ears"), ("r_ear", "ears"), ("neck", "neck"), ("neck_l", "neck"), ("cloth", "cloth"),
    ("hat", "hat"), ("ear_r", "earrings"),
)  # fmt: skip


@dataclass
class Prepared:
    """What :func:`prepare_celebamask` did: pictures by split, those without any part, and those that failed and why."""

    counts: dict[str, int] = field(default_factory=lambda: {"train": 0, "val": 0})
    unlabelled: list[int] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)


def merge_parts(folder: Path, index: int) -> tuple[np.ndarray, int]:
    """The label map (512, 512), uint8, of one picture, and how many part files it has.

    A pixel belongs to a part where the annotation is exactly 255 as grey. Raises ImageError for a damaged part.
    """
    labels, found = np.zeros((SIZE, SIZE), np.uint8), 0
    for part, region in PAINT_ORDER:
        path = folder / str(index // 2000) / f"{index:05d}_{part}.png"
        if not path.exists():
            continue
        try:
            with Image.open(path) as image:
                grey = np.asarray(image.convert("L"))
        except (OSError, SyntaxError, ValueError) as error:
            raise ImageError(f"{path}: damaged ({error})") from None
        if grey.shape != labels.shape:
            raise ImageError(f"{path}: {grey.shape[1]}x{grey.shape[0]} px instead of {SIZE}x{SIZE}")
        labels[grey == 255] = CELEBAMASK.index(region)
        found += 1
    return labels, found


def prepare_celebamask(
    raw: str | Path, out: str | Path, *, workers: int = 4, progress: Callable[[int, int], None] | None = None
) -> Prepared:
    """Write the four folders below ``out``; pictures that are there already are skipped, so that a stopped run goes on.

    Raises ConfigError if ``raw`` does not have the download's layout. Damaged files are listed and do not stop it.
    """
    images, parts = Path(raw) / IMAGES, Path(raw) / PARTS
    for folder in (images, parts):
        if not folder.is_dir():
            raise ConfigError(f"{folder} is missing; the raw CelebAMask-HQ has {IMAGES}/ and {PARTS}/")
    indices = sorted(int(path.stem) for path in images.glob("*.jpg") if path.stem.isdigit())
    if not indices:
        raise ConfigError(f"{images}: no pictures called 0.jpg, 1.jpg, ...")
    folders = {name: make_folder(Path(out) / name) for name in ("image_train", "label_train", "image_val", "label_val")}
    result = Prepared()

    def one(index: int) -> tuple[str, bool, str]:
        split = "train" if index < FIRST_HELD_OUT else "val"
        picture, label = folders[f"image_{split}"] / f"{index}.jpg", folders[f"label_{split}"] / f"{index}.png"
        labelled = True
        try:
            if not label.exists():
                labels, found = merge_parts(parts, index)
                labelled = found > 0
                save_picture(Image.fromarray(labels), label, None)  # people have made it
            if not picture.exists():
                with replacing(picture) as temporary:
                    shutil.copyfile(images / f"{index}.jpg", temporary)
        except ImageError as error:
            return split, labelled, str(error)
        return split, labelled, ""

    with ThreadPoolExecutor(workers) as pool:
        for done, (index, (split, labelled, problem)) in enumerate(
            zip(indices, pool.map(one, indices), strict=True), 1
        ):
            if problem:
                result.failed.append((f"{index}.jpg", problem))
            else:
                result.counts[split] += 1
            if not labelled:
                result.unlabelled.append(index)
            if progress:
                progress(done, len(indices))
    return result
