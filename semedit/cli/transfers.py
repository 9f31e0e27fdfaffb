"""``semedit transfers``: the picture of one region taken over by each method."""

from pathlib import Path
from typing import Annotated

import typer

from semedit.cli.console import DeviceOption, JsonOption, Report, SeedOption, check_device, complain
from semedit.cli.early import check_model, check_sources
from semedit.cli.figures import PsiOption, ScaleOption
from semedit.errors import ConfigError
from semedit.latents.truncation import TRUNCATION


def transfers(
    pictures: Annotated[
        list[Path] | None, typer.Argument(help="Target and reference (default: two samples of --seed).")
    ] = None,
    regions: Annotated[
        list[str] | None, typer.Option(help="Rows: the regions that are taken over; repeat (default: hair).")
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option(help="Columns: methods of 'edit --from-image' (default: all that there are).")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="Models; each method is asked of the first that has it (default: portraits)."),
    ] = None,
    captions: Annotated[
        bool, typer.Option("--captions/--no-captions", help="Write methods above the columns, regions beside the rows.")
    ] = True,
    scale: ScaleOption = 1,
    psi: PsiOption = TRUNCATION,
    out: Annotated[str, typer.Option("--out", help="Picture to write.")] = "semedit-out/transfers.png",
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Show regions of a picture taken over from another by each method; pictures are inverted in each model."""
    if pictures and len(pictures) != 2:
        raise ConfigError(f"{len(pictures)} pictures; a target and a reference are wanted, or none")
    for name in model or ():
        check_model(name)
    for path in pictures or ():
        check_sources([str(path)])

    from semedit.editing.figures.takeover import inverted, sampled, takeover
    from semedit.editing.loading import load
    from semedit.pictures.captions import captioned
    from semedit.pictures.sheets import save_picture, sheet
    from semedit.pictures.tensors import enlarge, to_picture

    loaded = [load(name).to(check_device(device)) for name in model or ["portraits"]]
    pairs = inverted(loaded, pictures[0], pictures[1]) if pictures else sampled(loaded, seed, psi)
    made = takeover(pairs, regions or ["hair"], method or ())
    picture = to_picture(sheet(enlarge(made.grid, scale), made.columns))
    if captions:
        heads = ["target", "reference", *(f"{name}\n{made.models[name]}" for name in made.methods)]
        picture = captioned(picture, heads, regions or ["hair"], scale * made.grid.shape[-1])
    save_picture(picture, out)
    report = Report(json)
    for (name, region), reason in made.missing.items():
        complain(f"{name}, {region}: {reason}")
    report.add(file=out, columns=["target", "reference", *made.methods], models=dict(made.models),
               regions=regions or ["hair"], seed=None if pictures else seed)  # fmt: skip
    report.say(f"columns: target, reference, {', '.join(made.methods)} -> {out}")
    report.finish()
