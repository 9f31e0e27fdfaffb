"""Weight files of this library: tensors and JSON, as one ``.safetensors`` file or a folder.

A folder holds ``model.safetensors`` and ``config.json``; a single file carries its JSON in the safetensors header.
Everything is loaded strictly; nothing in a weight file is ever executed.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from semedit.errors import CheckpointError
from semedit.storage.atomic import make_folder, write_json, write_safetensors

FORMAT = "semedit-weights-1"
WEIGHTS, CONFIG = "model.safetensors", "config.json"


@dataclass(frozen=True)
class Weights:
    """What a native weight file holds: ``kind`` of network, its ``config``, ``tensors``, and free ``extra`` JSON."""

    kind: str
    config: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    extra: Mapping[str, Any] = field(default_factory=dict)


def save_weights(path: str | Path, weights: Weights, *, half: bool = False) -> None:
    """Write a native file (a name ending in .safetensors) or folder (any other), atomically.

    ``half`` stores floating-point tensors as float16 (they load as float32 again).
    """
    path = Path(path)
    header = {"format": FORMAT, "kind": weights.kind, "config": dict(weights.config), "extra": dict(weights.extra)}
    tensors = {n: t.half() if half and t.is_floating_point() else t for n, t in weights.tensors.items()}
    if path.suffix == ".safetensors":
        write_safetensors(path, tensors, {"semedit": json.dumps(header)})
        return
    make_folder(path)
    write_safetensors(path / WEIGHTS, tensors, {"semedit": json.dumps(header)})
    write_json(path / CONFIG, header)


def kind_of(path: str | Path) -> str:
    """What a native file or folder says it holds, without its tensors; CheckpointError if it is none."""
    path = Path(path)
    file_path = path / WEIGHTS if path.is_dir() else path
    try:
        with safe_open(str(file_path), framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("semedit", "{}"))
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{file_path}: cannot be read as safetensors weights ({error})") from None
    return str(header.get("kind", "file of another program"))


def load_weights(path: str | Path, kind: str | None = None) -> Weights:
    """Read a native file or folder; CheckpointError if it is corrupt, foreign, or not of ``kind``."""
    path = Path(path)
    file_path = path / WEIGHTS if path.is_dir() else path
    try:
        with safe_open(str(file_path), framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("semedit", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{file_path}: cannot be read as safetensors weights ({error})") from None
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{file_path}: a safetensors file without a '{FORMAT}' header")
    if kind is not None and header["kind"] != kind:
        raise CheckpointError(f"{file_path}: holds a {header['kind']}, not a {kind}")
    tensors = {n: t.float() if t.dtype == torch.float16 else t for n, t in tensors.items()}
    return Weights(header["kind"], header["config"], tensors, header.get("extra", {}))


def load_state(module: nn.Module, tensors: Mapping[str, Tensor], source: str | Path) -> None:
    """Strict ``load_state_dict`` whose error names a few missing, unexpected and misshapen entries, never all."""
    own = module.state_dict()
    problems = []
    for label, names in (("missing", own.keys() - tensors.keys()), ("unexpected", tensors.keys() - own.keys())):
        if names:
            problems.append(f"{len(names)} {label}, such as '{min(names)}'")
    for name in sorted(own.keys() & tensors.keys()):
        if own[name].shape != tensors[name].shape:
            problems.append(f"'{name}' is {tuple(tensors[name].shape)} instead of {tuple(own[name].shape)}")
            break
    if problems:
        raise CheckpointError(f"{source}: does not fit the network ({'; '.join(problems)})")
    module.load_state_dict(dict(tensors))


def fingerprint(module: nn.Module, config: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits that name a network's weights (as float32) and what its configuration departs in."""
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
