"""The output folder, written: a subfolder, a manifest and the pictures of each inversion and edit."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from encoders.pivotal_tuning import save_difference
from semedit.editing.model import Model
from semedit.editing.records import InversionRecord
from semedit.editing.subjects import EDITS, LATENT, MANIFEST, TUNED, Origin, SourceFile, Subject, manifest, settle
from semedit.latents.latent import Latent
from semedit.latents.regions import RegionTable
from semedit.networks.style_based import StyleBasedGenerator
from semedit.networks.synthesis import Rendering
from semedit.pictures.paste import paste_back
from semedit.pictures.reading import read_picture
from semedit.pictures.sheets import labels_to_colours, magnify, save_picture, sheet
from semedit.protocols import Inversion
from semedit.storage.atomic import make_folder, write_json
from semedit.storage.content import exists
from semedit.storage.ownership import inside, short_hash

#: The longest name of an edit's folder, in bytes, without the hash that may follow.
LONGEST = 100


def save_inversion(
    folder: Path, source: SourceFile, inversion: Inversion, generator: StyleBasedGenerator
) -> InversionRecord:
    """Write latent, reconstruction, label map if there is one, side-by-side, the way there and manifest of one picture,
    and the difference of its tuned generator if it has one."""
    settle(folder, source)
    latent = inversion.latent.annotated(source=source.path.name, source_sha256=source.sha256)
    if inversion.tuned:
        save_difference(folder / TUNED, inversion.tuned[0], generator)
        latent = latent.annotated(tuned=TUNED)
    paths = {name: folder / f"{name}.png" for name in ("reconstruction", "labels", "side-by-side", "steps")}
    shown = [inversion.target, inversion.reconstruction]
    latent.save(folder / LATENT)
    save_picture(inversion.reconstruction[0], paths["reconstruction"])
    if inversion.synthesis.labels is not None:
        shown.append(labels_to_colours(inversion.synthesis.labels, generator.label_table).to(inversion.target))
        save_picture(shown[-1][0], paths["labels"])
    save_picture(magnify(sheet(torch.cat(shown), columns=len(shown))), paths["side-by-side"])
    if inversion.trajectory is not None:
        save_picture(way(inversion, generator), paths["steps"])
    record = InversionRecord(
        input=str(source.path),
        latent=str(folder / LATENT),
        reconstruction=str(paths["reconstruction"]),
        metrics={name: value.item() for name, value in inversion.metrics.items()},
        protocols=dict(inversion.protocols),
        seconds=inversion.seconds,
        source_sha256=latent.metadata["source_sha256"],
        method=latent.metadata.get("method"),
        stopped=inversion.stopped[0] if inversion.stopped else None,
    )
    write_json(folder / MANIFEST, {**record.to_json(), **source.to_json()})
    return record


@torch.no_grad()
def way(inversion: Inversion, generator: StyleBasedGenerator, most: int = 8) -> torch.Tensor:
    """A strip (3, H', W') of one inversion: codes on its way, denser at the start, its reconstruction, its target."""
    assert inversion.trajectory is not None
    count = len(inversion.trajectory)
    steps = sorted({round(count ** (i / (most - 1))) - 1 for i in range(most)}) if count > most else range(count)
    pictures = [generator(inversion.trajectory[list(steps), 0]).image, inversion.reconstruction, inversion.target]
    strip = torch.cat(pictures)
    return magnify(sheet(strip, columns=len(strip)), 128)


def edit_folder(subject: Subject, latent: Latent) -> Path:
    """The folder of an edited latent: named by all its edits, or "original" if none is left; with a hash of them
    behind it where that name stands for other edits already."""
    history = json.dumps(list(latent.history))
    name = "__".join(_label(event) for event in latent.history) or "original"
    short = name.encode()[:LONGEST].decode(errors="ignore")
    name = short if short == name else f"{short}-{short_hash(name)}"
    folder = subject.folder / EDITS / name
    if exists(folder) and manifest(folder).get("history") != json.loads(history):
        folder = folder.with_name(f"{name}-{short_hash(history)}")
    return inside(folder, inside(folder.parent, subject.folder))


def _label(event: Mapping[str, Any]) -> str:
    """One edit in a folder's name."""
    what = event.get("attr") or event.get("text") or event.get("method") or "edit"
    parts = [f"{what[:40]}{event.get('strength', 1):+.3g}", str(event.get("regions", ""))]
    if event.get("attr") and event.get("method") != "interfacegan":
        parts.append(str(event["method"]))
    if event.get("reference"):
        parts.append(f"from-{event['reference']}")
    text = "_".join(part for part in parts if part).replace(",", "+").replace(":", "-")
    return "".join(letter if letter.isalnum() or letter in "+-_." else "-" for letter in text)


def placed(latent: Latent, before: Latent, source: Path, folder: Path) -> Latent:
    """A latent made from ``before``, that of the file ``source``, to be kept in ``folder``: the way to its tuned
    generator."""
    tuned = before.metadata.get("tuned")
    return latent.annotated(tuned=os.path.relpath(source.parent / tuned, folder)) if tuned else latent


def save_row(pictures: list[torch.Tensor], path: Path) -> str:
    """Write pictures (1, 3, H, W) in a row; returns the path."""
    save_picture(magnify(sheet(torch.cat(pictures), columns=len(pictures)), 128), path)
    return str(path)


def save_pasted(model: Model, origin: Origin, edited: torch.Tensor, path: Path) -> str:
    """Write the photo with an edited crop (3, H, W) in its place; returns the path."""
    reconstruction = model.synthesise(Latent.load(origin.latent)).image[0]
    save_picture(paste_back(read_picture(origin.photo), origin.alignment, reconstruction, edited), path)
    return str(path)


def save_edit(
    folder: Path, latent: Latent, before: Rendering, after: Rendering, regions: RegionTable
) -> dict[str, str]:
    """Write edited picture, before/after/difference, label map if there is one, and latent; returns their paths."""
    make_folder(folder)
    paths = {
        "image": folder / "edited.png",
        "comparison": folder / "before-after-difference.png",
        "latent": folder / LATENT,
    }
    difference = (after.image - before.image).abs() - 1
    save_picture(after.image[0], paths["image"])
    save_picture(magnify(sheet(torch.cat([before.image, after.image, difference]), columns=3)), paths["comparison"])
    if after.labels is not None:
        paths["labels"] = folder / "labels.png"
        save_picture(labels_to_colours(after.labels, regions)[0], paths["labels"])
    latent.save(paths["latent"])
    return {name: str(path) for name, path in paths.items()}
