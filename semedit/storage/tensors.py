"""Safetensors files: tensors with a JSON header that carries a digest of both, checked whenever they are read.

Files of earlier versions, which carry none, are read as well. Tensors of floats are finite, on writing and on reading.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from semedit.errors import CheckpointError, OutputError, SemeditError
from semedit.storage.atomic import replacing
from semedit.storage.content import check_file, parse_object, reading

#: The name of the header in safetensors' metadata, and of the digest in the header.
HEADER, DIGEST = "semedit", "digest"


@dataclass(frozen=True)
class Stored:
    """What a safetensors file holds: its JSON header, empty in files of others, and its tensors, on the CPU."""

    header: Mapping[str, Any]
    tensors: Mapping[str, Tensor]


def digest(header: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of a header and of each tensor's name, type, shape and bytes, in hexadecimal; half a second for 256 MB.

    >>> digest({"a": 1, "b": 2}, {}) == digest({"b": 2, "a": 1}, {})
    True
    """
    found = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        if tensor.numel():
            found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()


def finite(tensor: Tensor) -> bool:
    """Whether all values are finite; a sum tells, unless it overflows."""
    if not tensor.is_floating_point() or not tensor.numel():
        return True
    wide = tensor.float() if tensor.element_size() < 4 else tensor
    return bool(torch.isfinite(wide.sum())) or bool(torch.isfinite(wide).all())


def check_finite(
    tensors: Mapping[str, Tensor], source: str | Path, error: type[SemeditError] = CheckpointError
) -> None:
    """``error`` that names the first tensor with NaN or infinite values."""
    for name, tensor in tensors.items():
        if not finite(tensor):
            raise error(f"{source}: '{name}' holds NaN or infinite values")


def single(tensors: Mapping[str, Tensor], source: str | Path, error: type[SemeditError] = CheckpointError,
           whole: bool = True) -> dict[str, Tensor]:  # fmt: skip
    """Tensors with floats of any width as float32, all of them finite; whole numbers stay if ``whole``.

    Raises ``error`` that names a tensor of another type, or one with NaN or infinite values.
    """
    found = {}
    for name, tensor in tensors.items():
        if tensor.is_complex() or not (whole or tensor.is_floating_point()):
            raise error(
                f"{source}: '{name}' holds {str(tensor.dtype).removeprefix('torch.')}, not floating-point numbers"
            )
        found[name] = tensor.float() if tensor.is_floating_point() else tensor
    check_finite(found, source, error)
    return found


def write_tensors(path: str | Path, header: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write a file, atomically, its digest in the header. Raises OutputError, also for NaN and infinite values."""
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    check_finite(kept, f"{path} is not written", OutputError)
    plain = parse_object(json.dumps(dict(header)), path, OutputError)
    text = json.dumps({**plain, DIGEST: digest(plain, kept)})
    with replacing(path) as temporary:
        try:
            save_file(kept, temporary, {HEADER: text})
        except SafetensorError as problem:
            raise OutputError(f"cannot write {path}: {problem}") from None


def read_header(path: str | Path, what: str, error: type[SemeditError] = CheckpointError) -> dict[str, Any]:
    """The header of a file alone, its digest included. Raises ``error`` as :func:`read_tensors` does."""
    return _opened(path, what, error, None)[0]


def length(path: str | Path, name: str, what: str, error: type[SemeditError] = CheckpointError) -> int:
    """The first dimension of one of a file's tensors, none of which is read. Raises ``error``."""
    check_file(path, error)
    try:
        with reading(path, error), safe_open(str(path), framework="pt") as file:
            return int(file.get_slice(name).get_shape()[0])
    except SafetensorError as problem:
        raise error(f"{path}: cannot be read as {what} ({problem})") from None


def read_tensors(path: str | Path, what: str, error: type[SemeditError] = CheckpointError, *,
                 device: torch.device | str = "cpu") -> Stored:  # fmt: skip
    """Header, without its digest, and tensors of a file.

    ``what`` is what the file should be, for the ``error`` that is raised if it cannot be read, if its digest says that
    it has changed since it was written, or if a value is NaN or infinite.
    """
    header, tensors = _opened(path, what, error, device)
    known = header.pop(DIGEST, None)
    if known is not None and known != digest(header, tensors):
        raise error(f"{path}: damaged; its content is not what was written (the digest differs)")
    check_finite(tensors, path, error)
    return Stored(header, tensors)


def _opened(path: str | Path, what: str, error: type[SemeditError],
            device: torch.device | str | None) -> tuple[dict[str, Any], dict[str, Tensor]]:  # fmt: skip
    check_file(path, error)
    try:
        with reading(path, error), safe_open(str(path), framework="pt", device=str(device or "cpu")) as file:
            header = parse_object((file.metadata() or {}).get(HEADER, "{}"), path, error)
            names: Iterable[str] = file.keys() if device is not None else ()
            return header, {name: file.get_tensor(name) for name in names}
    except SafetensorError as problem:
        raise error(f"{path}: cannot be read as {what} ({problem})") from None


def write_torch(path: str | Path, content: Any) -> None:
    """Write what torch.save does, atomically. Raises OutputError, also where the disk is full."""
    with replacing(path) as temporary:
        try:
            torch.save(content, temporary)
        except RuntimeError as problem:  # so torch's own writer reports a full disk
            raise OutputError(f"cannot write {path}: {str(problem).splitlines()[0][:120]}") from None
