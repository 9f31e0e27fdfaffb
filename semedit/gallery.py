"""Pictures that show what a generator has learnt: interpolations, components, style mixing, composition.

The figures of SemanticStyleGAN (Shi et al. 2022): 5 and 22 (components), 7 (interpolation), 8 (composition on a real
picture), 18 to 20 (local style mixing). Functions return pictures (N, 3, H, W) in [-1, 1].
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.interpolate import CubicSpline
from torch import Tensor
from torch.nn import functional as F

from semedit.errors import ConfigError, LatentError
from semedit.latent import Latent
from semedit.model import Model
from semedit.ops import coordinate_grid

#: Columns of the mixing grid, and the regions that each takes from its reference.
MIXING = {
    "coarse structure": "pose", "face": "skin", "eyes": "eyes", "brows": "brows", "mouth": "mouth", "nose": "nose",
    "hair": "hair", "clothes": "cloth", "background": "background",
}  # fmt: skip


def spline(keys: Latent, frames: int, regions: str = "all", loop: bool = True) -> Latent:
    """``frames`` codes along a cubic spline through ``keys``, in the rows of ``regions``; all others stay the first's.

    With ``loop`` the last key is followed by the first, as in the official videos. Raises ConfigError for fewer than
    two keys or frames.
    """
    if len(keys) < 2 or frames < 2:
        raise ConfigError(f"an interpolation needs two codes and two frames, not {len(keys)} and {frames}")
    wplus = keys.wplus()
    data = torch.cat([wplus.data, wplus.data[:1]]) if loop else wplus.data
    times = torch.linspace(0, len(data) - 1, frames + 1 if loop else frames)[:frames]
    # Through two points a spline is a line, whatever its ends.
    curve = CubicSpline(
        range(len(data)), data.double().cpu().numpy(), bc_type="not-a-knot" if len(data) > 3 else "natural"
    )
    moved = torch.from_numpy(curve(times.numpy())).to(wplus.data)
    first = wplus[slice(0, 1)]
    still = first.data.expand(frames, -1, -1)
    return Latent.of(
        still, layout=keys.layout, regions=keys.regions, fingerprint=keys.fingerprint
    ).with_rows(moved, keys.rows(regions))  # fmt: skip


def components(model: Model, latent: Latent) -> tuple[Tensor, Tensor, list[str]]:
    """A picture built up region by region: pictures (R, 3, H, W), pseudo-depths (R, 3, h, w), and what joins in each.

    The background comes first and transparent regions last. Each depth map is scaled to its own range, dark being far.
    Raises LatentError for more than one code.
    """
    if len(latent) != 1:
        raise LatentError(f"components are shown of one code, not of {len(latent)}")
    table = model.generator.regions
    last = table.transparent_indices
    order = [i for i in range(len(table)) if i not in last] + list(last)
    composition = torch.zeros(len(order), len(table))
    for step, region in enumerate(order):
        composition[step:, region] = 1
    repeated = latent.repeat(len(order))
    out = model.synthesise(repeated, composition=composition)
    depths = out.depths[0, order]  # the same in every step
    low, high = depths.amin((1, 2), keepdim=True), depths.amax((1, 2), keepdim=True)
    grey = 2 * (depths - low) / (high - low).clamp(min=1e-6) - 1
    return out.image, grey[:, None].expand(-1, 3, -1, -1), [table.names[i] for i in order]


def mixing_grid(model: Model, samples: Latent, references: Latent, columns: dict[str, str]) -> Tensor:
    """Local style mixing: a grid ((S + 1)(C + 1), 3, H, W), row by row.

    The first row shows a reference for each of C columns (its corner is white), the first column the S samples; each
    other picture is the sample with the column's regions taken from the reference. Raises LatentError unless there is a
    reference for each column.
    """
    if len(references) != len(columns):
        raise LatentError(f"{len(columns)} columns need as many references, not {len(references)}")
    base = samples.wplus()
    cells = [model.synthesise(base).image]
    for index, regions in enumerate(columns.values()):
        source = references[index].wplus().repeat(len(base))
        cells.append(model.synthesise(base.with_rows(source, base.rows(regions))).image)
    header = model.synthesise(references).image
    first = torch.cat([torch.ones_like(header[:1]), header])
    return torch.cat([first, torch.stack(cells, dim=1).flatten(0, 1)])


@dataclass(frozen=True)
class Place:
    """Where the foreground goes: shifted by shares of the picture's side, right and down, and zoomed about its centre.

    Fourier features repeat outside the picture that they were learnt on, so there the foreground is left out; below it,
    the lowest line goes on, as shoulders do.
    """

    right: float = 0.0
    down: float = 0.0
    zoom: float = 1.0

    @classmethod
    def parse(cls, text: str) -> "Place":
        """``right,down`` or ``right,down,zoom``. Raises ConfigError for anything else, or a zoom outside 0.1..10."""
        try:
            place = cls(*(float(part) for part in text.split(",")))
        except (ValueError, TypeError):
            raise ConfigError(f"'{text}': a place is RIGHT,DOWN or RIGHT,DOWN,ZOOM") from None
        if not 0.1 <= place.zoom <= 10 or text.count(",") < 1:
            raise ConfigError(f"'{text}': a place is RIGHT,DOWN or RIGHT,DOWN,ZOOM, the zoom between 0.1 and 10")
        return place

    def coords(self, model: Model) -> Tensor:
        """Sampling coordinates (1, R, 2, h, w): the background's unchanged, the foreground's moved and scaled."""
        size, regions = model.generator.config.coarse_size, len(model.generator.regions)
        grid = coordinate_grid(size, size)
        shift = 2 * torch.tensor([self.right, self.down])[:, None, None]
        moved = (grid - shift) / self.zoom
        moved[1] = moved[1].clamp(max=1.0)
        return torch.stack([grid, *([moved] * (regions - 1))])[None]


def picture_features(
    model: Model,
    picture: Tensor,
    steps: int = 200,
    lr: float = 0.05,
    restraint: float = 0.003,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """A real picture (1, 3, H, W) as a feature map (1, F, h, w) that the render net turns into it, and that rendering.

    Found with Adam from the mean code's background, on squared and perceptual distance; ``restraint`` keeps the
    features near those that the render net knows, so that a foreground blends with them.
    """
    generator, device = model.generator, model.generator.device
    table, size = generator.regions, generator.config.coarse_size
    mean = generator.latent(generator.mean_w())
    with torch.no_grad():
        x, _ = generator.local(generator.codes(mean), coordinate_grid(size, size, device))
        alone = torch.zeros(1, len(table), size * size, device=device)
        alone[:, 0] = 1
        start = generator.local.blend(x, alone).unflatten(-1, (size, size))
    features = start.clone().requires_grad_()
    coarse = (2 * alone - 1).unflatten(-1, (size, size))
    noise, target = generator.noise_maps("const", 1), picture.to(device)
    perceptual, optimiser = model.domain.perceptual().to(device), torch.optim.Adam([features], lr=lr)
    for step in range(steps):
        optimiser.zero_grad()
        image = generator.render(features, coarse, noise)[0]
        loss = F.mse_loss(image, target) + 0.05 * perceptual.distance(image, target).mean()
        loss = loss + restraint * (features - start).square().mean()
        loss.backward()
        optimiser.step()
        if progress:
            progress(step + 1, steps)
    with torch.no_grad():
        return features.detach(), generator.render(features, coarse, noise)[0]


def compose(model: Model, latent: Latent, background: Tensor, places: list[Place]) -> Tensor:
    """The foreground of one code on a background feature map (1, F, h, w), at each of ``places``: (P, 3, H, W).

    Moving and zooming go through the Fourier coordinates, so nothing is resampled.
    """
    if len(latent) != 1:
        raise LatentError(f"one code is composed at a time, not {len(latent)}")
    coords = torch.cat([place.coords(model) for place in places])
    within = (coords.abs() <= 1 + 1e-6).all(2)  # (P, R, h, w)
    stand_in = background.expand(len(places), -1, -1, -1)
    return model.synthesise(latent.repeat(len(places)), coords=coords, composition=within, background=stand_in).image
