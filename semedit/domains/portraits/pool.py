"""A pool of drawn portraits, made once and kept beside the run that uses it."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file

from semedit.data.source import Batch, Pool, Share
from semedit.domains.portraits.drawing.renderer import Style, render
from semedit.domains.portraits.law import sample_factors
from semedit.latents.regions import CELEBAMASK
from semedit.pictures.tensors import one_hot_masks, to_bytes, to_images
from semedit.storage.atomic import write_safetensors

CHUNK = 256


def draw_pool(count: int, size: int, seed: int, style: Style = "soft",
              progress: Callable[[int, int], None] | None = None) -> Pool:  # fmt: skip
    """Draw ``count`` portraits of ``size`` px; chunk k has the factors of seed ``seed * 100_003 + k``."""
    images = torch.empty(count, 3, size, size, dtype=torch.uint8)
    labels = torch.empty(count, size, size, dtype=torch.uint8)
    for k, start in enumerate(range(0, count, CHUNK)):
        stop = min(start + CHUNK, count)
        drawn, label = render(sample_factors(CHUNK, seed * 100_003 + k).select(slice(0, stop - start)), size, style)
        images[start:stop] = to_bytes(drawn)
        labels[start:stop] = label
        if progress:
            progress(stop, count)
    return Pool(images, labels)


def draw_batch(count: int, size: int, seed: int, style: Style, share: Share, device: torch.device) -> Batch:
    """``share`` of the batch of ``count`` portraits that ``seed`` stands for, drawn on ``device`` at 8 bits."""
    factors = sample_factors(count, seed).select(slice(share.index, None, share.of)).to(device)
    images, labels = render(factors, size, style)
    return Batch(to_images(to_bytes(images)), one_hot_masks(labels, len(CELEBAMASK)))


def cached_pool(folder: Path, count: int, size: int, seed: int, style: Style = "soft",
                progress: Callable[[int, int], None] | None = None) -> Pool:  # fmt: skip
    """:func:`draw_pool`, read from ``folder`` if it was drawn with the same arguments before."""
    key = hashlib.sha256(json.dumps([count, size, seed, style]).encode()).hexdigest()[:12]
    path = folder / f"pool-{key}.safetensors"
    if not path.exists():
        pool = draw_pool(count, size, seed, style, progress)
        write_safetensors(path, {"images": pool.images, "labels": pool.labels}, {})
    tensors = load_file(path)
    return Pool(tensors["images"], tensors["labels"])
