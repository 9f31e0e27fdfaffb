"""``semedit sample`` and ``semedit draw``: pictures from the generator, and from the renderer that it learnt from."""

from pathlib import Path
from typing import Annotated

import typer

from semedit.cli.console import DeviceOption, JsonOption, ModelOption, OutOption, Report, SeedOption, check_device

SheetOption = Annotated[str | None, typer.Option("--sheet", help="File of the sheet (default: OUT/sheet.png).")]
SheetOnlyOption = Annotated[bool, typer.Option("--sheet-only", help="Write the sheet alone.")]


def sample(
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many pictures.")] = 16,
    psi: Annotated[float, typer.Option(help="Truncation towards the mean code; 1 is none.")] = 0.7,
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

    from semedit.files import make_folder
    from semedit.images import labels_to_colours, save_picture, sheet
    from semedit.model import load

    target = Path(sheet_file) if sheet_file else Path(out) / "sheet.png"
    folder = make_folder(target.parent if sheet_only else out)
    loaded = load(model, precision=precision).to(check_device(device))  # type: ignore[arg-type]
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
    grid = sheet(rows, columns).repeat_interleave(scale, 1).repeat_interleave(scale, 2)
    save_picture(grid, target)
    report.add(sheet=str(target), count=count, seed=seed, psi=psi)
    report.say(f"{count} samples -> {target}")
    report.finish()


def draw(
    count: Annotated[int, typer.Option(min=1, max=100_000, help="How many portraits.")] = 16,
    size: Annotated[int, typer.Option(min=16, max=2048, help="Side in pixels.")] = 256,
    style: Annotated[str, typer.Option(help="soft or cel.")] = "soft",
    columns: Annotated[int, typer.Option(min=1, help="Portraits in a row of the sheet.")] = 8,
    sheet_file: SheetOption = None,
    sheet_only: SheetOnlyOption = False,
    out: OutOption = "semedit-out/portraits",
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Draw portraits with exact label maps and captions: the pictures that the default model is made from."""
    from semedit.domains.portraits.captions import captions
    from semedit.domains.portraits.law import sample_factors
    from semedit.domains.portraits.renderer import render
    from semedit.files import make_folder, write_json
    from semedit.images import save_labels, save_picture, sheet

    target = Path(sheet_file) if sheet_file else Path(out) / "sheet.png"
    folder = make_folder(target.parent if sheet_only else out)
    factors = sample_factors(count, seed)
    images, labels = render(factors.to(check_device(device)), size, style)  # type: ignore[arg-type]
    report = Report(json)
    for index, caption in enumerate(captions(factors)):
        record = {"caption": caption, "seed": seed}
        if not sheet_only:
            path = folder / f"{seed:04d}-{index:05d}.png"
            save_picture(images[index], path)
            save_labels(labels[index], path.with_name(f"{path.stem}_labels.png"))
            record["image"] = str(path)
        report.add(**record)
    save_picture(sheet(images, columns), target)
    if not sheet_only:
        write_json(folder / "captions.json", report.results)
    report.say(f"{count} portraits -> {target}")
    report.finish()
