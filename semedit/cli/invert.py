"""``semedit invert``: pictures -> latents."""

import time
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
    SetOption,
    check_device,
    complain,
    number,
    progress_bar,
)

if TYPE_CHECKING:
    from semedit.editing.model import Model
    from semedit.protocols import Inversion


def invert(
    pictures: Annotated[list[str], typer.Argument(help="Pictures, folders or globs.")],
    model: ModelOption = "portraits",
    method: Annotated[
        str | None, typer.Option(help="restyle, optimize, restyle+optimize (the default with an encoder) or pti.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="The budget: optimisation steps at most (default: the method's).")
    ] = None,
    refinements: Annotated[int | None, typer.Option(help="Passes of the encoder (default: 5).")] = None,
    target_perceptual: Annotated[
        float | None, typer.Option(help="Stop searching at this perceptual distance, or a smaller one.")
    ] = None,
    target_id: Annotated[
        float | None, typer.Option(help="Stop searching at this identity similarity, or a larger one.")
    ] = None,
    encoder: Annotated[str | None, typer.Option(help="An encoder's file, instead of the model's own.")] = None,
    face: Annotated[int | None, typer.Option(help="Which face, 1 being the largest, when there are several.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Pictures inverted at once.")] = 8,
    set_: SetOption = None,
    out: OutOption = "semedit-out",
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Invert pictures: find the latent codes that give them back, into OUT/<name>/."""
    from semedit.config import assigned
    from semedit.errors import SemeditError
    from semedit.pictures.reading import find_pictures
    from semedit.storage.atomic import make_folder, write_json

    files = find_pictures(pictures)
    folder = make_folder(out)

    import torch

    from semedit.editing.loading import load
    from semedit.pictures.tensors import to_tensor

    torch.manual_seed(seed)
    report = Report(json)
    loaded = load(model, encoder=encoder).to(check_device(device))
    named = {
        "steps": steps,
        "refinements": refinements,
        "target_perceptual": target_perceptual,
        "target_id": target_id,
    }
    inverter = None
    taken: set[Path] = set()
    began = time.monotonic()
    for start in range(0, len(files), batch):
        crops, sources = [], []
        for path in files[start : start + batch]:
            try:
                aligned = loaded.align(path, face)
            except SemeditError as error:
                report.fail(str(path), error)
                continue
            crops.append((to_tensor(aligned.crop), aligned))
            sources.append(path)
        if not crops:
            continue
        if inverter is None:  # once there is something to invert: what a method needs is asked for after bad pictures
            inverter = loaded.inverter(method, assigned(named, set_))
            if method is None and not loaded.has_encoder:
                complain(f"model '{loaded.name}' has no encoder: searching from the mean code ({inverter.method})")
        label = sources[0].name if len(sources) == 1 else f"{len(sources)} pictures"
        with progress_bar(f"inverting {label}", json) as progress:
            inversion = loaded.invert(torch.stack([crop for crop, _ in crops]), inverter=inverter, progress=progress)
        for index, path in enumerate(sources):
            one = inversion.single(index, alignment=crops[index][1].alignment.to_json())
            _save(report, loaded, folder, path, one, taken)
    seconds = time.monotonic() - began
    manifest = {"done": [r["input"] for r in report.results], "failed": report.failed, "seconds": seconds}
    if len(files) > 1:
        write_json(folder / "invert-manifest.json", manifest)
        report.say(f"{len(report.results)} inverted, {len(report.failed)} failed, {seconds:.1f} s")
    report.finish()


def _save(report: Report, model: "Model", folder: Path, path: Path, inversion: "Inversion", taken: set[Path]) -> None:
    """Write one picture's results, and say how good the reconstruction is."""
    from semedit.editing.output import save_inversion
    from semedit.editing.subjects import subject_folder

    record = save_inversion(subject_folder(folder, path, taken), path, inversion, model.generator)
    report.add(**record)
    metrics, protocols = record["metrics"], record["protocols"]
    report.say(f"{path} -> {Path(record['latent']).parent} ({ended(record)})")
    rows = [[name, number(value, 4 if name == "mse" else 3), protocols[name]] for name, value in metrics.items()]
    report.table(["measure", "value", "protocol"], rows)
    if metrics["psnr"] < model.domain.poor_psnr:
        report.say(
            f"This picture lies outside what the model knows: {metrics['psnr']:.1f} dB, where its own domain gives "
            f"{model.domain.poor_psnr:.0f} dB or more. Edits will not look like the original."
        )


def ended(record: dict[str, Any]) -> str:
    """How an inversion came to its end, in words."""
    reason = {"target": "target reached", "budget": "budget used up"}.get(record["stopped"] or "", "")
    return ", ".join(filter(None, [record["method"], reason, f"{record['seconds']:.1f} s"]))
