"""``semedit sample``: pictures from the generator."""

from pathlib import Path
from typing import Annotated

import typer

from semedit.cli.console import (
    DeviceOption,
    JsonOption,
    ModelOption,
    OutOption,
    Report,
    SeedOption,
    SheetOnlyOption,
    SheetOption,
    check_device,
)
from semedit.latents.truncation import TRUNCATION


def sample(
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many pictures.")] = 16,
    psi: Annotated[float, typer.Option(help="Truncation towards the mean code; 1 is none.")] = TRUNCATION,
    columns: Annotated[int, typer.Option(min=1, help="Pictures in a row of the sheet.")] = 8,
    labels: Annotated[bool, typer.Option(help="Put each label map below its picture.")] = True,
    scale: Annotated[int, typer.Option(min=1, max=8, help="Enlarge the pixels of the sheet.")] = 2,
    sheet_file: SheetOption = None,
    sheet_only: SheetOnlyOption = False,
    precision: Annotated[str, typer.Option(help="fp32, or bf16 for speed.")] = "fp32",
    model: ModelOption = "portraits",
    out: OutOption = "semedit-out/samples",
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Draw random samples of a generator: a sheet, each picture, and their latents, into OUT."""
    import torch

    from semedit.config import finite
    from semedit.editing.loading import load
    from semedit.pictures.sheets import check_picture, check_sheet, labels_to_colours, save_picture, sheet
    from semedit.pictures.tensors import enlarge
    from semedit.storage.atomic import make_folder

    finite(psi, "--psi")
    target = check_picture(Path(sheet_file) if sheet_file else Path(out) / "sheet.png")
    folder = make_folder(target.parent if sheet_only else out)
    loaded = load(model, precision=precision).to(check_device(device))  # type: ignore[arg-type]
    side = loaded.generator.config.size * scale
    check_sheet(count, columns, side * (1 + labels), side, f"a sheet of {count} samples", "lower --count or --scale")
    latent = loaded.sample(count, seed, psi)
    pictures = loaded.synthesise(latent)
    report = Report(json)
    for index in range(0 if sheet_only else count):
        path = folder / f"{seed:04d}-{index:04d}.png"
        save_picture(pictures.image[index], path)
        latent[index].save(path.with_suffix(".safetensors"))
        report.add(image=str(path), latent=str(path.with_suffix(".safetensors")), seed=seed, psi=psi)
    rows = pictures.image.cpu()
    if labels:
        rows = torch.cat([rows, labels_to_colours(pictures.labels, loaded.generator.regions).cpu()], dim=2)
    save_picture(enlarge(sheet(rows, columns), scale), target)
    report.add(sheet=str(target), count=count, seed=seed, psi=psi)
    report.say(f"{count} samples -> {target}")
    report.finish()
