"""Torch checkpoints of others, read as data: tensors and plain values, never code.

Files are opened with ``weights_only=True`` and only ``argparse.Namespace`` allowed besides tensors, so a pickle with
code in it is refused and never run.
"""

import argparse
import pickle
from pathlib import Path
from typing import Any

import torch

from semedit.errors import CheckpointError


def read_pickle(path: str | Path) -> dict[str, Any]:
    """The mapping in a torch file, with tensors and plain values only; ``args`` becomes a dict."""
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if any(word in str(error).lower() for word in ("global", "blocked")):
            raise CheckpointError(
                f"{path}: refused, as it holds objects other than tensors and plain values; nothing in it was run"
            ) from None
        raise CheckpointError(f"{path}: corrupt, or not a torch checkpoint") from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise CheckpointError(f"{path}: cannot be read as a torch checkpoint ({reason})") from None
    if not isinstance(content, dict):
        raise CheckpointError(f"{path}: holds a {type(content).__name__}, not a checkpoint's dictionary")
    if isinstance(content.get("args"), argparse.Namespace):
        content["args"] = vars(content["args"])
    return content
