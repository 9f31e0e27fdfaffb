"""Latents as ``.npz`` files, for programs that know NumPy alone.

Array ``latent`` holds the codes, float32, (B, L, D) in W+ (or as their space has them), and ``about``, a JSON text,
whose they are: space, layout, regions, fingerprint, and each code's metadata and history. The way back of an edit is in
``.safetensors`` files alone. Written and read without pickles.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from semedit.errors import CheckpointError, LatentError
from semedit.latents.latent import Latent, Past
from semedit.latents.layout import LatentLayout, Space
from semedit.latents.regions import RegionTable
from semedit.storage.atomic import write_bytes
from semedit.storage.content import check_file, parse_object, reading, shaped
from semedit.storage.pickled import check_archive
from semedit.storage.tensors import single

FORMAT = "semedit-arrays-1"


@dataclass(frozen=True)
class Known:
    """What a file says of one code."""

    metadata: Mapping[str, Any]
    history: list[dict[str, Any]]


def save_arrays(path: str | Path, latent: Latent) -> None:
    """Write codes, and what is known of each but the way back, as ``.npz``, atomically."""
    about = {
        "format": FORMAT,
        "space": latent.space,
        "layout": vars(latent.layout),
        "regions": latent.regions.to_json(),
        "fingerprint": latent.fingerprint,
        "codes": [
            {"metadata": dict(past.metadata), "history": [dict(event) for event in past.history]}
            for past in latent.pasts
        ],
    }
    content = io.BytesIO()
    np.savez(content, latent=latent.data.detach().cpu().float().numpy(), about=np.array(json.dumps(about)))
    write_bytes(path, content.getvalue())


def load_arrays(path: str | Path) -> Latent:
    """Read a file that :func:`save_arrays` wrote, or another program after it. Raises LatentError."""
    try:
        check_archive(check_file(path, LatentError))
        with reading(path, LatentError), np.load(path, allow_pickle=False) as arrays:
            codes, text = np.asarray(arrays["latent"]), str(arrays["about"])
    except (EOFError, zipfile.BadZipFile, zlib.error, CheckpointError) as error:
        raise LatentError(str(error) if str(path) in str(error) else f"{path}: no .npz file ({error})") from None
    with reading(path, LatentError):
        about = parse_object(text, path, LatentError)
        if about.get("format") != FORMAT:
            raise LatentError(f"{path}: an .npz file, but not a latent (no '{FORMAT}')")
        data = single({"latent": torch.from_numpy(codes)}, path, LatentError, whole=False)["latent"]
        layout = shaped(LatentLayout, about["layout"], f"{path}: layout", LatentError)
        space: Space = shaped(Space, about["space"], f"{path}: space", LatentError)  # type: ignore[arg-type]
        known = shaped(list[Known], about["codes"], f"{path}: codes", LatentError)
        fingerprint = shaped(str, about["fingerprint"], f"{path}: fingerprint", LatentError)
        layout.check(data, space)
        pasts = tuple(Past(one.metadata, tuple(one.history)) for one in known)
        return Latent(data, space, layout, RegionTable.from_json(about["regions"]), fingerprint, pasts)
