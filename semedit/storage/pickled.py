"""Torch checkpoints of others, read as data: tensors and plain values, never code.

Files are opened with ``weights_only=True`` and only ``argparse.Namespace`` allowed besides tensors, so a pickle with
code in it is refused and never run. What comes out is plain: dense tensors with memory of their own, finite values.
"""

import argparse
import pickle
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from semedit.errors import CheckpointError
from semedit.storage.content import check_file, reading
from semedit.storage.tensors import finite

#: How much larger than its file an archive's content may be: torch and NumPy store theirs as it is.
LARGEST_RATIO = 4
#: Bytes that a tensor may show beyond those that its file stores for it, by repeating them.
REPEATED = 2**20


def check_archive(path: str | Path) -> None:
    """CheckpointError for a zip archive that unpacks to far more than its file holds, before anything is unpacked."""
    try:
        with reading(path), zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile:
        return
    if size > LARGEST_RATIO * Path(path).stat().st_size + REPEATED:
        raise CheckpointError(f"{path}: refused, as this archive unpacks to {size / 1e9:.1f} GB")


def read_pickle(path: str | Path) -> dict[str, Any]:
    """The mapping in a torch file, with tensors and plain values only; ``args`` becomes a dict.

    Raises CheckpointError for anything else, and for tensors that are sparse, quantised, or hold NaN or infinite
    values.
    """
    check_file(path)
    check_archive(path)
    try:
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if any(word in str(error).lower() for word in ("global", "blocked")):
            raise CheckpointError(
                f"{path}: refused, as it holds objects other than tensors and plain values; nothing in it was run"
            ) from None
        raise CheckpointError(f"{path}: corrupt, or not a torch checkpoint") from None
    except Exception as error:  # a broken pickle may call anything that it allows, with anything
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise CheckpointError(f"{path}: cannot be read as a torch checkpoint ({reason})") from None
    if not isinstance(content, dict):
        raise CheckpointError(f"{path}: holds a {type(content).__name__}, not a checkpoint's dictionary")
    with reading(path):
        for name, tensor in _tensors(content):
            _check(name, tensor, path)
    if isinstance(content.get("args"), argparse.Namespace):
        content["args"] = vars(content["args"])
    return content


def state_of(content: dict[str, Any], source: str | Path) -> dict[str, Tensor]:
    """A state dict: CheckpointError unless every key is a text, and every value a tensor."""
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise CheckpointError(f"{source}: {key!r:.60} holds a {type(value).__name__}; a state dict holds tensors")
    return content


def _tensors(content: object) -> Iterator[tuple[str, Tensor]]:
    """Every tensor in dictionaries and lists, however deep, with the last name on its way."""
    waiting: list[tuple[str, object]] = [("", content)]
    seen = set[int]()
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, Tensor):
            yield name, value
        elif isinstance(value, dict | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            items = value.items() if isinstance(value, dict) else ((name, one) for one in value)
            waiting += [(str(key), one) for key, one in items]


def _check(name: str, tensor: Tensor, path: str | Path) -> None:
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu" or tensor.is_complex():
        raise CheckpointError(f"{path}: '{name}' is no plain tensor of real numbers")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes() + REPEATED:
        raise CheckpointError(f"{path}: '{name}' claims {tuple(tensor.shape)}, far more than the file holds for it")
    if not finite(tensor):
        raise CheckpointError(f"{path}: '{name}' holds NaN or infinite values")
