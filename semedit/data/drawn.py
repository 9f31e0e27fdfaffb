"""Pictures that are drawn for a run: a domain's painter, its pictures in a pool made once, or batch by batch."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from semedit.data.chunks import chunk_seed
from semedit.data.source import Batch, Pool, Share
from semedit.pictures.tensors import one_hot_masks, to_bytes, to_images
from semedit.storage.content import reading
from semedit.storage.tensors import read_tensors, write_tensors

CHUNK = 256


@dataclass(frozen=True)
class Painted:
    """B drawn pictures and what is known of them.

    images (B, 3, S, S) in [-1, 1]; labels (B, S, S), uint8, indices of the domain's regions; attributes (B, A) of 0 and
    1, in the order of the domain's attribute names.
    """

    images: Tensor
    labels: Tensor
    attributes: Tensor


class Painter(Protocol):
    """Draws pictures of a domain at random."""

    @property
    def key(self) -> str:
        """What the pictures depend on besides a call's arguments."""
        ...

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles in which it draws, the usual one first."""
        ...

    def __call__(
        self, count: int, size: int, seed: int, style: str, *,
        slots: slice = slice(None), device: torch.device | None = None,
    ) -> Painted:  # fmt: skip
        """Of the ``count`` pictures of ``size`` px that ``seed`` stands for, those at ``slots``, on ``device``.

        Raises UnknownName for a style that it does not know.
        """
        ...


def draw_pool(painter: Painter, count: int, size: int, seed: int, style: str | None = None,
              progress: Callable[[int, int], None] | None = None) -> Pool:  # fmt: skip
    """Draw ``count`` pictures of ``size`` px, in the usual style unless told; chunk k has the seed
    ``chunk_seed(seed, k)``."""
    images = torch.empty(count, 3, size, size, dtype=torch.uint8)
    labels = torch.empty(count, size, size, dtype=torch.uint8)
    for k, start in enumerate(range(0, count, CHUNK)):
        stop = min(start + CHUNK, count)
        slots = slice(0, stop - start)
        drawn = painter(CHUNK, size, chunk_seed(seed, k), style or painter.styles[0], slots=slots)
        images[start:stop], labels[start:stop] = to_bytes(drawn.images), drawn.labels
        if progress:
            progress(stop, count)
    return Pool(images, labels)


def draw_batch(
    painter: Painter, count: int, size: int, seed: int, style: str, *, regions: int, share: Share, device: torch.device
) -> Batch:
    """``share`` of the batch of ``count`` pictures that ``seed`` stands for, drawn on ``device`` at 8 bits."""
    drawn = painter(count, size, seed, style, slots=slice(share.index, None, share.of), device=device)
    return Batch(to_images(to_bytes(drawn.images)), one_hot_masks(drawn.labels, regions))


def cached_pool(painter: Painter, folder: Path, count: int, size: int, seed: int, style: str,
                progress: Callable[[int, int], None] | None = None) -> Pool:  # fmt: skip
    """:func:`draw_pool`, read from ``folder`` if it was drawn with the same arguments before."""
    key = hashlib.sha256(json.dumps([painter.key, count, size, seed, style]).encode()).hexdigest()[:12]
    path = folder / f"pool-{key}.safetensors"
    if not path.exists():
        pool = draw_pool(painter, count, size, seed, style, progress)
        write_tensors(path, {"format": "semedit-pool-1"}, {"images": pool.images, "labels": pool.labels})
    tensors = read_tensors(path, "a pool of drawn pictures").tensors
    with reading(path):
        return Pool(tensors["images"], tensors["labels"])
