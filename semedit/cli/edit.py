"""``semedit edit``: change an attribute of an inverted picture in chosen regions."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from semedit.cli.console import (
    DeviceOption,
    JsonOption,
    ModelOption,
    OutOption,
    Report,
    SeedOption,
    check_device,
    number,
    progress_bar,
)

if TYPE_CHECKING:
    from torch import Tensor

    from semedit.latent import Latent
    from semedit.model import Model
    from semedit.workspace import Origin, Subject

MEASURES = ("score_before", "score_after", "inside_share", "preservation", "perceptual", "identity")
STRIP = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5)


def edit(
    source: Annotated[
        str | None, typer.Argument(help="A picture or a latent; the latest inversion if left out.")
    ] = None,
    attr: Annotated[str, typer.Option(help="The attribute to change.")] = "smile",
    regions: Annotated[
        str | None, typer.Option(help="Regions or groups, comma separated, each with :shape or :texture.")
    ] = None,
    strength: Annotated[
        float, typer.Option(help="How far; 1 is a clear change, negative removes, 0 changes nothing.")
    ] = 1.0,
    from_image: Annotated[
        str | None, typer.Option(help="Instead of --attr: take --regions over from this picture or latent.")
    ] = None,
    preserve: Annotated[str, typer.Option(help="Attributes to keep as they are, comma separated.")] = "",
    paste: Annotated[
        bool, typer.Option("--paste-back", help="Also put the edited crop back into the full photo: pasted.png.")
    ] = False,
    photo: Annotated[str | None, typer.Option(help="The photo for --paste-back, if its file has moved.")] = None,
    strip: Annotated[bool, typer.Option("--strip", help="Also write a row of strengths from -1 to 1.5.")] = False,
    model: ModelOption = "portraits",
    method: Annotated[str, typer.Option(help="How to edit.")] = "interfacegan",
    out: OutOption = "semedit-out",
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Edit a picture, a latent or the latest inversion; writes OUT/<name>/edits/<edit>/."""
    import torch

    from semedit.errors import LatentError
    from semedit.files import make_folder, write_json
    from semedit.latent import Latent
    from semedit.model import load
    from semedit.workspace import MANIFEST, model_of, origin, save_edit

    torch.manual_seed(seed)
    folder = make_folder(out)
    loaded = load(model).to(check_device(device))
    names = tuple(name.strip() for name in preserve.split(",") if name.strip())
    if from_image:
        name, scored, editor = "transfer", None, _transfer(loaded, from_image, regions, json)
    else:
        name, scored, editor = attr, attr, loaded.editor(attr, method, names)
    chosen = regions or str(editor.regions_)
    loaded.domain.regions.select(chosen)
    subject = _subject(loaded, source, folder, json)
    before = Latent.load(subject.latent)
    if len(before) != 1:
        raise LatentError(f"{subject.latent}: holds {len(before)} codes; one at a time is edited here")
    source_photo = origin(before, subject.latent, Path(photo) if photo else None) if paste else None
    loaded = model_of(loaded, before, subject.latent)
    loaded.generator.check(before)
    if not from_image:  # a flow labels the picture that the tuned generator shows
        editor = loaded.editor(attr, method, names)
    after = editor.edit(before, strength, chosen)
    measured = loaded.report(before, after, scored, chosen)
    parts = [f"{name}{strength:+g}", chosen]
    if from_image:
        parts.append(f"from-{Path(from_image).stem}")
    elif method != "interfacegan":
        parts.append(method)
    target = subject.folder / "edits" / "_".join(parts).replace(",", "+").replace(":", "-")
    if "tuned" in before.metadata:
        after = after.annotated(tuned=os.path.relpath(subject.latent.parent / before.metadata["tuned"], target))
    paths = save_edit(target, after, measured.before, measured.after, loaded.generator.regions)
    if source_photo:
        paths["pasted"] = str(_paste(loaded, source_photo, measured.after.image[0], target / "pasted.png"))
    values = {key: getattr(measured, key).item() for key in MEASURES}
    if scored is None:
        values |= {"score_before": None, "score_after": None}
    record = {
        "input": str(source or subject.latent),
        "attr": scored,
        "method": "transfer" if from_image else method,
        "reference": from_image,
        "strength": strength,
        "regions": chosen,
        "preserve": list(names),
        **paths,
        **values,
        "protocols": measured.protocols,
    }
    write_json(target / MANIFEST, record)
    if strip:
        record["strip"] = str(_strip(loaded, editor, before, chosen, target / "strip.png"))
    report = Report(json)
    report.add(**record)
    report.say(f"{name} {strength:+g} in {chosen} -> {target}")
    _show(report, record)
    report.finish()


