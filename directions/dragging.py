"""Dragging: points of a picture are pulled to where they should be, by a search in the rows of chosen regions.

Reference: Pan et al., "Drag Your GAN: Interactive Point-based Manipulation on the Generative Image Manifold", 2023,
https://arxiv.org/abs/2305.10973, section 3.2: motion supervision (equation 1) and point tracking (equation 2) on the
features of the generator, taken in turns. Departures: the rows of chosen regions are searched, instead of the first six
rows; the mask of what may change is that of those regions and of the handles' ways, and is not painted; each norm is a
mean over points and channels, so that the weight of the mask's term means the same at any size; radii are for pictures
of 128 px. A batch is searched at once, each code by itself.

Shapes: B batch, N handles, L rows, K of them searched, D style width, C channels of features, h w their size.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from directions.masking import limit_to_regions
from semedit.config import Config, check_strength, finite
from semedit.errors import ConfigError
from semedit.latents.latent import Latent
from semedit.latents.placement import PLACEMENTS
from semedit.networks.style_based import StyleBasedGenerator
from semedit.networks.synthesis import Rendering

#: A point of a picture: shares of its sides, from the left and from the top.
Point = tuple[float, float]


class DragConfig(Config):
    """Options of the search. Radii are in px of the picture."""

    noun: ClassVar[str] = "options of dragging"

    steps: int = Field(100, ge=1, le=10_000, description="most steps of the search")
    lr: float = Field(0.02, gt=0, description="learning rate of Adam")
    radius: int = Field(3, ge=1, le=64, description="radius around a handle that is moved, r1; in px")
    search_radius: int = Field(4, ge=1, le=64, description="half the side of the square in which it is found again, r2")
    mask_weight: float = Field(5.0, ge=0, description="weight of what should not change")
    near: float = Field(1.0, gt=0, description="distance in px at which a handle has come to its target")


@dataclass(frozen=True, eq=False)
class DragSearch:
    """What a search came to: the rows (B, K, D), where the handles are now (B, N, 2), and for each code its steps, and
    whether it has ended at its targets ("reached") or with its steps ("steps")."""

    rows: Tensor
    points: Tensor
    steps: tuple[int, ...]
    stopped: tuple[str, ...]


class Dragging:
    """An editor that pulls handles to targets: points (x, y) in 0..1 from the picture's upper left corner.

    ``progress`` counts the steps of each search. Raises ConfigError for points outside the picture, none at all, or
    unequal numbers of them.
    """

    method = "drag"

    def __init__(
        self,
        generator: StyleBasedGenerator,
        handles: Sequence[Point],
        targets: Sequence[Point],
        regions: str = "all",
        config: DragConfig | None = None,
        progress: Callable[[int, int], None] | None = None,
    ):
        if len(handles) != len(targets) or not handles:
            raise ConfigError(f"{len(handles)} handles and {len(targets)} targets; each handle has a target")
        self.handles, self.targets = ([check_point(point) for point in points] for points in (handles, targets))
        self.generator, self.regions_ = generator, regions
        self.config, self.progress = config or DragConfig(), progress
        # The last search: other strengths need no new one.
        self._found: tuple[Tensor, str, list[Any], DragSearch] | None = None

    def edit(self, latent: Latent, strength: float, regions: str | None = None) -> Latent:
        """Search the rows of ``regions`` (default: its own); ``strength`` goes that share of the way, or further.

        All other rows stay bit-identical; 0 changes nothing. The history says where the handles were, should be and
        are ("reached"), in how many steps, and why the search ended. Raises UnknownName for regions that do not exist,
        LatentError for codes without rows.
        """
        check_strength(strength)
        regions = regions or self.regions_
        rows, start = list(latent.rows(regions)), latent.wplus()
        ends = {"from": [list(point) for point in self.handles], "to": [list(point) for point in self.targets]}
        event = {"method": self.method, "strength": strength, "regions": regions, **ends}
        if strength == 0:
            return limit_to_regions(latent, start, regions).edited_from(latent, **event)
        found = self._search(latent, start.data, rows, regions)
        moved = torch.lerp(start.data[:, rows], found.rows, strength)
        edited = latent.with_rows(start.data.index_copy(1, torch.tensor(rows).to(moved.device), moved), tuple(rows))
        told = zip(found.points.tolist(), found.steps, found.stopped, strict=True)
        return edited.edited_each(
            latent, [{**event, "reached": reached, "steps": steps, "stopped": why} for reached, steps, why in told]
        )

    def _search(self, latent: Latent, start: Tensor, rows: list[int], regions: str) -> DragSearch:
        """The search from these codes: the last one, if it was this."""
        places = [past.metadata.get(PLACEMENTS) for past in latent.pasts]
        if self._found and self._found[1:3] == (regions, places) and torch.equal(self._found[0], start):
            return self._found[3]
        where = self.generator.placing(latent, self.generator.device)
        shown = latent.regions.select(regions)
        free = None if shown.base else shown.regions
        found = self.search(start.to(self.generator.device), rows, free, where)
        self._found = (start, regions, places, found)
        return found

    @torch.enable_grad()
    def search(self, start: Tensor, rows: list[int], free: tuple[int, ...] | None = None,
               where: Mapping[str, Tensor] | None = None) -> DragSearch:  # fmt: skip
        """Move ``rows`` of codes (B, L, D) until the handles have come to their targets, or the steps are used up.

        free: label indices of the regions that may change, or None where all may; where: the generator's options for
        codes whose regions were moved.
        """
        config, index = self.config, torch.tensor(rows, device=start.device)
        code = start[:, rows].detach().clone().requires_grad_(True)
        optimiser = torch.optim.Adam([code], lr=config.lr)
        features, picture = self._seen(start.index_copy(1, index, code), where)
        first, side = features.detach(), picture.image.shape[-1]
        targets = torch.tensor(self.targets, device=start.device).expand(len(start), -1, -1)
        points = torch.tensor(self.handles, device=start.device).expand(len(start), -1, -1)
        looks = sampled(first, points[:, :, None])  # (B, C, N, 1)
        kept = self._kept(picture, free, (first.shape[-2], first.shape[-1]))
        found, taken = code.detach().clone(), torch.zeros(len(start), dtype=torch.long)
        reached = torch.zeros(len(start), dtype=torch.bool, device=start.device)
        for step in range(config.steps + 1):
            if step:
                features, _ = self._seen(start.index_copy(1, index, code), where)
                moving = ~reached[:, None, None]
                tracked = track(features.detach(), looks, points, config.search_radius / side, 1 / side)
                points = torch.where(moving, tracked, points)
                found = torch.where(moving, code.detach(), found)
                taken[~reached.cpu()] = step
            reached = ((targets - points).norm(dim=-1) * side <= config.near).all(1)
            if self.progress:
                self.progress(step, config.steps)
            if reached.all() or step == config.steps:
                break
            pull = motion(features, points, targets, config.radius, 1 / side)  # (B,)
            held = ((features - first).abs() * kept).mean((1, 2, 3))  # (B,)
            (code.grad,) = torch.autograd.grad((pull + config.mask_weight * held).sum(), [code])
            optimiser.step()
        stopped = tuple("reached" if one else "steps" for one in reached.tolist())
        return DragSearch(found.to(start), points, tuple(taken.tolist()), stopped)

    def _seen(self, codes: Tensor, where: Mapping[str, Tensor] | None) -> tuple[Tensor, Rendering]:
        """The last features (B, C, h, w) of at most half the picture's side on the way to it, and the picture."""
        inputs: list[Tensor] = []

        def visit(_: int, x: Tensor, skip: Tensor | None) -> tuple[Tensor, Tensor | None]:
            inputs.append(x)
            return x, skip

        made: Rendering = self.generator(codes, visit=visit, **(where or {}))
        return next(x for x in reversed(inputs) if 2 * x.shape[-1] <= made.image.shape[-1]).float(), made

    def _kept(self, picture: Rendering, free: tuple[int, ...] | None, size: tuple[int, int]) -> Tensor:
        """How much each point of the features is held (B, 1, h, w), in 0..1: outside the regions that may change, and
        outside the handles' ways."""
        labels = picture.labels
        if free is None or labels is None:
            return torch.zeros(1, 1, *size, device=picture.image.device)
        may = torch.isin(labels, torch.tensor(free, device=labels.device))  # (B, H, W)
        side = labels.shape[-1]
        y, x = torch.meshgrid(*(torch.arange(side, device=labels.device) + 0.5,) * 2, indexing="ij")
        here = torch.stack([x, y], -1) / side  # (H, W, 2)
        for handle, target in zip(self.handles, self.targets, strict=True):
            may |= distance_to_way(here, handle, target) * side <= self.config.radius + self.config.search_radius
        return 1 - F.adaptive_avg_pool2d(may[:, None].float(), size)


