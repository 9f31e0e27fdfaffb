"""Poisson blending: the gradients of a reference inside a mask, the pixels of a target around it.

Reference: Perez et al., "Poisson Image Editing", SIGGRAPH 2003, equations 7 and, with ``mixed``, 13. At the border of
the picture no value is prescribed.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.linalg import splu
from torch import Tensor

from semedit.errors import ImageError

#: A pixel's four neighbours.
STEPS = ((-1, 0), (1, 0), (0, -1), (0, 1))


def blend_poisson(target: Tensor, reference: Tensor, mask: Tensor, *, mixed: bool = False) -> Tensor:
    """Pictures (B, C, H, W): the target outside ``mask``, bit for bit, and inside it the reference's gradients.

    target, reference: (B, C, H, W); mask: (1 or B, 1, H, W), inside where it is above 0.5. ``mixed`` takes the stronger
    of both gradients between each two pixels. A mask that covers the whole picture leaves the reference.
    Raises ImageError for other shapes.
    """
    if target.dim() != 4 or reference.shape != target.shape:
        raise ImageError(f"pictures {tuple(target.shape)} and {tuple(reference.shape)}; two (B, C, H, W) are wanted")
    if mask.shape[1:] != (1, *target.shape[2:]) or len(mask) not in (1, len(target)):
        raise ImageError(f"a mask of shape {tuple(mask.shape)} for pictures {tuple(target.shape)}")
    made = target.clone()
    for index, inside in enumerate((mask[:, 0] > 0.5).expand(len(target), -1, -1)):
        if inside.all():
            made[index] = reference[index]
        elif inside.any():
            own, other = (picture[index].detach().cpu().double().numpy() for picture in (target, reference))
            made[index][:, inside] = torch.from_numpy(solve(own, other, inside.cpu().numpy(), mixed)).to(made)
    return made


def solve(target: NDArray[np.float64], reference: NDArray[np.float64], inside: NDArray[np.bool_],
          mixed: bool) -> NDArray[np.float64]:  # fmt: skip
    """Values (C, n) of the n pixels inside: 4 f_p - sum of inner neighbours = outer neighbours + guidance."""
    height, width = inside.shape
    number = np.cumsum(inside).reshape(inside.shape) - 1
    ys, xs = np.nonzero(inside)
    right = np.zeros((len(ys), len(target)))
    degree = np.zeros(len(ys))
    rows, columns = [], []
    for dy, dx in STEPS:
        there = (ys + dy >= 0) & (ys + dy < height) & (xs + dx >= 0) & (xs + dx < width)
        own, y, x = np.nonzero(there)[0], ys[there], xs[there]
        slope = reference[:, y, x] - reference[:, y + dy, x + dx]
        if mixed:
            other = target[:, y, x] - target[:, y + dy, x + dx]
            slope = np.where(np.abs(other) > np.abs(slope), other, slope)
        inner = inside[y + dy, x + dx]
        degree[own] += 1
        right[own] += slope.T + np.where(inner, 0.0, target[:, y + dy, x + dx]).T
        rows.append(own[inner])
        columns.append(number[y + dy, x + dx][inner])
    row, column, places = np.concatenate(rows), np.concatenate(columns), np.arange(len(ys))
    entries = np.concatenate([degree, np.full(len(row), -1.0)])
    matrix = coo_array((entries, (np.concatenate([places, row]), np.concatenate([places, column]))))
    found: NDArray[np.float64] = splu(matrix.tocsc()).solve(right)
    return found.T
