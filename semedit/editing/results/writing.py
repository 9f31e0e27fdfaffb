"""The output folder, written: a subfolder, a manifest and the pictures of each inversion and edit."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from encoders.pivotal_tuning import save_difference
from semedit.editing.marks import mark_of
from semedit.editing.model import Model
from semedit.editing.requests.records import InversionRecord
from semedit.editing.requests.request import Outputs
from semedit.editing.results.mask import change_mask
from semedit.editing.results.subjects import (
    EDITS,
    LATENT,
    MANIFEST,
    TUNED,
    Origin,
    SourceFile,
    Subject,
    manifest,
    settle,
)
from semedit.latents.latent import Latent
from semedit.networks.style_based import StyleBasedGenerator
from semedit.networks.synthesis import Rendering
from semedit.pictures.change import paste_change, photo_weight, read_weight
from semedit.pictures.paste import paste_back
from semedit.pictures.provenance import EDIT, SAMPLE, Mark, kept_metadata
from semedit.pictures.reading import read_picture
from semedit.pictures.sheets import labels_to_colours, magnify, save_mask, save_picture, sheet
from semedit.protocols import Inversion
from semedit.storage.atomic import make_folder, write_json
from semedit.storage.content import exists
from semedit.storage.ownership import begun, inside, short_hash

#: The longest name of an edit's folder, in bytes, without the hash that may follow.
LONGEST = 100


def save_inversion(
    folder: Path, source: SourceFile, inversion: Inversion, generator: StyleBasedGenerator, model: str = ""
) -> InversionRecord:
    """Write latent, reconstruction, label map if there is one, side-by-side, the way there and manifest of one picture,
    and the difference of its tuned generator if it has one. ``model`` is the name that the pictures say."""
    settle(folder, source)
    quality = round(inversion.metrics["psnr"].item(), 2)
    latent = inversion.latent.annotated(source=source.path.name, source_sha256=source.sha256, psnr=quality)
    if inversion.tuned:
        save_difference(folder / TUNED, inversion.tuned[0], generator)
        latent = latent.annotated(tuned=TUNED)
    paths = {name: folder / f"{name}.png" for name in ("reconstruction", "labels", "side-by-side", "steps")}
    shown = [inversion.target, inversion.reconstruction]
    latent.save(folder / LATENT)
    mark = Mark(SAMPLE, model, generator.fingerprint)
    beside = replace(mark, source=EDIT)  # the photo itself is in it
    save_picture(inversion.reconstruction[0], paths["reconstruction"], mark)
    if inversion.synthesis.labels is not None:
        shown.append(labels_to_colours(inversion.synthesis.labels, generator.label_table).to(inversion.target))
        save_picture(shown[-1][0], paths["labels"], mark)
    save_picture(magnify(sheet(torch.cat(shown), columns=len(shown))), paths["side-by-side"], beside)
    if inversion.trajectory is not None:
        save_picture(way(inversion, generator), paths["steps"], beside)
    record = InversionRecord(
        input=str(source.path),
        latent=str(folder / LATENT),
        reconstruction=str(paths["reconstruction"]),
        metrics={n: value.item() for n, value in inversion.metrics.items() if not value.isnan().any()},
        protocols=dict(inversion.protocols),
        seconds=inversion.seconds,
        source_sha256=latent.metadata["source_sha256"],
        method=latent.metadata.get("method"),
        stopped=inversion.stopped[0] if inversion.stopped else None,
    )
    write_json(folder / MANIFEST, {**record.to_json(), **source.to_json(), "made_ns": time.time_ns()})
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
    behind it where that name stands for other edits, or something of the user's, already."""
    history = json.dumps(list(latent.history))
    name = "__".join(_label(event) for event in latent.history) or "original"
    short = name.encode()[:LONGEST].decode(errors="ignore")
    name = short if short == name else f"{short}-{short_hash(name)}"
    folder = subject.folder / EDITS / name
    known = manifest(folder)  # none where a run was killed: the next one goes on there
    if exists(folder) and known.get("history") != json.loads(history) and (known or not begun(folder)):
        folder = folder.with_name(f"{name}-{short_hash(history)}")
    return inside(folder, inside(folder.parent, subject.folder))


def _label(event: Mapping[str, Any]) -> str:
    """One edit in a folder's name."""
    what = event.get("attr") or event.get("text") or event.get("method") or "edit"
    named = f"{what[:40]}{event.get('strength', 1):+.3g}"
    by = [value for name in ("right", "down", "zoom") if isinstance(value := event.get(name), int | float)]
    if len(by) == 3:  # a move, which is told from others by how far it goes
        far = "{:+.3g}{:+.3g}x{:.3g}".format(*by)
        named = what + far if event.get("strength") == 1 else named + far
    parts = [named, str(event.get("regions", ""))]
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


def save_row(pictures: list[torch.Tensor], path: Path, mark: Mark) -> str:
    """Write pictures (1, 3, H, W) in a row; returns the path."""
    save_picture(magnify(sheet(torch.cat(pictures), columns=len(pictures)), 128), path, mark)
    return str(path)


def save_pasted(folder: Path, model: Model, origin: Origin, latent: Latent, edited: Rendering, outputs: Outputs
                ) -> dict[str, str]:  # fmt: skip
    """Write the photo with an edit of one code in it, and its mask if that is wanted; returns their paths by kind.

    All edits since the inversion count.
    """
    assert outputs.paste is not None
    photo, own = read_picture(origin.photo), model.synthesise(Latent.load(origin.latent))
    before, after, alignment = own.image[0], edited.image[0], origin.alignment
    if outputs.paste.mask:
        weight = read_weight(read_picture(outputs.paste.mask), photo.size, alignment)
    else:
        changed = change_mask(own, edited, latent, model.generator.label_table)[0]
        weight = photo_weight(photo.size, alignment, changed.cpu())
    if outputs.paste.how == "crop":
        pasted = paste_back(photo, alignment, before, after)
    else:
        pasted = paste_change(photo, alignment, before, after, weight, outputs.paste.how)
    paths = {"pasted": folder / "pasted.png"}
    save_picture(pasted, paths["pasted"], mark_of(model, latent, EDIT), kept_metadata(origin.photo))
    if outputs.mask:
        paths["pasted_mask"] = folder / "pasted-mask.png"
        save_mask(weight, paths["pasted_mask"])
    return {name: str(path) for name, path in paths.items()}


def save_edit(folder: Path, latent: Latent, before: Rendering, after: Rendering, model: Model) -> dict[str, str]:
    """Write edited picture, before/after/difference, label map if there is one, and latent; returns their paths."""
    make_folder(folder)
    paths = {
        "image": folder / "edited.png",
        "comparison": folder / "before-after-difference.png",
        "latent": folder / LATENT,
    }
    difference = (after.image - before.image).abs() - 1
    row, mark = sheet(torch.cat([before.image, after.image, difference]), columns=3), mark_of(model, latent)
    save_picture(after.image[0], paths["image"], mark)
    save_picture(magnify(row), paths["comparison"], mark)
    if after.labels is not None:
        paths["labels"] = folder / "labels.png"
        save_picture(labels_to_colours(after.labels, model.generator.label_table)[0], paths["labels"], mark)
    latent.save(paths["latent"])
    return {name: str(path) for name, path in paths.items()}
