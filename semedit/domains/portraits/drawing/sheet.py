"""Draws pictures part by part, each part only at the points that may show it and only on the pictures that have it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from semedit.domains.portraits.drawing.canvas import Canvas
from semedit.domains.portraits.drawing.head import Head, Pose
from semedit.domains.portraits.factors import Factors

#: Points that are painted at once: on a CPU as many as keep a part's fields in the cache of a core.
POINTS_AT_ONCE = {"cpu": 2**16}
POINTS_AT_ONCE_ELSEWHERE = 2**22


@dataclass(frozen=True)
class Part:
    """A part of a portrait.

    ``draw`` paints it; ``box`` bounds it by canvas rectangles (B, 4); ``present`` (B, 1) says which portraits have it,
    by default all; ``shading`` is left out of the cel style.
    """

    draw: Callable[[Canvas, Head], None]
    box: Callable[[Pose], Tensor]
    present: Callable[[Pose], Tensor] | None = None
    shading: bool = False


def both_sides(
    draw: Callable[[Canvas, Head, int], None],
    box: Callable[[Pose, int], Tensor],
    present: Callable[[Pose], Tensor] | None = None,
    shading: bool = False,
) -> tuple[Part, Part]:
    """A part on the left (side -1) and on the right (side 1)."""

    def on(side: int) -> Part:
        return Part(lambda canvas, head: draw(canvas, head, side), lambda pose: box(pose, side), present, shading)

    return on(-1), on(1)


class Sampling(Protocol):
    """The N = ``count`` points of each picture where portraits are drawn.

    ``points`` are their canvas coordinates x and y, (2, N) alike in all pictures or (2, B N); ``pixel`` (B or 1, 1) is
    the width of the pixels that they stand for, in canvas units.
    """

    count: int
    points: Tensor
    pixel: Tensor

    def within(self, rows: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """The points within a rectangle (R, 4) of each picture of ``rows`` (R,), and perhaps some around or repeated.

        Returns the pictures (Q,) that have any, and the points' indices (Q, n).
        """
        ...


class Grid:
    """The pixel centres of a picture of ``size`` px, row by row."""

    def __init__(self, size: int, device: torch.device):
        self.size, self.count = size, size**2
        self.pixel = torch.full((1, 1), 2.0 / size, device=device)
        centres = (torch.arange(size, device=device) + 0.5) * (2.0 / size) - 1.0
        self.points = torch.stack(torch.meshgrid(centres, centres, indexing="xy")).flatten(1)

    def within(self, rows: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Windows of one size, the largest that a picture needs, two pixels wider than the rectangles."""
        edges = ((boxes + 1) * (self.size / 2) - 0.5).clamp(-2, self.size + 2)
        low = (edges[:, :2].floor().long() - 2).clamp(0, self.size)
        high = (edges[:, 2:].ceil().long() + 3).clamp(0, self.size)
        width, height = (high - low).amax(dim=0).clamp(min=0).tolist()
        left = low[:, 0].clamp(max=self.size - width)[:, None] + torch.arange(width, device=rows.device)
        top = low[:, 1].clamp(max=self.size - height)[:, None] + torch.arange(height, device=rows.device)
        return rows, (top[:, :, None] * self.size + left[:, None]).flatten(1)


class Scatter:
    """Given ``points`` (B, N, 2), (x, y) each, and the size (B, 1) of the pixels that they stand for."""

    def __init__(self, points: Tensor, pixel: Tensor):
        self.pixel, self.count = pixel, points.shape[1]
        self.points = points.permute(2, 0, 1).flatten(1)

    def within(self, rows: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        (x, y), margin = self.points.unflatten(1, (len(self.pixel), self.count))[:, rows], 2 * self.pixel[rows]
        left, top, right, bottom = boxes[:, :, None].unbind(1)
        inside = (x > left - margin) & (x < right + margin) & (y > top - margin) & (y < bottom + margin)
        counts = inside.sum(1)
        row, point = inside.nonzero().unbind(1)
        first = counts.cumsum(0) - counts
        slot = torch.arange(len(row), device=row.device) - first[row]
        some = counts > 0
        index = point[first[some]][:, None].repeat(1, int(counts.max()))  # a short row repeats its first
        index[some.cumsum(0)[row] - 1, slot] = point
        return rows[some], index


class Sheet:
    """B portraits under construction: ``planes`` (5, B N) hold colour (3) and labels (2, as in Canvas)."""

    def __init__(self, factors: Factors, sampling: Sampling, cel: bool):
        self.factors, self.sampling, self.cel = factors, sampling, cel
        device = factors["yaw"].device
        self._rows = torch.arange(len(factors), device=device)
        self._pixel = sampling.pixel.expand(len(factors), 1)
        self._at_once = POINTS_AT_ONCE.get(device.type, POINTS_AT_ONCE_ELSEWHERE)
        self.planes = torch.zeros(5, len(factors) * sampling.count, device=device)

    def fill(self, colour: Callable[[Head, bool], Tensor]) -> None:
        """Colour all points: ``colour`` gives (3, B, N) in [0, 1]."""
        everywhere = torch.arange(self.sampling.count, device=self._rows.device).expand(len(self._rows), -1)
        for head, where in self._groups(self._rows, everywhere):
            self.planes[:3, where.flatten()[0] : where.flatten()[-1] + 1] = colour(head, self.cel).flatten(1)

    def add(self, part: Part) -> None:
        """Draw a part over what is there."""
        if self.cel and part.shading:
            return
        rows = self._rows
        if part.present is not None:
            rows = rows[part.present(Pose(self.factors, rows))[:, 0] > 0]
        if len(rows):
            for head, where in self._groups(*self.sampling.within(rows, part.box(Pose(self.factors, rows)))):
                columns = where.flatten().expand(len(self.planes), -1)
                window = self.planes.gather(1, columns)
                image, labels = window.view(-1, *where.shape).split([3, 2])  # views, painted in place
                part.draw(Canvas(image, labels, head.pixel, self.cel), head)
                self.planes.scatter_(1, columns, window)

    def _groups(self, rows: Tensor, index: Tensor) -> Iterator[tuple[Head, Tensor]]:
        """Heads of a few pictures at once, at the points ``index`` (R, n) of each, and these points' columns (r, n)
        in the planes."""
        if not index.numel():
            return
        step = max(1, self._at_once // index.shape[1])
        for some, at in zip(rows.split(step), index.split(step), strict=True):
            where = at + some[:, None] * self.sampling.count
            spot = at if self.sampling.points.shape[1] == self.sampling.count else where
            x, y = self.sampling.points.index_select(1, spot.flatten()).unflatten(1, at.shape)
            yield Head(self.factors, some, x, y, self._pixel[some]), where
