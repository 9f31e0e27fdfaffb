"""Inverting many pictures into the output folder: in batches, each with a folder of its own, bad ones named."""

import copy
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from semedit.editing.model import Model
from semedit.editing.requests.records import Failure, InversionRecord, Watch
from semedit.editing.results.subjects import SourceFile, Subject, find_sources, subject_folder, subject_of
from semedit.editing.results.writing import save_inversion
from semedit.errors import SemeditError
from semedit.networks.precision import Precision, sketched_cast
from semedit.networks.style_based import StyleBasedGenerator
from semedit.pictures.alignment import Aligned
from semedit.protocols import Inverter
from semedit.storage.atomic import write_json
from semedit.storage.memory import check_memory
from semedit.training.gan.memory import Kept

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
    model.inversion_options(method, overrides)
    if model.device.type == "cpu":
        needed = search_bytes(model.generator, min(batch, len(files)), model.precision)
        check_memory(needed, f"inverting {min(batch, len(files))} pictures at once", "lower --batch")
    began, inverter, taken = time.monotonic(), None, set() if taken is None else taken
    done: list[str] = []
    failed: list[dict[str, str]] = []
    for start in range(0, len(files), batch):
        crops: list[tuple[SourceFile, Aligned]] = []
        for path in files[start : start + batch]:
            try:
                crops.append((SourceFile.read(path), model.align(path, face, aligned=aligned)))
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
            if isinstance(record, Failure):
                failed.append({"input": record.input, "error": str(record.error)})
            else:
                done.append(record.input)
            yield record
    if len(files) > 1:
        write_json(out / SUMMARY, {"done": done, "failed": failed, "seconds": time.monotonic() - began})


def _batch(model: Model, inverter: Inverter, crops: list[tuple[SourceFile, Aligned]], out: Path, taken: set[Path],
           watch: Watch | None, place: str = "") -> Iterator[InversionRecord | Failure]:  # fmt: skip
    what = f"inverting {crops[0][0].path.name if len(crops) == 1 else f'{len(crops)} pictures'}{place}"

    def progress(done: int, total: int) -> None:
        if watch:
            watch(what, done, total)

    progress(0, 1)
    inversion = model.invert([aligned for _, aligned in crops], inverter=inverter, progress=progress)
    for index, (source, _) in enumerate(crops):
        try:
            folder = subject_folder(out, source, taken)
            yield save_inversion(folder, source, inversion[index], model.generator, model.name)
        except SemeditError as error:
            yield Failure(str(source.path), error)


def search_bytes(generator: StyleBasedGenerator, batch: int, precision: Precision = "fp32") -> int:
    """About the bytes that a search for ``batch`` codes keeps: what autograd keeps of the rendering in a precision,
    counted without data, and half as much again for the networks that judge it."""
    sketch = copy.deepcopy(generator).to("meta").requires_grad_(True)
    with torch.device("meta"):
        codes = torch.empty(1, sketch.layout.rows, sketch.config.style_dim, requires_grad=True)
        counter = Kept(sketch)
        with counter.hooks, sketched_cast(precision):
            sketch(codes)
    return int(1.5 * batch * counter.bytes)


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
        if path.suffix != ".safetensors":
            yield inverted[str(path)]
            continue
        try:
            yield subject_of(path, out, taken)
        except SemeditError as error:
            yield Failure(str(path), error)
