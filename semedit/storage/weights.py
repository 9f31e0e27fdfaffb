"""Weight files of this library: tensors and JSON, as one ``.safetensors`` file or a folder.

A folder holds ``model.safetensors`` and ``config.json``; a single file carries its JSON in the safetensors header.
Everything is loaded strictly; nothing in a weight file is ever executed.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from semedit.errors import CheckpointError
from semedit.storage.atomic import make_folder, write_json
from semedit.storage.content import reading, shaped
from semedit.storage.tensors import read_header, read_tensors, single, write_tensors

M = TypeVar("M", bound=nn.Module)
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
        write_tensors(path, header, tensors)
        return
    make_folder(path)
    write_tensors(path / WEIGHTS, header, tensors)
    write_json(path / CONFIG, header)


def kind_of(path: str | Path) -> str:
    """What a native file or folder says it holds, without its tensors; CheckpointError if it is none."""
    path = Path(path)
    file_path = path / WEIGHTS if path.is_dir() else path
    header = read_header(file_path, "safetensors weights")
    return shaped(str, header.get("kind", "file of another program"), f"{file_path}: kind")


def load_weights(path: str | Path, kind: str | None = None) -> Weights:
    """Read a native file or folder, its floats as float32.

    CheckpointError if it is corrupt, foreign, not of ``kind``, or has NaN or infinite values.
    """
    path = Path(path)
    file_path = path / WEIGHTS if path.is_dir() else path
    stored = read_tensors(file_path, "safetensors weights")
    header = stored.header
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{file_path}: a safetensors file without a '{FORMAT}' header")
    if kind is not None and header.get("kind") != kind:
        raise CheckpointError(f"{file_path}: holds a {header.get('kind')}, not a {kind}")
    config, extra = (shaped(dict[str, Any], header.get(name, {}), file_path) for name in ("config", "extra"))
    return Weights(shaped(str, header.get("kind"), file_path), config, single(stored.tensors, file_path), extra)


def opened(make: Callable[[], M], tensors: Mapping[str, Tensor], source: str | Path) -> M:
    """The network that ``make`` builds, as a file's header describes it, with the file's tensors, strictly.

    It is sketched without memory first, so that a header that promises more than the file holds costs nothing. Raises
    CheckpointError, naming ``source``.
    """
    with reading(source):
        with torch.device("meta"):
            check_state(make(), tensors, source)
        network = make()
        network.load_state_dict(dict(tensors))
    return network


def check_state(module: nn.Module, tensors: Mapping[str, Tensor], source: str | Path) -> None:
    """CheckpointError that names a few missing, unexpected, misshapen and mistyped entries, never all."""
    own = module.state_dict()
    problems = []
    for label, names in (("missing", own.keys() - tensors.keys()), ("unexpected", tensors.keys() - own.keys())):
        if names:
            problems.append(f"{len(names)} {label}, such as '{min(names, key=str)}'")
    for name in sorted(own.keys() & tensors.keys()):
        found = tensors[name]
        if not isinstance(found, Tensor):
            problems.append(f"'{name}' is a {type(found).__name__}, not a tensor")
            break
        if own[name].shape != found.shape:
            problems.append(f"'{name}' is {tuple(found.shape)} instead of {tuple(own[name].shape)}")
            break
        if own[name].is_floating_point() != found.is_floating_point():
            problems.append(f"'{name}' holds {found.dtype} instead of {own[name].dtype}")
            break
    if problems:
        raise CheckpointError(f"{source}: does not fit the network ({'; '.join(problems)})")


def load_state(module: nn.Module, tensors: Mapping[str, Tensor], source: str | Path) -> None:
    """Strict ``load_state_dict``, after :func:`check_state`."""
    check_state(module, tensors, source)
    module.load_state_dict(dict(tensors))


def fingerprint(module: nn.Module, config: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits that name a network's weights (as float32) and what its configuration departs in."""
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
