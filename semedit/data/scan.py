"""A look at a data set before any training: every bad file and why, sizes, and how much of the area each region has."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from semedit.data.collection import Collection, PictureFolder, aspects_differ, mismatch, shape
from semedit.data.label_map import LabelMap
from semedit.errors import ImageError

EMPTY_SHARE = 1e-4


@dataclass
class Scan:
    """The result of :func:`scan`. ``area`` is each region's share of all labelled pixels, ``present`` the share of
    pictures in which it occurs; ``sizes`` counts picture sizes; ``remarks`` are no errors but worth a look."""

    pictures: int = 0
    bad: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[tuple[str, str]] = field(default_factory=list)
    sizes: Counter[str] = field(default_factory=Counter)
    area: dict[str, float] = field(default_factory=dict)
    present: dict[str, float] = field(default_factory=dict)


def scan(
    collection: Collection, labels: LabelMap, size: int = 0, progress: Callable[[int, int], None] | None = None
) -> Scan:
    """Read every file of ``collection`` once. ``size`` (0: none) is the training size, below which pictures are odd."""
    result = Scan(pictures=len(collection))
    regions = len(labels.table)
    pixels, seen, good = np.zeros(regions + 1), np.zeros(regions + 1), 0
    for index in range(len(collection)):
        try:
            pair = collection.read(index)
            result.sizes[shape(pair.picture)] += 1
            if pair.label is not None:
                indices = labels.decode(pair.label, pair.label_name)
                counts = np.bincount(indices.ravel(), minlength=regions + 1)
                if aspects_differ(pair.picture.size, pair.label.size):
                    raise ImageError(f"{pair.label_name}: {mismatch(pair)}")
                pixels, seen, good = pixels + counts / indices.size, seen + (counts > 0), good + 1
                if np.count_nonzero(counts) == 1:
                    result.remarks.append((pair.label_name, f"all of one region ({names_of(labels)[counts.argmax()]})"))
            if min(pair.picture.size) < size:
                result.remarks.append((pair.name, f"{shape(pair.picture)} will be enlarged to {size} px"))
            elif pair.picture.width != pair.picture.height:
                result.remarks.append((pair.name, f"{shape(pair.picture)} is not square; its middle will be used"))
        except ImageError as error:
            file, _, reason = str(error).partition(": ")
            result.bad.append((file, reason))
        if progress:
            progress(index + 1, len(collection))
    if isinstance(collection, PictureFolder) and collection.labelled:
        stems = {path.stem for path in collection.files}
        result.bad += [
            (str(path), f"a label image without a picture in {collection.images}")
            for stem, path in sorted(collection.partners.items()) if stem not in stems
        ]  # fmt: skip
    if good:
        result.area = {name: float(pixels[i] / good) for i, name in enumerate(names_of(labels))}
        result.present = {name: float(seen[i] / good) for i, name in enumerate(names_of(labels))}
        rare = [name for name, share in result.area.items() if share < EMPTY_SHARE and name != "(no region)"]
        result.remarks += [(name, "hardly occurs: under 0.01 % of the area") for name in rare]
    return result


def names_of(labels: LabelMap) -> list[str]:
    """Region names, and one for pixels that belong to none."""
    return [*labels.table.names, "(no region)"]
