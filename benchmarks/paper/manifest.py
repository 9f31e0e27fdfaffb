"""What a report is of: its models, data, networks of measures and seeds, by which a run knows whether it may go on."""

import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from benchmarks import bases, bootstrap, fidelity, reconstruction, truth
from benchmarks.exact import questions
from benchmarks.paper.parts import grids, hosts, style_space
from benchmarks.paper.setting import Setting
from benchmarks.transfers import protocol as transfers
from semedit.data.collection import picture_files
from semedit.domains import Domain
from semedit.editing.model import Model
from semedit.errors import ConfigError, MissingWeights, SemeditError
from semedit.metrics.inception import LegacyInception, TfInception
from semedit.storage.atomic import write_json
from semedit.storage.content import read_object, shaped
from semedit.storage.ownership import sha256
from semedit.storage.tensors import digest
from semedit.storage.weights import fingerprint, load_weights

MANIFEST = "manifest.json"
#: What of a domain measures, or guides what is measured: the loaders of its networks.
NETWORKS = ("perceptual", "perceptual_training", "perceptual_judge", "identity", "features", "features_judge",
            "attributes", "attributes_judge", "clip", "clip_judge")  # fmt: skip
#: The first seed of everything that is drawn.
SEEDS: dict[str, Any] = {
    "samples": fidelity.SEED,
    "real pictures": list(fidelity.DrawnPictures.SEEDS),
    "inversions": reconstruction.UNSEEN_SEED,
    "samples that are edited": bases.SEED,
    "pairs of target and reference": transfers.SEED,
    "true edits": truth.SEED,
    "true changes": questions.SEED,
    "bootstrap": bootstrap.SEED,
    "pictures of grids": grids.SEED,
    "pictures of transfers": hosts.SEED,
    "style space": style_space.SEED,
}


def described(setting: Setting) -> dict[str, Any]:
    """The manifest. Subject, rivals and networks decide whether a run may go on."""
    model, domain = setting.model, setting.model.domain
    files = dict(model.entry.card.get("files", {})) if model.entry else {}
    packages = ("semedit", "torch", "torchvision", "numpy", "scikit-learn")
    others = {**(setting.rivals or {}), **({"adapted": setting.adapted} if setting.adapted else {})}
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
        "rivals": {name: rival_facts(one.model) if one.model else one.absent.reason
                   for name, one in sorted(others.items())},
        "networks": network_facts(domain),
        "seeds": SEEDS,
        "versions": {name: metadata.version(name) for name in packages} | {"python": platform.python_version()},
        "device": str(model.device),
    }  # fmt: skip


def rival_facts(model: Model) -> dict[str, Any]:
    """What is known of another generator, and of what has been learnt of it."""
    own = {path.name: path for path in sorted(model.entry.folder.glob("*.safetensors"))} if model.entry else {}
    files = own | {name: Path(path) for name, path in model.editor_paths.items()}
    fact = model.generator.fingerprint or fingerprint(model.generator, model.generator.config.to_json())
    return {"model": model.name, "generator": fact, "files": {name: tensors_hash(path) for name, path in files.items()}}


def network_facts(domain: Domain) -> dict[str, Any]:
    """The networks of a domain that measure: id and hash of each, or why it is not there."""
    loaders = {name: getattr(domain, name) for name in NETWORKS}
    loaders |= {f"identity {number + 2}": load for number, load in enumerate(domain.identity_further)}
    found: dict[str, Any] = {}
    for name, load in loaders.items():
        try:
            one = load()
        except SemeditError as error:
            found[name] = str(error)
            continue
        network = getattr(one, "network", None)
        hashed = fingerprint(network, {}) if isinstance(network, torch.nn.Module) else ""
        found[name] = {"protocol": one.protocol, "weights": hashed}
    for kind in (TfInception, LegacyInception):
        try:
            found[kind.protocol] = {"protocol": kind.protocol, "weights": sha256(kind.find())}
        except MissingWeights as error:
            found[kind.protocol] = str(error)
    return found


def tensors_hash(path: str | Path) -> str:
    """A name for what a native file has learnt: of its tensors. What was measured of them may join the file later."""
    return digest({}, load_weights(path).tensors)


def data_hash(folder: Path | None) -> str:
    """A name for a folder of pictures: of the files' names and sizes; empty where pictures are drawn."""
    if folder is None:
        return ""
    listed = "\n".join(f"{path.relative_to(folder)} {path.stat().st_size}" for path in picture_files(folder))
    return hashlib.sha256(listed.encode()).hexdigest()


def claim(path: Path, manifest: dict[str, Any]) -> None:
    """Keep the manifest, or refuse a folder that holds another report's. What rivals have learnt since may join it, and
    networks that were not there. Raises ConfigError."""
    if path.exists():
        kept = read_object(path)
        then = shaped(dict[str, Any], kept.get("subject", {}), f"{path}: subject")
        now = json.loads(json.dumps(manifest["subject"]))
        changed = sorted(name for name in now if then.get(name) != now[name])
        for kind in ("rivals", "networks"):
            before = shaped(dict[str, Any], kept.get(kind, {}), f"{path}: {kind}")
            changed += [name for name, facts in manifest[kind].items() if _differs(before.get(name), facts)]
        if changed:
            raise ConfigError(
                f"{path.parent} holds a report of something else ({', '.join(changed)} differ); use another --out"
            )
    write_json(path, manifest)


def _differs(then: Any, now: Any) -> bool:
    """Whether a rival or a network is another one than it was, or a rival has learnt something anew."""
    if not isinstance(then, dict) or not isinstance(now, dict):
        return False
    if "weights" in now:
        return bool(then != now)
    files = then.get("files", {})
    return then.get("generator") != now["generator"] or any(files.get(k, h) != h for k, h in now["files"].items())