def check_point(point: Point) -> Point:
    """``point``, if it lies in the picture. Raises ConfigError.

    >>> check_point((0.5, 1))
    (0.5, 1.0)
    """
    if len(point) != 2 or not all(0 <= finite(value, "a point's coordinate") <= 1 for value in point):
        raise ConfigError(f"a point at {','.join(f'{v:g}' for v in point)}: x and y lie between 0 and 1")
    return float(point[0]), float(point[1])


def sampled(features: Tensor, points: Tensor) -> Tensor:
    """Features (B, C, h, w) read bilinearly at points (B, N, Q, 2) in 0..1: (B, C, N, Q)."""
    return F.grid_sample(features, 2 * points - 1, mode="bilinear", padding_mode="border", align_corners=False)


def offsets(radius: int, disc: bool, like: Tensor) -> Tensor:
    """Steps (Q, 2) in px to all px of a disc, or of a square, around one; the nearest come first."""
    line = torch.arange(-radius, radius + 1, device=like.device, dtype=like.dtype)
    steps = torch.cartesian_prod(line, line)
    far = steps.square().sum(1)
    steps = steps[far.argsort(stable=True)]
    return steps[steps.square().sum(1) <= radius**2] if disc else steps


def motion(features: Tensor, points: Tensor, targets: Tensor, radius: int, pixel: float) -> Tensor:
    """Motion supervision (Pan et al. 2023, equation 1): how far (B,) the features a step of one px, of side ``pixel``,
    towards the targets are from those around the handles; the gradient flows through the former alone."""
    way = targets - points  # (B, N, 2)
    step = way / way.norm(dim=-1, keepdim=True).clamp(min=pixel) * pixel
    around = points[:, :, None] + offsets(radius, True, points) * pixel  # (B, N, Q, 2)
    here, there = sampled(features.detach(), around), sampled(features, around + step[:, :, None])
    return (there - here).abs().mean((1, 3)).sum(1)


