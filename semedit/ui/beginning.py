"""How a desk comes to its picture: one drawn at random, an upload that is inverted, or an example."""

import shutil
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from encoders.inverters import RestyleInverter
from semedit.config import check_seed
from semedit.editing.marks import mark_of
from semedit.editing.measuring.outside import is_outside, warning
from semedit.editing.model import Model
from semedit.editing.requests.records import Failure, InversionRecord, Watch
from semedit.editing.results.subjects import Subject, subject_of
from semedit.editing.sessions.inverting import invert_files
from semedit.errors import ImageError
from semedit.latents.latent import Latent
from semedit.latents.truncation import TRUNCATION
from semedit.pictures.provenance import DRAWN, Mark
from semedit.pictures.sheets import save_picture
from semedit.pictures.tensors import to_picture
from semedit.storage.atomic import make_folder
from semedit.storage.ownership import folder_name
from semedit.ui.desk import Desk
from semedit.ui.moments import Beginning, Moment, Shown
from semedit.ui.panel import SliderPanel

#: Hears of each picture on the way to an inversion: what it is called, and the picture.
Show = Callable[[str, Image.Image], None]
#: How many of a model's samples are offered as examples.
EXAMPLES = 8


def begin_at_random(desk: Desk, seed: int, psi: float = TRUNCATION) -> Moment:
    """Start from a random picture, as ``semedit sample --count 1`` draws and names it.

    Raises ConfigError for a seed that is none, or a ``psi`` that is no finite number.
    """
    seed, folder = check_seed(seed), desk.out / "samples"
    latent = desk.model.sample(1, seed, psi)
    make_folder(folder)
    file, rendering = folder / f"{seed:04d}-0000.safetensors", desk.model.synthesise(latent)
    latent.save(file)
    save_picture(rendering.image[0], file.with_suffix(".png"), mark_of(desk.model))
    words = ("semedit", "sample", "--count", "1", "--seed", str(seed), "--psi", f"{psi:g}")
    subject = subject_of(file, desk.out, set())
    named = Beginning(f"random portrait, seed {seed}", words, f"semedit-out/samples/{file.name}")
    desk.begin(named, Moment(named.title, subject, latent, Shown.of(rendering), SliderPanel()))
    return desk.now


def received(desk: Desk, upload: Path, place: str = "") -> Path:
    """A copy of an upload in the desk's own folder, or a ``place`` in it, under a safe name with its ending."""
    ending = "".join(c for c in upload.suffix.lower() if c.isalnum() or c == ".")[:12]
    kept = make_folder(desk.folder / "uploads" / place) / f"{folder_name(upload)}{ending}"
    if upload.resolve() != kept.resolve():
        try:
            shutil.copyfile(upload, kept)
        except OSError as error:
            raise ImageError(f"{upload.name}: cannot be read ({error.strerror})") from None
    return kept


def begin_with_photo(desk: Desk, upload: Path, watch: Watch, show: Show, *, face: int | None = None,
                     aligned: bool = False, quick: bool = False) -> Moment:  # fmt: skip
    """Start from a photo: cut, read by the encoder if there is one, and then, unless ``quick``, searched for.

    ``show`` hears of the picture after each of these, and the desk has the encoder's already while the search goes on:
    one that is stopped leaves that. Raises ImageError or FaceError for a photo that cannot be used.
    """
    model, photo = desk.model, received(desk, upload)
    watch(f"reading {photo.name}", 0, 1)
    show("cut out", model.align(photo, face, aligned=aligned).crop)
    methods = ([RestyleInverter.method] if model.has_encoder else []) + ([] if quick else [model.default_method])
    for method in methods or [model.default_method]:
        options = {"face": face, "aligned": aligned}
        (done,) = invert_files(model, [photo], desk.out, method=method, watch=watch, **options)  # type: ignore[arg-type]
        if isinstance(done, Failure):
            raise done.error
        words = ["semedit", "invert", photo.name]
        words += ["--face", str(face)] if face else []
        words += ["--aligned"] if aligned else []
        words += [] if method == model.default_method else ["--method", method]
        moment = _inverted(desk, done, photo.name, tuple(words))
        with Image.open(done.reconstruction) as picture:
            show(f"{method}: {done.metrics['psnr']:.1f} dB", picture.convert("RGB"))
    return moment


def _inverted(desk: Desk, done: InversionRecord, name: str, words: tuple[str, ...]) -> Moment:
    model, psnr = desk.model, done.metrics["psnr"]
    latent = Latent.load(done.latent)
    said = warning(model, psnr) if is_outside(model, psnr) else ""
    named = Beginning(f"{name}, inverted at {psnr:.1f} dB", words, warning=said, photo=True)
    subject = Subject(Path(done.latent).parent, Path(done.latent), done.input)
    desk.begin(named, Moment(named.title, subject, latent, Shown.of(model.synthesise(latent)), SliderPanel()))
    return desk.now


def draw_example(desk: Desk, seed: int) -> Path:
    """A picture that the model's domain draws, as if somebody had brought it. Raises ConfigError where nobody draws."""
    painter = desk.model.domain.painter()
    painted = painter(1, desk.model.generator.config.size, check_seed(seed), painter.styles[0])
    path = make_folder(desk.folder / "uploads") / f"drawn-{seed}.png"
    save_picture(painted.images[0], path, Mark(DRAWN))
    return path


def examples(model: Model, count: int = EXAMPLES, psi: float = TRUNCATION) -> dict[int, Image.Image]:
    """Seed -> the picture that :func:`begin_at_random` starts with."""
    return {seed: to_picture(model.synthesise(model.sample(1, seed, psi)).image[0]) for seed in range(1, count + 1)}
