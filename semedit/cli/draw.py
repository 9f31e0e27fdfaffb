"""``semedit draw``: pictures from the renderer that the default model learnt from."""

from pathlib import Path
from typing import Annotated, Any

import typer

from semedit.cli.console import (
    DeviceOption,
    JsonOption,
    NoMarkOption,
    OutOption,
    Report,
    SeedOption,
    SheetOnlyOption,
    SheetOption,
    check_device,
)
from semedit.cli.early import STYLES, check_names


def draw(
    count: Annotated[int, typer.Option(min=1, max=100_000, help="How many portraits.")] = 16,
    size: Annotated[int, typer.Option(min=16, max=2048, help="Side in pixels.")] = 256,
    style: Annotated[str, typer.Option(help="soft or cel.")] = "soft",
    columns: Annotated[int, typer.Option(min=1, help="Portraits in a row of the sheet.")] = 8,
    sheet_file: SheetOption = None,
    sheet_only: SheetOnlyOption = False,
    out: OutOption = "semedit-out/portraits",
    no_mark: NoMarkOption = False,
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Draw portraits with exact label maps and captions: the pictures that the default model is made from.

    Pictures lie in OUT/images, label maps of the same names in OUT/labels, as training reads them.
    """
    check_names([style], STYLES, "drawing style")

    from semedit.domains.portraits.captions import captions
    from semedit.domains.portraits.drawing.renderer import render
    from semedit.domains.portraits.law import sample_factors
    from semedit.pictures.provenance import DRAWN, Mark, mark_pictures
    from semedit.pictures.sheets import check_picture, check_sheet, save_labels, save_picture, sheet
    from semedit.storage.atomic import make_folder, write_json

    mark_pictures(not no_mark)
    target = check_picture(Path(sheet_file) if sheet_file else Path(out) / "sheet.png")
    check_sheet(2 * count, columns, size, size, f"drawing {count} portraits of {size} px", "lower --count or --size")
    folder = make_folder(target.parent if sheet_only else out)
    factors = sample_factors(count, seed)
    images, labels = render(factors.to(check_device(device)), size, style)  # type: ignore[arg-type]
    report = Report(json)
    for index, caption in enumerate(captions(factors)):
        record: dict[str, Any] = {"caption": caption, "seed": seed}
        if not sheet_only:
            name = f"{seed:04d}-{index:05d}.png"
            record |= {"image": str(folder / "images" / name), "labels": str(folder / "labels" / name)}
            save_picture(images[index], record["image"], Mark(DRAWN))
            save_labels(labels[index], record["labels"])
        report.add(**record)
    save_picture(sheet(images, columns), target, Mark(DRAWN))
    if not sheet_only:
        write_json(folder / "captions.json", report.results)
    report.say(f"{count} portraits -> {target}")
    report.finish()