def _transfer(model: "Model", source: str, regions: str | None, quiet: bool) -> Any:
    """The editor that takes regions over from a picture or a latent."""
    from semedit.errors import ConfigError
    from semedit.latent import Latent
    from semedit.siblings import sibling

    if regions is None:
        raise ConfigError("--from-image needs --regions: what is taken over, such as hair, hair:texture or pose")
    if source.endswith(".safetensors"):
        reference = Latent.load(source)
        model.generator.check(reference)
    else:
        with progress_bar(f"inverting {Path(source).name}", quiet) as progress:
            reference = model.invert(source, progress=progress).latent.annotated(source=Path(source).name)
    return sibling("directions").RegionTransfer(reference, regions)


def _show(report: Report, record: dict[str, Any]) -> None:
    """The small table of an edit, and a line if it did nothing."""
    attr, protocols = record["attr"], record["protocols"]
    scores = ("before", "after") if attr else ()
    rows = [
        *([f"{attr}: score {when}", number(record[f"score_{when}"])] for when in scores),
        ["change inside the regions", f"{100 * record['inside_share']:.0f} %"],
        ["preservation (1 - l1)", number(record["preservation"])],
        [f"perceptual distance ({protocols['perceptual']})", number(record["perceptual"])],
        [f"identity ({protocols['identity']})", number(record["identity"])],
    ]
    report.table(["measure", "value"], rows)
    if attr and record["strength"] and abs(record["score_after"] - record["score_before"]) < 0.02:
        report.say(f"No measurable change of '{attr}'; try a larger --strength or more --regions.")


def _subject(model: "Model", source: str | None, out: Path, quiet: bool) -> "Subject":
    """The latent to edit: the file named, an inversion made now, or the latest one."""
    from semedit.workspace import Subject, latest, save_inversion, subject_folder

    if source is None:
        return latest(out)
    path = Path(source)
    if path.suffix == ".safetensors":
        stem = path.parent.name if path.name == "latent.safetensors" else path.stem
        inside = out.resolve() in path.resolve().parents
        return Subject(path.parent if inside else out / (stem or path.stem), path)
    with progress_bar(f"inverting {path.name}", quiet) as progress:
        inversion = model.invert(path, progress=progress)
    folder = subject_folder(out, path, set())
    save_inversion(folder, path, inversion, model.generator)
    return Subject(folder, folder / "latent.safetensors")


def _paste(model: "Model", origin: "Origin", edited: "Tensor", path: Path) -> Path:
    """Write the photo with an edited crop in its place."""
    from semedit.images import read_picture, save_picture
    from semedit.latent import Latent
    from semedit.paste import paste_back

    reconstruction = model.synthesise(Latent.load(origin.latent)).image[0]
    save_picture(paste_back(read_picture(origin.photo), origin.alignment, reconstruction, edited), path)
    return path


def _strip(model: "Model", editor: Any, latent: "Latent", regions: str, path: Path) -> Path:
    """Write the pictures of several strengths in a row."""
    import torch

    from semedit.images import save_picture, sheet
    from semedit.workspace import enlarge

    images = [model.synthesise(editor.edit(latent, strength, regions)).image for strength in STRIP]
    save_picture(enlarge(sheet(torch.cat(images), columns=len(STRIP)), 128), path)
    return path
