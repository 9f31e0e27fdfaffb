"""The output folder of the command line: a subfolder and a manifest for each picture, found again later."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from semedit.errors import LatentError
from semedit.faces import Alignment
from semedit.files import make_folder, sha256, write_json
from semedit.generator import SemanticGenerator
from semedit.images import find_pictures, labels_to_colours, read_picture, save_picture, sheet
from semedit.latent import Latent
from semedit.model import Model
from semedit.paste import paste_back
from semedit.protocols import Inversion, Synthesis
from semedit.regions import RegionTable
from semedit.siblings import sibling

MANIFEST, LATENT, TUNED, EDITS = "manifest.json", "latent.safetensors", "tuned.safetensors", "edits"
#: The longest name of an edit's folder, in characters.
LONGEST = 120


@dataclass(frozen=True)
class Subject:
    """A picture in the output folder: its own folder, its latent file, and what the user named it by."""

    folder: Path
    latent: Path
    source: str = ""


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
    return Subject(found[-1].parent, found[-1], str(found[-1]))


def latest_edit(out: Path) -> Subject:
    """The newest edit in ``out``. LatentError if there is none."""
    found = sorted(out.glob(f"*/{EDITS}/*/{LATENT}"), key=lambda path: path.stat().st_mtime_ns)
    if not found:
        raise LatentError(f"no edit in {out} yet; make one with 'semedit edit --out {out}'")
    return subject_of(found[-1], out, set())


def mean_subject(model: Model, out: Path) -> Subject:
    """The model's mean code as a picture of the output folder."""
    folder = make_folder(out / "mean")
    latent = model.generator.latent(model.generator.mean_w().cpu())
    latent.save(folder / LATENT)
    save_picture(model.synthesise(latent).image[0], folder / "reconstruction.png")
    return Subject(folder, folder / LATENT, "mean")


def find_sources(inputs: list[str]) -> list[Path]:
    """Latents and pictures: those named, or matching a glob; of a folder its latents, or else its inversions, or else
    its pictures. Raises ImageError for an input that gives nothing."""
    found: dict[Path, None] = {}
    for item in inputs:
        folder = Path(item)
        inside = sorted(folder.glob("*.safetensors")) or sorted(folder.glob(f"*/{LATENT}")) if folder.is_dir() else []
        latents = [path for path in inside if path.name != TUNED]
        found.update(dict.fromkeys(latents or find_pictures([item])))
    return list(found)


def subject_of(path: Path, out: Path, taken: set[Path]) -> Subject:
    """A latent file as a picture of the output folder: in the folder where it lies, if that is inside ``out``."""
    own = path.parent.parent.parent if path.parent.parent.name == EDITS else path.parent
    if path.name == LATENT and out.resolve() in path.resolve().parents:
        return Subject(own, path, str(path))
    stem = own.name if path.name == LATENT else path.stem
    return Subject(subject_folder(out, Path(f"{stem or 'latent'}.safetensors"), taken), path, str(path))


def codes_of(subject: Subject, generator: SemanticGenerator) -> list[tuple[Subject, Latent]]:
    """The codes of a subject's file, each with a folder of its own if there are several.

    Raises LatentError for a file that is no latent, or of another generator.
    """
    latent = Latent.load(subject.latent)
    generator.check(latent)
    if len(latent) == 1:
        return [(subject, latent)]
    base = subject.folder if subject.latent.name != LATENT else subject.folder.parent / subject.folder.name
    folders = [base.with_name(f"{base.name}-{index:04d}") for index in range(len(latent))]
    return [(Subject(folder, subject.latent, subject.source), latent[i]) for i, folder in enumerate(folders)]


def edit_folder(subject: Subject, latent: Latent) -> Path:
    """The folder of an edited latent: named by all its edits, or "original" if none is left."""
    name = "__".join(_label(event) for event in latent.history) or "original"
    if len(name) > LONGEST:
        name = f"{name[:LONGEST]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return subject.folder / EDITS / name


def _label(event: Mapping[str, Any]) -> str:
    """One edit in a folder's name."""
    what = event.get("attr") or event.get("text") or event.get("method") or "edit"
    parts = [f"{what[:40]}{event.get('strength', 1):+.3g}", str(event.get("regions", ""))]
    if event.get("attr") and event.get("method") != "interfacegan":
        parts.append(str(event["method"]))
    if event.get("reference"):
        parts.append(f"from-{event['reference']}")
    text = "_".join(part for part in parts if part).replace(",", "+").replace(":", "-")
    return "".join(letter if letter.isalnum() or letter in "+-_." else "-" for letter in text)


def placed(latent: Latent, source: Path, folder: Path) -> Latent:
    """A latent made from that of the file ``source``, to be kept in ``folder``: the way to its tuned generator."""
    tuned = Latent.load(source).metadata.get("tuned")
    return latent.annotated(tuned=os.path.relpath(source.parent / tuned, folder)) if tuned else latent


def save_row(pictures: list[torch.Tensor], path: Path) -> str:
    """Write pictures (1, 3, H, W) in a row; returns the path."""
    save_picture(enlarge(sheet(torch.cat(pictures), columns=len(pictures)), 128), path)
    return str(path)


def save_pasted(model: Model, origin: Origin, edited: torch.Tensor, path: Path) -> str:
    """Write the photo with an edited crop (3, H, W) in its place; returns the path."""
    reconstruction = model.synthesise(Latent.load(origin.latent)).image[0]
    save_picture(paste_back(read_picture(origin.photo), origin.alignment, reconstruction, edited), path)
    return str(path)


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
