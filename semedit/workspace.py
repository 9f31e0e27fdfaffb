"""The output folder of the command line: a subfolder and a manifest for each picture, found again later."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from semedit.errors import LatentError
from semedit.files import make_folder, sha256, write_json
from semedit.generator import SemanticGenerator
from semedit.images import labels_to_colours, save_picture, sheet
from semedit.latent import Latent
from semedit.protocols import Inversion, Synthesis
from semedit.regions import RegionTable

MANIFEST, LATENT = "manifest.json", "latent.safetensors"


@dataclass(frozen=True)
class Subject:
    """A picture in the output folder: its own folder and its latent file."""

    folder: Path
    latent: Path


def subject_folder(out: Path, source: Path, taken: set[Path]) -> Path:
    """The folder for a picture, ``out/<stem>``, or ``<stem>-2`` ... if another picture of this run has it."""
    folder, number = out / source.stem, 2
    while folder in taken:
        folder, number = out / f"{source.stem}-{number}", number + 1
    taken.add(folder)
    return folder


def save_inversion(folder: Path, source: Path, inversion: Inversion, generator: SemanticGenerator) -> dict[str, Any]:
    """Write latent, reconstruction, label map, side-by-side and manifest of one picture; returns the result record."""
    make_folder(folder)
    latent = inversion.latent.annotated(source=source.name, source_sha256=sha256(source))
    with torch.no_grad():
        labels = generator(latent.data).labels
    colours = labels_to_colours(labels, generator.regions)
    paths = {name: folder / f"{name}.png" for name in ("reconstruction", "labels", "side-by-side")}
    latent.save(folder / LATENT)
    save_picture(inversion.reconstruction[0], paths["reconstruction"])
    save_picture(colours[0], paths["labels"])
    row = torch.cat([inversion.target, inversion.reconstruction, colours.to(inversion.target)])
    save_picture(enlarge(sheet(row, columns=3)), paths["side-by-side"])
    record = {
        "input": str(source),
        "latent": str(folder / LATENT),
        "reconstruction": str(paths["reconstruction"]),
        "metrics": {name: value.item() for name, value in inversion.metrics.items()},
        "protocols": dict(inversion.protocols),
        "seconds": inversion.seconds,
    }
    write_json(folder / MANIFEST, record)
    return record


def latest(out: Path) -> Subject:
    """The newest inversion in ``out``. LatentError, saying how to make one, if there is none."""
    found = sorted(out.glob(f"*/{LATENT}"), key=lambda path: path.stat().st_mtime_ns)
    if not found:
        raise LatentError(f"no inversion in {out} yet; make one with 'semedit invert PICTURE --out {out}'")
    return Subject(found[-1].parent, found[-1])


def save_edit(
    folder: Path, latent: Latent, before: Synthesis, after: Synthesis, regions: RegionTable
) -> dict[str, str]:
    """Write edited picture, before/after/difference, label map and latent; returns their paths."""
    make_folder(folder)
    paths = {
        "image": folder / "edited.png",
        "comparison": folder / "before-after-difference.png",
        "labels": folder / "labels.png",
        "latent": folder / LATENT,
    }
    difference = (after.image - before.image).abs() - 1
    save_picture(after.image[0], paths["image"])
    save_picture(enlarge(sheet(torch.cat([before.image, after.image, difference]), columns=3)), paths["comparison"])
    save_picture(labels_to_colours(after.labels, regions)[0], paths["labels"])
    latent.save(paths["latent"])
    return {name: str(path) for name, path in paths.items()}


def enlarge(image: torch.Tensor, side: int = 256) -> torch.Tensor:
    """Repeat the pixels of a small picture (3, H, W), so that a person can look at it."""
    factor = max(1, side // image.shape[-2])
    return image.repeat_interleave(factor, 1).repeat_interleave(factor, 2)
