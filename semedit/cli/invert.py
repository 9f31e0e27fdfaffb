"""``semedit invert``: pictures -> latents."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    from semedit.model import Model
    from semedit.protocols import Inversion

BATCH = 8


def invert(
    pictures: Annotated[list[str], typer.Argument(help="Pictures, folders or globs.")],
    model: ModelOption = "portraits",
    method: Annotated[str, typer.Option(help="How to invert.")] = "optimize",
    steps: Annotated[int | None, typer.Option(help="Optimisation steps (default: the domain's).")] = None,
    face: Annotated[int | None, typer.Option(help="Which face, 1 being the largest, when there are several.")] = None,
    out: OutOption = "semedit-out",
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Invert pictures: find the latent codes that give them back, into OUT/<name>/."""
    from semedit.errors import SemeditError
    from semedit.files import make_folder, write_json
    from semedit.images import find_pictures

    files = find_pictures(pictures)
    folder = make_folder(out)

    import torch

    from semedit.images import to_tensor
    from semedit.model import load

    torch.manual_seed(seed)
    report = Report(json)
    loaded = load(model).to(check_device(device))
    options = {} if steps is None else {"steps": steps}
    inverter = None
    taken: set[Path] = set()
    began = time.monotonic()
    for start in range(0, len(files), BATCH):
        crops, sources = [], []
        for path in files[start : start + BATCH]:
            try:
                aligned = loaded.align(path, face)
            except SemeditError as error:
                report.fail(str(path), error)
                continue
            crops.append((to_tensor(aligned.crop), aligned))
            sources.append(path)
        if not crops:
            continue
        inverter = inverter or loaded.inverter(method, **options)
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
    from semedit.workspace import save_inversion, subject_folder

    record = save_inversion(subject_folder(folder, path, taken), path, inversion, model.generator)
    report.add(**record)
    metrics, protocols = record["metrics"], record["protocols"]
    report.say(f"{path} -> {Path(record['latent']).parent}")
    rows = [[name, number(value, 4 if name == "mse" else 3), protocols[name]] for name, value in metrics.items()]
    report.table(["measure", "value", "protocol"], rows)
    if metrics["psnr"] < model.domain.poor_psnr:
        report.say(
            f"This picture lies outside what the model knows: {metrics['psnr']:.1f} dB, where its own domain gives "
            f"{model.domain.poor_psnr:.0f} dB or more. Edits will not look like the original."
        )
