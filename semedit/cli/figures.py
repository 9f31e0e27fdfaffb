"""``semedit interpolate``, ``components``, ``mix`` and ``compose``: pictures that show the generator."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semedit.cli.console import (
    DeviceOption,
    JsonOption,
    ModelOption,
    NoMarkOption,
    Report,
    SeedOption,
    check_device,
    progress_bar,
)
from semedit.cli.early import check_sources, finite_number
from semedit.latents.truncation import TRUNCATION

if TYPE_CHECKING:
    from semedit.editing.model import Model
    from semedit.latents.latent import Latent

PsiOption = Annotated[
    float,
    typer.Option(help="Truncation of random samples towards the mean code; 1 is none.", callback=finite_number),
]
ScaleOption = Annotated[int, typer.Option(min=1, max=8, help="Enlarge the pixels.")]
LatentsArgument = Annotated[
    list[Path] | None, typer.Argument(help="Latent files (default: random samples of --seed).", show_default=False)
]


def codes(model: "Model", files: list[Path] | None, count: int, seed: int, psi: float) -> "Latent":
    """The codes in ``files`` as one batch in W+, or ``count`` random samples. LatentError for another generator's."""
    from semedit.latents.latent import Latent

    if not files:
        return model.sample(count, seed, psi)
    loaded = [Latent.load(path) for path in files]
    for latent in loaded:
        model.generator.check(latent)
    return Latent.cat(loaded)


