"""What the numbers or colours of a label image mean: a YAML file that maps them to regions.

    regions: [background, skin, left_eye, right_eye, hair]   # or: celebamask
    labels: {0: background, 1: skin, 17: hair, 18: hair, "255,0,0": left_eye, "#0000ff": right_eye}
    ignore: [255]                                            # pixels without any region
    transparent: []
    flip_pairs: [[left_eye, right_eye]]                      # exchanged when a picture is mirrored
    groups: {eyes: [left_eye, right_eye]}

Several labels may go to one region (a merge). A label that is not listed is an error that names file and value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from semedit.errors import ConfigError, ImageError
from semedit.latents.regions import CELEBAMASK, PALETTE, RegionTable
from semedit.storage.content import check_file, reading

KEYS = ("regions", "labels", "ignore", "transparent", "flip_pairs", "groups")
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class LabelMap:
    """Labels (or colours) -> region indices of ``table``; ``len(table)`` stands for "no region"."""

    table: RegionTable
    labels: Mapping[int, int]
    colours: Mapping[Colour, int]

    @classmethod
    def identity(cls, table: RegionTable) -> "LabelMap":
        """Labels that are the table's region indices already."""
        return cls(table, {i: i for i in range(len(table))}, {})

    @classmethod
    def read(cls, path: str | Path) -> "LabelMap":
        """Read a label map file. Raises ConfigError naming what is wrong in it."""
        try:
            with reading(check_file(path, ConfigError), ConfigError):
                content = yaml.safe_load(Path(path).read_text())
        except yaml.YAMLError as error:
            raise ConfigError(f"{path}: cannot be read as a label map ({str(error).splitlines()[0]})") from None
        if not isinstance(content, dict) or not {"regions", "labels"} <= content.keys():
            raise ConfigError(f"{path}: a label map has at least 'regions' and 'labels'")
        if unknown := sorted(set(map(str, content)) - set(KEYS)):
            raise ConfigError(f"{path}: unknown entry '{unknown[0]}' (valid: {', '.join(KEYS)})")
        with reading(path, ConfigError):
            return cls.of(content)

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "LabelMap":
        """The map that the file's content describes."""
        if content["regions"] == "celebamask":
            table = CELEBAMASK
        else:
            names = tuple(str(name) for name in content["regions"])
            table = RegionTable(
                names=names,
                colours=tuple(PALETTE[i % len(PALETTE)] for i in range(len(names))),
                groups={str(k): tuple(v) for k, v in content.get("groups", {}).items()},
                transparent=tuple(content.get("transparent", ())),
                flip_pairs=tuple((str(a), str(b)) for a, b in content.get("flip_pairs", ())),
            )
        labels: dict[int, int] = {}
        colours: dict[Colour, int] = {}
        targets = [(key, table.index(str(region))) for key, region in content["labels"].items()]
        for key, region in [*targets, *((key, len(table)) for key in content.get("ignore", ()))]:
            value = parse_key(key)
            if isinstance(value, int):
                labels[value] = region
            else:
                colours[value] = region
        if labels and colours:
            raise ConfigError("label numbers and colours cannot be mixed in one map")
        return cls(table, labels, colours)

    def decode(self, image: Image.Image, name: str | Path) -> np.ndarray:
        """Region indices (H, W), uint8, of a label image. Raises ImageError naming file and value."""
        return self._of_colours(image, name) if self.colours else self._of_labels(label_values(image, name), name)

    def _of_labels(self, values: np.ndarray, name: str | Path) -> np.ndarray:
        present = np.unique(values)
        strange = [int(v) for v in present if int(v) not in self.labels]
        if strange:
            raise ImageError(f"{name}: label {strange[0]} is not in the label map ({_few(self.labels)})")
        table = np.zeros(int(present.max()) + 1, np.uint8)
        for value in present:
            table[value] = self.labels[int(value)]
        return table[values]

    def _of_colours(self, image: Image.Image, name: str | Path) -> np.ndarray:
        rgb = np.asarray(image.convert("RGB")).astype(np.int64)
        codes = (rgb[..., 0] << 16) | (rgb[..., 1] << 8) | rgb[..., 2]
        present, inverse = np.unique(codes, return_inverse=True)
        regions = np.zeros(len(present), np.uint8)
        for i, code in enumerate(present.tolist()):
            colour = (code >> 16, code >> 8 & 255, code & 255)
            if colour not in self.colours:
                raise ImageError(f"{name}: colour {','.join(map(str, colour))} is not in the label map")
            regions[i] = self.colours[colour]
        return regions[inverse].reshape(codes.shape)


def label_values(image: Image.Image, name: str | Path) -> np.ndarray:
    """The label numbers (H, W) of an image: palette indices, 8- or 16-bit greys, or a grey kept as RGB."""
    if image.mode == "P" or image.mode in ("L", "1") or image.mode.startswith("I"):
        return np.asarray(image).astype(np.int64)
    channels = np.asarray(image.convert("RGB"))
    if (channels[..., :1] != channels).any():
        raise ImageError(f"{name}: a colour label image; a label map with colours says what they mean")
    return channels[..., 0].astype(np.int64)


def parse_key(key: object) -> int | Colour:
    """A label number, or a colour written "r,g,b" or "#rrggbb"; ConfigError otherwise.

    >>> parse_key(17), parse_key("255,0,0"), parse_key("#0000ff")
    (17, (255, 0, 0), (0, 0, 255))
    """
    text = str(key).strip()
    try:
        if text.startswith("#") and len(text) == 7:
            parts = [int(text[i : i + 2], 16) for i in (1, 3, 5)]
        else:
            parts = [int(part) for part in text.split(",")]
    except ValueError:
        parts = []
    if len(parts) == 1 and 0 <= parts[0] <= 65535:
        return parts[0]
    if len(parts) == 3 and all(0 <= part <= 255 for part in parts):
        return parts[0], parts[1], parts[2]
    raise ConfigError(f"'{key}' is neither a label (0..65535) nor a colour ('r,g,b' or '#rrggbb')")


def _few(values: Mapping[int, int], most: int = 12) -> str:
    known = sorted(values)
    return "it knows " + ", ".join(map(str, known[:most])) + (", ..." if len(known) > most else "")
