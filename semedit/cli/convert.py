"""``semedit convert``: latent files as arrays for other programs, and back."""

from pathlib import Path
from typing import Annotated

import typer

from semedit.cli.console import JsonOption, Report
from semedit.errors import LatentError


def convert(
    source: Annotated[Path, typer.Argument(help="A latent: .safetensors or .npz.")],
    target: Annotated[Path, typer.Argument(help="Where to write; the ending says what: .npz or .safetensors.")],
    json: JsonOption = False,
) -> None:
    """Convert a latent file to an .npz of NumPy arrays, or back.

    An .npz has the codes and what is known of them, but not the way back of their edits.
    """
    from semedit.latents.arrays import load_arrays, save_arrays
    from semedit.latents.latent import Latent

    if target.suffix not in (".npz", ".safetensors"):
        raise LatentError(f"{target}: latents are written as .npz or .safetensors; the ending says which")
    latent = load_arrays(source) if source.suffix == ".npz" else Latent.load(source)
    if target.suffix == ".npz":
        save_arrays(target, latent)
    else:
        latent.save(target)
    report = Report(json)
    report.add(source=str(source), target=str(target), codes=len(latent), space=latent.space,
               fingerprint=latent.fingerprint, shape=list(latent.data.shape))  # fmt: skip
    report.say(f"{source} -> {target}: latent {'x'.join(map(str, latent.data.shape))} in {latent.space}")
    report.finish()