def interpolate(
    latents: LatentsArgument = None,
    keys: Annotated[int, typer.Option(min=2, help="Random samples to go through, where no files are given.")] = 4,
    regions: Annotated[str, typer.Option(help="What changes: all, or regions such as hair.")] = "all",
    frames: Annotated[int, typer.Option(min=2, help="Frames in all.")] = 8,
    fps: Annotated[int, typer.Option(min=1, max=60, help="Frames a second of a moving picture.")] = 20,
    scale: ScaleOption = 1,
    psi: PsiOption = TRUNCATION,
    model: ModelOption = "portraits",
    out: Annotated[str, typer.Option("--out", help="File: .png is a strip; .gif, .webp, .mp4 move.")] = (
        "semedit-out/interpolation.png"
    ),
    no_mark: NoMarkOption = False,
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Go from code to code along a smooth curve, in all regions or in some."""
    check_sources([str(path) for path in latents or ()])

    from semedit.editing.figures.generator import spline
    from semedit.editing.loading import load
    from semedit.editing.marks import mark_of
    from semedit.pictures.provenance import mark_pictures
    from semedit.pictures.sheets import KINDS, check_sheet, save_picture, sheet
    from semedit.pictures.tensors import enlarge
    from semedit.pictures.video import save_video, video_kind
    from semedit.storage.atomic import check_output

    still = Path(out).suffix.lower() in KINDS and Path(out).suffix.lower() != ".webp"
    if not still:
        video_kind(out)
    check_output(out)
    mark_pictures(not no_mark)
    loaded = load(model).to(check_device(device))
    side = loaded.generator.config.size * scale
    check_sheet(frames, frames, side, side, f"{frames} frames", "lower --frames or --scale")
    path = spline(codes(loaded, latents, keys, seed, psi), frames, regions, loop=not still)
    pictures = enlarge(loaded.synthesise(path).image.cpu(), scale)
    if still:
        save_picture(sheet(pictures, columns=frames), out, mark_of(loaded))
    else:
        save_video(pictures, out, fps, mark_of(loaded))
    report = Report(json)
    report.add(file=out, frames=frames, regions=regions, seed=None if latents else seed)
    report.say(f"{frames} frames -> {out}")
    report.finish()


def components(
    latent: Annotated[Path | None, typer.Argument(help="A latent file (default: a random sample).")] = None,
    count: Annotated[int, typer.Option(min=1, max=16, help="Random samples to show, where no file is given.")] = 1,
    scale: ScaleOption = 1,
    psi: PsiOption = TRUNCATION,
    model: ModelOption = "portraits",
    out: Annotated[str, typer.Option("--out", help="Picture to write.")] = "semedit-out/components.png",
    no_mark: NoMarkOption = False,
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Build a picture up region by region, with each region's pseudo-depth below."""
    check_sources([str(latent)] if latent else [])

    import torch

    from semedit.editing.figures.generator import components as built
    from semedit.editing.loading import load
    from semedit.editing.marks import mark_of
    from semedit.pictures.provenance import mark_pictures
    from semedit.pictures.sheets import check_picture, save_picture, sheet
    from semedit.pictures.tensors import enlarge

    mark_pictures(not no_mark)
    check_picture(out)
    loaded = load(model).to(check_device(device))
    report, rows = Report(json), []
    chosen = codes(loaded, [latent] if latent else None, count, seed, psi)
    for index in range(len(chosen)):
        pictures, depths, names = built(loaded, chosen[index])
        factor = pictures.shape[-1] // depths.shape[-1]
        rows += [pictures.cpu(), enlarge(depths.cpu(), factor)]
        report.add(file=out, seed=None if latent else seed, index=index, regions=names)
    grid = sheet(enlarge(torch.cat(rows), scale), columns=len(loaded.generator.regions))
    save_picture(grid, out, mark_of(loaded))
    report.say(f"{', '.join(report.results[0]['regions'])} -> {out}")
    report.finish()


def mix(
    samples: Annotated[int, typer.Option(min=1, max=32, help="Rows: samples to change.")] = 4,
    regions: Annotated[
        list[str] | None, typer.Option(help="Columns: what each takes from its reference (default: nine of them).")
    ] = None,
    scale: ScaleOption = 1,
    psi: PsiOption = TRUNCATION,
    model: ModelOption = "portraits",
    out: Annotated[str, typer.Option("--out", help="Picture to write.")] = "semedit-out/mixing.png",
    no_mark: NoMarkOption = False,
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Take one region at a time from references (first row) into samples (first column)."""
    from semedit.editing.figures.generator import MIXING, mixing_grid
    from semedit.editing.loading import load
    from semedit.editing.marks import mark_of
    from semedit.pictures.provenance import mark_pictures
    from semedit.pictures.sheets import check_picture, save_picture, sheet
    from semedit.pictures.tensors import enlarge

    mark_pictures(not no_mark)
    check_picture(out)
    loaded = load(model).to(check_device(device))
    columns = {text: text for text in regions} if regions else MIXING
    drawn = loaded.sample(samples + len(columns), seed, psi)
    grid = mixing_grid(loaded, drawn[:samples], drawn[samples:], columns)
    save_picture(sheet(enlarge(grid.cpu(), scale), columns=len(columns) + 1), out, mark_of(loaded))
    report = Report(json)
    report.add(file=out, samples=samples, columns=columns, seed=seed)
    report.say(f"columns: {', '.join(columns)} -> {out}")
    report.finish()


def compose(
    background: Annotated[Path, typer.Argument(help="A real picture, to stand behind the foreground.")],
    latent: Annotated[
        Path | None, typer.Option("--latent", help="Latent of the foreground (default: a sample).")
    ] = None,
    at: Annotated[
        list[str] | None, typer.Option("--at", help="RIGHT,DOWN,ZOOM in shares of the side; repeat for several.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps in which the background is inverted into features.")] = 200,
    scale: ScaleOption = 1,
    psi: PsiOption = TRUNCATION,
    model: ModelOption = "portraits",
    out: Annotated[
        str, typer.Option("--out", help="Picture to write: background, its rendering, the compositions.")
    ] = ("semedit-out/composition.png"),
    no_mark: NoMarkOption = False,
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Put a generated foreground on a real picture, moved and zoomed through its coordinates."""
    for path in (background, *([latent] if latent else ())):
        check_sources([str(path)])

    import torch

    from semedit.editing.figures.compose import Place, picture_features
    from semedit.editing.figures.compose import compose as composed
    from semedit.editing.loading import load
    from semedit.editing.marks import mark_of
    from semedit.metrics.pixels import psnr
    from semedit.pictures.provenance import EDIT, mark_pictures
    from semedit.pictures.reading import read_picture, resize
    from semedit.pictures.sheets import check_picture, save_picture, sheet
    from semedit.pictures.tensors import enlarge, to_tensor

    places = [Place.parse(text) for text in at] if at else [Place(), Place(0.2, 0.1, 0.8), Place(-0.22, 0.2, 0.6)]
    mark_pictures(not no_mark)
    check_picture(out)
    loaded = load(model).to(check_device(device))
    target = to_tensor(resize(read_picture(background), loaded.generator.config.size))[None]
    with progress_bar("background", json) as progress:
        features, rendered = picture_features(loaded, target, steps, progress=progress)
    chosen = codes(loaded, [latent] if latent else None, 1, seed, psi)
    pictures = composed(loaded, chosen, features, places)
    strip = torch.cat([target, rendered.cpu(), pictures.cpu()])
    save_picture(sheet(enlarge(strip, scale), columns=len(strip)), out, mark_of(loaded, source=EDIT))
    report, quality = Report(json), psnr(rendered.cpu(), target).item()
    report.add(file=out, background=str(background), background_psnr=quality, places=[vars(place) for place in places])
    report.say(f"background rendered at {quality:.1f} dB; {len(places)} compositions -> {out}")
    report.finish()
