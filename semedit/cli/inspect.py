"""``semedit inspect``: what a picture, or a latent file, says of where it comes from."""

from pathlib import Path
from typing import Annotated, Any

import typer

from semedit.cli.console import JsonOption, Report
from semedit.errors import SemeditError

#: What is not shown as it is in a table of facts.
UNLISTED = ("history", "kind", "manifest")
STATES = {
    "trusted": "verifies: unchanged since it was signed, by a trusted signer",
    "valid": "verifies: unchanged since it was signed, by a signer that nobody vouches for here",
    "invalid": "does NOT verify",
    "unread": "cannot be read",
}


def inspect(
    files: Annotated[list[Path], typer.Argument(help="Pictures, or latent files.")], json: JsonOption = False
) -> None:
    """Show the mark of provenance that a picture carries: what kind of picture it is, the model, the edits, and whether
    a signed C2PA manifest in it verifies, and whose it is."""
    from semedit.pictures.provenance import described

    report = Report(json)
    for path in files:
        try:
            found = _latent(path) if path.suffix == ".safetensors" else _picture(path)
        except SemeditError as error:
            report.fail(str(path), error)
            continue
        report.add(file=str(path), **found)
        report.say(f"{path}: {_summary(found)}")
        edits = [described(event) for event in found["history"]]
        facts = [[name, str(value)] for name, value in found.items() if name not in UNLISTED and value]
        facts += [[f"manifest: {name}", str(value)] for name, value in _signature(found).items()]
        report.table(["what", "value"], facts + [[f"edit {i + 1}", text] for i, text in enumerate(edits)])
    report.finish()


def _picture(path: Path) -> dict[str, Any]:
    from dataclasses import asdict

    from semedit.pictures.provenance import Mark, read_mark
    from semedit.pictures.signing import read_credential

    mark, manifest = read_mark(path), asdict(read_credential(path))
    own = (mark or Mark("", version="")).to_json()
    return {"kind": "picture", "marked": mark is not None, **own, "manifest": manifest}


def _signature(found: dict[str, Any]) -> dict[str, Any]:
    """What is told of a picture's manifest, if it has one."""
    manifest = found.get("manifest", {})
    if manifest.get("state", "none") == "none":
        return {}
    told = {**manifest, "state": STATES[manifest["state"]], "actions": ", ".join(manifest["actions"])}
    return {name: value for name, value in told.items() if value}


def _latent(path: Path) -> dict[str, Any]:
    from semedit.latents.latent import Latent

    latent = Latent.load(path)
    facts = {name: value for name, value in latent.metadata.items() if isinstance(value, str | int | float)}
    own = {"kind": "latent", "codes": len(latent), "space": latent.space, "fingerprint": latent.fingerprint}
    return {**facts, **own, "history": [dict(event) for event in latent.history]}


def _summary(found: dict[str, Any]) -> str:
    if found["kind"] == "latent":
        return f"a latent file of {found['codes']} code{'' if found['codes'] == 1 else 's'} in {found['space']}"
    made = f"made with semedit {found['version']} ({found['source']})" if found["marked"] else "no mark of semedit"
    state = found["manifest"]["state"]
    return made if state == "none" else f"{made}; its C2PA manifest {STATES[state]}"
