"""The output folder, read: pictures that were inverted or edited, found again by name, by glob, or as the latest."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from encoders.pivotal_tuning import load_difference
from semedit.editing.marks import mark_of
from semedit.editing.model import Model
from semedit.errors import CheckpointError, ImageError, LatentError, OutputError, SemeditError
from semedit.latents.latent import Latent
from semedit.networks.style_based import StyleBasedGenerator
from semedit.pictures.alignment import Alignment
from semedit.pictures.reading import find_pictures
from semedit.pictures.sheets import save_picture
from semedit.storage.atomic import make_folder, write_json
from semedit.storage.content import check_file, exists, read_object, reading
from semedit.storage.ownership import empty, folder_name, inside, sha256, short_hash
from semedit.storage.tensors import length

MANIFEST, LATENT, TUNED, EDITS = "manifest.json", "latent.safetensors", "tuned.safetensors", "edits"
#: The folder of the model's mean code, which nobody has inverted.
MEAN = "mean"


@dataclass(frozen=True)
class SourceFile:
    """A file that results come from, as it was when it was read.

    ``called`` gives its results a name where its own does not; ``part`` tells several results of one file apart, such
    as the codes of a batch.
    """

    path: Path
    sha256: str
    called: str = ""
    part: str = ""

    @classmethod
    def read(cls, path: Path, error: type[SemeditError] = ImageError, called: str = "") -> "SourceFile":
        """The source as it is now. Raises ``error`` for a file that cannot be read."""
        with reading(check_file(path, error), error):
            return cls(path, sha256(path), called)

    @property
    def place(self) -> str:
        return str(self.path.resolve())

    @property
    def name(self) -> str:
        """What the folder of its results is called, unless that is taken."""
        return folder_name(self.called or self.path) + (f"-{self.part}" if self.part else "")

    def to_json(self) -> dict[str, str]:
        """What a manifest says of it."""
        return {"input": str(self.path), "source": self.place, "source_sha256": self.sha256, "part": self.part}

    def owns(self, folder: Path) -> bool:
        """Whether a folder holds results of this source: of the same content, at the same place or one that is no
        longer there."""
        known = manifest(folder)
        place = str(known.get("source") or known.get("input"))
        same = known.get("source_sha256") == self.sha256 and known.get("part", "") == self.part
        return same and (place in (self.place, str(self.path)) or not exists(place))


@dataclass(frozen=True)
class Subject:
    """A picture in the output folder: its own folder, its latent file, what the user named it by, and the source of a
    folder that is still to be made."""

    folder: Path
    latent: Path
    source: str = ""
    origin: SourceFile | None = None

    def settle(self) -> None:
        """Make the folder, if it is still to be made; what a killed run left in it is swept up."""
        if self.origin:
            settle(self.folder, self.origin)
        else:
            make_folder(self.folder)


def subject_folder(out: Path, source: SourceFile, taken: set[Path]) -> Path:
    """The folder for a source's results: ``out/<name>``, or ``<name>-<hash>`` where another source, of this run or an
    earlier one, or something of the user's has that place. Results of the same source go on in the same folder.

    Raises OutputError for a link, which may lead anywhere.
    """
    names = [source.name, *(f"{source.name}-{short_hash(text)}" for text in (source.place, str(source)))]
    free = [out / name for name in names if out / name not in taken]
    folder = next((f for f in free if source.owns(f) or not (exists(f) or f.is_symlink()) or empty(f)), None)
    if folder is None:
        raise OutputError(f"{out / names[0]} is something else's, and so is {out / names[-1]}; name another --out")
    taken.add(folder)
    return inside(folder, out)


def settle(folder: Path, source: SourceFile) -> None:
    """Make a source's folder, with a first manifest in it that says whose it is."""
    if not source.owns(make_folder(folder)):
        write_json(folder / MANIFEST, source.to_json())


def model_of(model: Model, latent: Latent, path: Path) -> Model:
    """The model that shows a stored latent: with the generator tuned to its picture, if there is one.

    Raises LatentError if its difference is no longer where the latent says.
    """
    name = latent.metadata.get("tuned")
    if not name:
        return model
    tuned = path.parent / str(name)
    if not exists(tuned):
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
    known = manifest(found)
    photo = photo or Path(str(known.get("source") or known.get("input")))
    if not exists(photo):
        raise LatentError(f"{photo}: the photo of this latent is no longer there; name it with --photo FILE")
    if sha256(check_file(photo, LatentError)) != latent.metadata["source_sha256"]:
        raise LatentError(f"{photo}: is not the photo that this latent was inverted from")
    with reading(path, LatentError):
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
    """What a result folder's manifest says; empty if it has none that can be read."""
    try:
        return read_object(folder / MANIFEST)
    except CheckpointError:
        return {}


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
    source = SourceFile(Path(MEAN), model.generator.fingerprint)
    folder = subject_folder(out, source, set())
    settle(folder, source)
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
        there = exists(folder) and folder.is_dir()
        within = sorted(folder.glob("*.safetensors")) or sorted(folder.glob(f"*/{LATENT}")) if there else []
        latents = [path for path in within if path.name != TUNED]
        found.update(dict.fromkeys(latents or find_pictures([item])))
    return list(found)


def subject_of(path: Path, out: Path, taken: set[Path]) -> Subject:
    """A latent file as a picture of the output folder: in the folder where it lies, if that is inside ``out``.

    Raises LatentError for a file that cannot be read.
    """
    own = path.parent.parent.parent if path.parent.parent.name == EDITS else path.parent
    if path.name == LATENT and out.resolve() in path.resolve().parents:
        return Subject(inside(own, out), check_file(path, LatentError), str(path))
    source = SourceFile.read(path, LatentError, own.resolve().name if path.name == LATENT else "")
    return Subject(subject_folder(out, source, taken), path, str(path), source)


def count_of(subject: Subject) -> int:
    """How many codes a subject's file holds, of which none is read; 0 if it is no latent."""
    try:
        return length(subject.latent, "latent", "a latent", LatentError)
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
    whole = subject.origin or SourceFile.read(subject.latent, LatentError, subject.folder.name)
    out, taken = subject.folder.parent, set[Path]()
    for index in range(len(latent)):
        one = replace(whole, part=f"{index:04d}")
        yield Subject(subject_folder(out, one, taken), subject.latent, subject.source, one), latent[index]
