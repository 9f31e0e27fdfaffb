"""``semedit sample``: pictures from the generator."""

from pathlib import Path
from typing import Annotated

import typer

from semedit.cli.console import (
    DeviceOption,
    JsonOption,
    ModelOption,
    NoMarkOption,
    OutOption,
    PrecisionOption,
    Report,
    SeedOption,
    SheetOnlyOption,
    SheetOption,
    check_device,
    progress_bar,
)
from semedit.cli.early import finite_number
from semedit.latents.truncation import TRUNCATION


def sample(
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many pictures.")] = 16,
    psi: Annotated[
        float, typer.Option(help="Truncation towards the mean code; 1 is none.", callback=finite_number)
    ] = TRUNCATION,
    columns: Annotated[int, typer.Option(min=1, help="Pictures in a row of the sheet.")] = 8,
    labels: Annotated[bool, typer.Option(help="Put each label map below its picture, where there are any.")] = True,
    scale: Annotated[int, typer.Option(min=1, max=8, help="Enlarge the pixels of the sheet.")] = 2,
    sheet_file: SheetOption = None,
    sheet_only: SheetOnlyOption = False,
    precision: PrecisionOption = "fp32",
    model: ModelOption = "portraits",
    out: OutOption = "semedit-out/samples",
    no_mark: NoMarkOption = False,
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Draw random samples of a generator: sheets, each picture, and their latents, into OUT."""

    import torch

    from semedit.editing.loading import load
    from semedit.editing.marks import mark_of
    from semedit.pictures.provenance import mark_pictures
    from semedit.pictures.sheets import SheetWriter, check_picture, check_sheet, labels_to_colours, save_picture
    from semedit.storage.atomic import make_folder

    mark_pictures(not no_mark)
    target = check_picture(Path(sheet_file) if sheet_file else Path(out) / "sheet.png")
    folder = make_folder(target.parent if sheet_only else out)
    loaded = load(model, precision=precision).to(check_device(device))
    latent, report, mark, done = loaded.sample(count, seed, psi), Report(json), mark_of(loaded), 0
    sheets, side = SheetWriter(target, columns, scale, mark), loaded.generator.config.size
    height, most = side * (1 + labels), min(count, sheets.most(side * (1 + labels), side))
    check_sheet(most, columns, height * scale, side * scale, f"a sheet of {most} samples", "lower --columns or --scale")
    with progress_bar("sampling", json) as progress:
        for pictures in loaded.renders(latent, progress=progress):
            for index in range(done, done + (0 if sheet_only else len(pictures.image))):
                path = folder / f"{seed:04d}-{index:04d}.png"
                save_picture(pictures.image[index - done], path, mark)
                latent[index].save(path.with_suffix(".safetensors"))
                report.add(image=str(path), latent=str(path.with_suffix(".safetensors")), seed=seed, psi=psi)
            rows, done = pictures.image.cpu(), done + len(pictures.image)
            if labels and pictures.labels is not None:
                rows = torch.cat([rows, labels_to_colours(pictures.labels, loaded.generator.label_table).cpu()], dim=2)
            sheets.add(rows)
    files = sheets.finish()
    report.add(sheet=files[0], sheets=files, count=count, seed=seed, psi=psi)
    report.say(f"{count} samples -> {', '.join(files)}")
    report.finish()
