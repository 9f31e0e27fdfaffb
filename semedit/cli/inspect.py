"""``semedit inspect``: what a picture, or a latent file, says of where it comes from."""

from pathlib import Path
from typing import Annotated, Any

import typer

from semedit.cli.console import JsonOption, Report
from semedit.errors import SemeditError


def inspect(
    files: Annotated[list[Path], typer.Argument(help="Pictures, or latent files.")], json: JsonOption = False
) -> None:
    """Show the mark of provenance that a picture carries: what kind of picture it is, the model, the edits."""
    report = Report(json)
    for path in files:
        try:
            found = _latent(path) if path.suffix == ".safetensors" else _picture(path)
        except SemeditError as error:
            report.fail(str(path), error)
            continue
        report.add(file=str(path), **found)
        report.say(f"{path}: {_summary(found)}")
        edits = [", ".join(f"{k} {v}" for k, v in event.items() if v is not None) for event in found["history"]]
        facts = [[name, str(value)] for name, value in found.items() if name not in ("history", "kind") and value]
        report.table(["what", "value"], facts + [[f"edit {i + 1}", text] for i, text in enumerate(edits)])
    report.finish()


def _picture(path: Path) -> dict[str, Any]:
    from semedit.pictures.provenance import Mark, read_mark

    mark = read_mark(path)
    return {"kind": "picture", "marked": mark is not None, **(mark or Mark("", version="")).to_json()}


def _latent(path: Path) -> dict[str, Any]:
    from semedit.latents.latent import Latent

    latent = Latent.load(path)
    facts = {name: value for name, value in latent.metadata.items() if isinstance(value, str | int | float)}
    own = {"kind": "latent", "codes": len(latent), "space": latent.space, "fingerprint": latent.fingerprint}
    return {**facts, **own, "history": [dict(event) for event in latent.history]}


def _summary(found: dict[str, Any]) -> str:
    if found["kind"] == "latent":
        return f"a latent file of {found['codes']} code{'' if found['codes'] == 1 else 's'} in {found['space']}"
    return f"made with semedit {found['version']} ({found['source']})" if found["marked"] else "no mark of semedit"
