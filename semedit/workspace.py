"""The output folder of the command line: a subfolder and a manifest for each picture, found again later."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from semedit.errors import LatentError
from semedit.faces import Alignment
from semedit.files import make_folder, sha256, write_json
from semedit.generator import SemanticGenerator
from semedit.images import labels_to_colours, save_picture, sheet
from semedit.latent import Latent
from semedit.model import Model
from semedit.protocols import Inversion, Synthesis
from semedit.regions import RegionTable
from semedit.siblings import sibling

MANIFEST, LATENT, TUNED = "manifest.json", "latent.safetensors", "tuned.safetensors"


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
    """Write latent, reconstruction, label map, side-by-side, the way there and manifest of one picture, and the
    difference of its tuned generator if it has one; returns the result record."""
    make_folder(folder)
    latent = inversion.latent.annotated(source=source.name, source_sha256=sha256(source))
    if inversion.tuned:
        sibling("encoders").pivotal_tuning.save_difference(folder / TUNED, inversion.tuned[0], generator)
        latent = latent.annotated(tuned=TUNED)
    shown = inversion.tuned[0] if inversion.tuned else generator
    with torch.no_grad():
        labels = shown(latent.data).labels
    colours = labels_to_colours(labels, generator.regions)
    paths = {name: folder / f"{name}.png" for name in ("reconstruction", "labels", "side-by-side", "steps")}
    latent.save(folder / LATENT)
    save_picture(inversion.reconstruction[0], paths["reconstruction"])
    save_picture(colours[0], paths["labels"])
    row = torch.cat([inversion.target, inversion.reconstruction, colours.to(inversion.target)])
    save_picture(enlarge(sheet(row, columns=3)), paths["side-by-side"])
    if inversion.trajectory is not None:
        save_picture(way(inversion, generator), paths["steps"])
    record = {
        "input": str(source),
        "latent": str(folder / LATENT),
        "reconstruction": str(paths["reconstruction"]),
        "metrics": {name: value.item() for name, value in inversion.metrics.items()},
        "protocols": dict(inversion.protocols),
        "seconds": inversion.seconds,
        "source_sha256": latent.metadata["source_sha256"],
        "method": latent.metadata.get("method"),
        "stopped": inversion.stopped[0] if inversion.stopped else None,
    }
    write_json(folder / MANIFEST, record)
    return record


@torch.no_grad()
def way(inversion: Inversion, generator: SemanticGenerator, most: int = 8) -> torch.Tensor:
    """A strip (3, H', W') of one inversion: codes on its way, denser at the start, its reconstruction, its target."""
    assert inversion.trajectory is not None
    count = len(inversion.trajectory)
    steps = sorted({round(count ** (i / (most - 1))) - 1 for i in range(most)}) if count > most else range(count)
    pictures = [generator(inversion.trajectory[list(steps), 0]).image, inversion.reconstruction, inversion.target]
    strip = torch.cat(pictures)
    return enlarge(sheet(strip, columns=len(strip)), 128)


def model_of(model: Model, latent: Latent, path: Path) -> Model:
    """The model that shows a stored latent: with the generator tuned to its picture, if there is one.

    Raises LatentError if its difference is no longer where the latent says.
    """
    name = latent.metadata.get("tuned")
    if not name:
        return model
    tuned = path.parent / str(name)
    if not tuned.exists():
        raise LatentError(f"{path}: the generator tuned to this picture is missing ({tuned})")
    return model.tuned(sibling("encoders").pivotal_tuning.load_difference(tuned, model.generator))


@dataclass(frozen=True)
class Origin:
    """The photo that a latent was inverted from, its alignment, and the latent file of that inversion."""

    photo: Path
    alignment: Alignment
    latent: Path


def origin(latent: Latent, path: Path, photo: Path | None = None) -> Origin:
    """Where a stored latent, or what was edited from it, comes from; ``photo`` if the file has moved.

    Raises LatentError for a latent that no photo was inverted to, for a photo that is missing, and for another photo.
    """
    if "alignment" not in latent.metadata:
        raise LatentError(f"{path}: was not inverted from a photo, so there is none to paste into")
    folders = path.resolve().parents[:4]
    found = next((f for f in folders if latent.metadata["source_sha256"] == _manifest(f).get("source_sha256")), None)
    if found is None:
        raise LatentError(f"{path}: the folder of its inversion is missing; invert the photo again")
    photo = photo or Path(_manifest(found)["input"])
    if not photo.exists():
        raise LatentError(f"{photo}: the photo of this latent is no longer there; name it with --photo FILE")
    if sha256(photo) != latent.metadata["source_sha256"]:
        raise LatentError(f"{photo}: is not the photo that this latent was inverted from")
    return Origin(photo, Alignment.from_json(latent.metadata["alignment"]), found / LATENT)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    except (OSError, json.JSONDecodeError):
        return {}
    return content


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
