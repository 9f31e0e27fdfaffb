"""The output folder, read: pictures that were inverted or edited, found again by name, by glob, or as the latest."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from encoders.pivotal_tuning import load_difference
from semedit.editing.marks import mark_of
from semedit.editing.model import Model
from semedit.errors import LatentError
from semedit.latents.latent import Latent
from semedit.networks.style_based import StyleBasedGenerator
from semedit.pictures.alignment import Alignment
from semedit.pictures.reading import find_pictures
from semedit.pictures.sheets import save_picture
from semedit.storage.atomic import make_folder, sha256

MANIFEST, LATENT, TUNED, EDITS = "manifest.json", "latent.safetensors", "tuned.safetensors", "edits"
#: The folder of the model's mean code, which nobody has inverted.
MEAN = "mean"


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
    return model.tuned(load_difference(tuned, model.generator))


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
    found = _inversion(latent, path)
    if found is None:
        raise LatentError(f"{path}: the folder of its inversion is missing; invert the photo again")
    photo = photo or Path(manifest(found)["input"])
    if not photo.exists():
        raise LatentError(f"{photo}: the photo of this latent is no longer there; name it with --photo FILE")
    if sha256(photo) != latent.metadata["source_sha256"]:
        raise LatentError(f"{photo}: is not the photo that this latent was inverted from")
    return Origin(photo, Alignment.from_json(latent.metadata["alignment"]), found / LATENT)


def reconstruction_psnr(latent: Latent, path: Path) -> float | None:
    """PSNR in dB of the inversion that a stored latent comes from; None where it is not known."""
    known = latent.metadata.get("psnr")
    if known is None and (folder := _inversion(latent, path)) is not None:
        measured = manifest(folder).get("metrics")
        known = measured.get("psnr") if isinstance(measured, dict) else None
    return float(known) if isinstance(known, int | float) else None


def _inversion(latent: Latent, path: Path) -> Path | None:
    """The folder of the inversion that a stored latent comes from: above it, with the same photo in its manifest."""
    source = latent.metadata.get("source_sha256")
    folders = path.resolve().parents[:4] if source else ()
    return next((folder for folder in folders if manifest(folder).get("source_sha256") == source), None)


def manifest(folder: Path) -> dict[str, Any]:
    """What the manifest of a folder says; nothing if there is none that can be read."""
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    except (OSError, json.JSONDecodeError):
        return {}
    return content


def made(path: Path) -> int:
    """When a latent of the output folder was made, in ns since 1970: its manifest says so, whatever has become of its
    file since; where it does not, the file's own time."""
    known = manifest(path.parent).get("made_ns")
    return known if isinstance(known, int) else path.stat().st_mtime_ns


def latest(out: Path) -> Subject:
    """The newest inversion in ``out``. LatentError, saying how to make one, if there is none."""
    found = sorted((path for path in out.glob(f"*/{LATENT}") if path.parent.name != MEAN), key=made)
    if not found:
        raise LatentError(f"no inversion in {out} yet; make one with 'semedit invert PICTURE --out {out}'")
    return Subject(found[-1].parent, found[-1], str(found[-1]))


def latest_edit(out: Path) -> Subject:
    """The newest edit in ``out``. LatentError if there is none."""
    found = sorted(out.glob(f"*/{EDITS}/*/{LATENT}"), key=made)
    if not found:
        raise LatentError(f"no edit in {out} yet; make one with 'semedit edit --out {out}'")
    return subject_of(found[-1], out, set())


def mean_subject(model: Model, out: Path) -> Subject:
    """The model's mean code as a picture of the output folder."""
    folder = make_folder(out / MEAN)
    latent = model.generator.latent(model.generator.mean_w().cpu())
    latent.save(folder / LATENT)
    save_picture(model.synthesise(latent).image[0], folder / "reconstruction.png", mark_of(model))
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


def count_of(subject: Subject) -> int:
    """How many codes a subject's file holds, of which none is read; 0 if it is no latent."""
    try:
        return Latent.count(subject.latent)
    except LatentError:
        return 0


def codes_of(subject: Subject, generator: StyleBasedGenerator) -> Iterator[tuple[Subject, Latent]]:
    """The codes of a subject's file, each with a folder of its own if there are several.

    Raises LatentError, before the first, for a file that is no latent, or of another generator.
    """
    latent = Latent.load(subject.latent)
    generator.check(latent)
    if len(latent) == 1:
        yield subject, latent
        return
    base = subject.folder if subject.latent.name != LATENT else subject.folder.parent / subject.folder.name
    for index in range(len(latent)):
        folder = base.with_name(f"{base.name}-{index:04d}")
        yield Subject(folder, subject.latent, subject.source), latent[index]
