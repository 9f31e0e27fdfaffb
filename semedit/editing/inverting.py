"""Inverting many pictures into the output folder: in batches, each with a folder of its own, bad ones named."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from semedit.editing.model import Model
from semedit.editing.output import save_inversion
from semedit.editing.records import Failure, InversionRecord, Watch
from semedit.editing.subjects import Subject, find_sources, subject_folder, subject_of
from semedit.errors import SemeditError
from semedit.pictures.alignment import Aligned
from semedit.protocols import Inverter
from semedit.storage.atomic import write_json

#: What was done in a folder by one call with several pictures.
SUMMARY = "invert-manifest.json"


def invert_files(
    model: Model,
    files: list[Path],
    out: Path,
    *,
    method: str | None = None,
    overrides: list[str] | None = None,
    face: int | None = None,
    aligned: bool = False,
    batch: int = 8,
    watch: Watch | None = None,
    say: Callable[[str], None] = lambda _: None,
    taken: set[Path] | None = None,
) -> Iterator[InversionRecord | Failure]:
    """Invert picture files, ``batch`` at once, each into its folder below ``out``; of several, SUMMARY says what was
    done.

    ``method`` and ``overrides`` are those of :meth:`Model.inverter`; ``face`` and ``aligned`` of :meth:`Model.align`;
    ``say`` hears what the user should know; ``taken`` are folders of other pictures, to which theirs are added. A
    picture that cannot be read or aligned gives a Failure; what the method needs and is missing is raised once a
    picture is at hand.
    """
    began, inverter, taken = time.monotonic(), None, set() if taken is None else taken
    done: list[str] = []
    failed: list[dict[str, str]] = []
    for start in range(0, len(files), batch):
        crops: list[tuple[Path, Aligned]] = []
        for path in files[start : start + batch]:
            try:
                crops.append((path, model.align(path, face, aligned=aligned)))
            except SemeditError as error:
                failed.append({"input": str(path), "error": str(error)})
                yield Failure(str(path), error)
        if not crops:
            continue
        if inverter is None:
            inverter = model.inverter(method, overrides)
            if method is None and not model.has_encoder:
                say(f"model '{model.name}' has no encoder: searching from the mean code ({inverter.method})")
        place = f" ({start + 1}-{start + len(crops)} of {len(files)})" if len(files) > batch else ""
        for record in _batch(model, inverter, crops, out, taken, watch, place):
            done.append(record.input)
            yield record
    if len(files) > 1:
        write_json(out / SUMMARY, {"done": done, "failed": failed, "seconds": time.monotonic() - began})


def _batch(model: Model, inverter: Inverter, crops: list[tuple[Path, Aligned]], out: Path, taken: set[Path],
           watch: Watch | None, place: str = "") -> Iterator[InversionRecord]:  # fmt: skip
    what = f"inverting {crops[0][0].name if len(crops) == 1 else f'{len(crops)} pictures'}{place}"

    def progress(done: int, total: int) -> None:
        if watch:
            watch(what, done, total)

    progress(0, 1)
    inversion = model.invert([aligned for _, aligned in crops], inverter=inverter, progress=progress)
    for index, (path, _) in enumerate(crops):
        yield save_inversion(subject_folder(out, path, taken), path, inversion[index], model.generator, model.name)


def subjects_of(
    model: Model,
    sources: list[str],
    out: Path,
    watch: Watch | None = None,
    *,
    method: str | None = None,
    face: int | None = None,
    batch: int = 8,
) -> Iterator[Subject | Failure]:
    """The latents to edit that ``sources`` name, see :func:`find_sources`, in their order; pictures are inverted first,
    ``batch`` at once, by ``method``, with the options of :func:`invert_files`."""
    taken, found = set[Path](), find_sources(sources)
    pictures = [path for path in found if path.suffix != ".safetensors"]
    inverted: dict[str, Subject | Failure] = {}
    for one in invert_files(model, pictures, out, method=method, face=face, batch=batch, watch=watch, taken=taken):
        done = one if isinstance(one, Failure) else Subject(Path(one.latent).parent, Path(one.latent), one.input)
        inverted[one.input] = done
    for path in found:
        yield inverted[str(path)] if path.suffix != ".safetensors" else subject_of(path, out, taken)
