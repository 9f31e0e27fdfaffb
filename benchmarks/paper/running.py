"""Making a report, unit by unit: a run that was stopped goes on, and gives the rows of one that was not."""

import csv
import hashlib
import io
import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.paper.part import PaperPart, PartUnit
from benchmarks.paper.setting import Figure, Setting
from semedit.data.collection import picture_files
from semedit.editing.model import Model
from semedit.errors import ConfigError, UnknownName
from semedit.storage.atomic import make_folder, write_bytes, write_json
from semedit.storage.content import read_object, shaped
from semedit.storage.ownership import sha256
from semedit.storage.weights import fingerprint, load_weights

ROWS, TABLE, MANIFEST = "rows.json", "rows.csv", "manifest.json"
Watch = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Section:
    """A part with its units, and what was plotted of them together."""

    part: PaperPart
    units: tuple[PartUnit, ...]
    figures: tuple[Figure, ...] = ()


def chosen(parts: Sequence[PaperPart], only: Sequence[str]) -> list[PaperPart]:
    """The parts that ``only`` names, by id or by the paper ("ssg"); all of them where it is empty. UnknownName."""
    if not only:
        return list(parts)
    families = {part.id.split(".")[0] for part in parts}
    for name in only:
        if name not in families and name not in {part.id for part in parts}:
            raise UnknownName("part of the report", name, [*families, *(part.id for part in parts)])
    return [part for part in parts if part.id in only or part.id.split(".")[0] in only]


def run(setting: Setting, parts: Sequence[PaperPart], watch: Watch | None = None) -> list[Section]:
    """Make ``parts`` in the setting's folder, or take from it what is there already; writes rows and manifest.

    Every unit is written when it is done, whole or not at all, so that a run may be killed at any moment. Raises
    ConfigError for a folder of a report of something else.
    """
    folder = make_folder(setting.folder)
    manifest = described(setting)
    _claim(folder / MANIFEST, manifest)
    sections = []
    for part in parts:
        names, units = list(part.units(setting)), []
        for index, name in enumerate(names):
            label = f"{part.id} ({index + 1} of {len(names)}): {name}"
            units.append(_unit(setting, part, name, label, watch))
        plotted = part.draw(setting, [one for one in units if one.ran]) if part.draw else ()
        sections.append(Section(part, tuple(units), tuple(plotted)))
    rows = [cell.to_json() for section in sections for unit in section.units for cell in unit.cells]
    write_json(folder / ROWS, rows)
    write_bytes(folder / TABLE, csv_of(rows).encode())
    return sections


def _unit(setting: Setting, part: PaperPart, name: str, label: str, watch: Watch | None) -> PartUnit:
    path = setting.folder / "units" / part.id / f"{slug(name)}.json"
    if path.exists():
        kept = PartUnit.read(path)
        if kept.ran and all((setting.folder / figure.file).exists() for figure in kept.figures):
            return kept

    def progress(done: int, total: int) -> None:
        if watch:
            watch(label, done, total)

    progress(0, 1)
    unit = part.unit(setting, name, progress)
    write_json(path, unit.to_json())
    # As a later run reads it, so that both give the same.
    return PartUnit.read(path)


def slug(name: str) -> str:
    """A unit's name as a file's.

    >>> slug("SemanticGAN + proposed training")
    'semanticgan-proposed-training'
    """
    words = "".join(c if c.isalnum() or c in ".@" else " " for c in name.lower()).split()
    return "-".join(words)


def described(setting: Setting) -> dict[str, Any]:
    """The manifest: what the report is of. Everything but the versions decides whether a run may go on."""
    model, domain = setting.model, setting.model.domain
    files = dict(model.entry.card.get("files", {})) if model.entry else {}
    packages = ("semedit", "torch", "torchvision", "numpy", "scikit-learn")
    return {
        "subject": {
            "domain": domain.name,
            "model": model.name,
            "generator": model.generator.fingerprint or fingerprint(model.generator, model.generator.config.to_json()),
            "editors": {name: tensors_hash(path) for name, path in sorted(model.editor_paths.items())},
            "encoder": sha256(model.encoder_path) if model.encoder_path else "",
            "files": files,
            "data": data_hash(setting.data),
            "budget": setting.budget.to_json(),
        },
        "rivals": {name: rival_facts(one.model) if one.model else one.absent.reason for name, one in
                   sorted((setting.rivals or {}).items())},
        "versions": {name: metadata.version(name) for name in packages} | {"python": platform.python_version()},
        "device": str(model.device),
    }  # fmt: skip


def rival_facts(model: Model) -> dict[str, Any]:
    """What is known of another generator, and of what has been learnt of it."""
    own = {path.name: path for path in sorted(model.entry.folder.glob("*.safetensors"))} if model.entry else {}
    files = own | {name: Path(path) for name, path in model.editor_paths.items()}
    fact = model.generator.fingerprint or fingerprint(model.generator, model.generator.config.to_json())
    return {"model": model.name, "generator": fact, "files": {name: tensors_hash(path) for name, path in files.items()}}


def tensors_hash(path: str | Path) -> str:
    """A name for what a native file has learnt: of its tensors. What was measured of them may join the file later."""
    digest = hashlib.sha256()
    for name, tensor in sorted(load_weights(path).tensors.items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def data_hash(folder: Path | None) -> str:
    """A name for a folder of pictures: of the files' names and sizes; empty where pictures are drawn."""
    if folder is None:
        return ""
    listed = "\n".join(f"{path.relative_to(folder)} {path.stat().st_size}" for path in picture_files(folder))
    return hashlib.sha256(listed.encode()).hexdigest()


def _claim(path: Path, manifest: dict[str, Any]) -> None:
    """Keep the manifest, or refuse a folder that holds another report's. What rivals have learnt since may join it."""
    if path.exists():
        kept = read_object(path)
        then = shaped(dict[str, Any], kept.get("subject", {}), f"{path}: subject")
        now = json.loads(json.dumps(manifest["subject"]))
        changed = sorted(name for name in now if then.get(name) != now[name])
        before = shaped(dict[str, Any], kept.get("rivals", {}), f"{path}: rivals")
        changed += [name for name, facts in manifest["rivals"].items() if _differs(before.get(name), facts)]
        if changed:
            raise ConfigError(
                f"{path.parent} holds a report of something else ({', '.join(changed)} differ); use another --out"
            )
    write_json(path, manifest)


def _differs(then: Any, now: Any) -> bool:
    """Whether a rival is another one than it was, or has learnt something anew."""
    if not isinstance(then, dict) or not isinstance(now, dict):
        return False
    files = then.get("files", {})
    return then.get("generator") != now["generator"] or any(files.get(k, h) != h for k, h in now["files"].items())


def csv_of(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as comma-separated values, their columns named in the first line."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()