def track(features: Tensor, looks: Tensor, points: Tensor, reach: float, pixel: float) -> Tensor:
    """Point tracking (equation 2): for each handle the px (B, N, 2) within ``reach`` whose features are nearest to its
    first ones, ``looks`` (B, C, N, 1); of equals the one that is nearest to where it was."""
    around = points[:, :, None] + offsets(round(reach / pixel), False, points) * pixel  # (B, N, Q, 2)
    around = around.clamp(0, 1)
    best = (sampled(features, around) - looks).abs().sum(1).argmin(-1)  # (B, N)
    return around.gather(2, best[..., None, None].expand(-1, -1, 1, 2))[:, :, 0]


def distance_to_way(here: Tensor, start: Point, end: Point) -> Tensor:
    """The distance of points (..., 2) from the straight way between two points.

    >>> distance_to_way(torch.tensor([[0.5, 0.5], [2.0, 0.0]]), (0.0, 0.0), (1.0, 0.0))
    tensor([0.5000, 1.0000])
    """
    begin = torch.tensor(start).to(here)
    way = torch.tensor(end).to(here) - begin
    share = ((here - begin) @ way / way.square().sum().clamp(min=1e-12)).clamp(0, 1)
    return (here - begin - share[..., None] * way).norm(dim=-1)
