"""Pictures that show what a generator has learnt: interpolations, components, style mixing.

The figures of SemanticStyleGAN (Shi et al. 2022): 5 and 22 (components), 7 (interpolation), 18 to 20 (local style
mixing). Functions return pictures (N, 3, H, W) in [-1, 1].
"""

import torch
from scipy.interpolate import CubicSpline
from torch import Tensor

from semedit.editing.generators import semantic
from semedit.editing.model import Model
from semedit.errors import ConfigError, LatentError
from semedit.latents.latent import Latent
from semedit.networks.synthesis import Synthesis

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
    table = semantic(model.generator, "a picture built up by regions").regions
    last = table.transparent_indices
    order = [i for i in range(len(table)) if i not in last] + list(last)
    composition = torch.zeros(len(order), len(table))
    for step, region in enumerate(order):
        composition[step:, region] = 1
    repeated = latent.repeat(len(order))
    out = model.synthesise(repeated, composition=composition)
    assert isinstance(out, Synthesis)
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
    semantic(model.generator, "local style mixing")
    base = samples.wplus()
    cells = [model.synthesise(base).image]
    for index, regions in enumerate(columns.values()):
        source = references[index].wplus().repeat(len(base))
        cells.append(model.synthesise(base.with_rows(source, base.rows(regions))).image)
    header = model.synthesise(references).image
    first = torch.cat([torch.ones_like(header[:1]), header])
    return torch.cat([first, torch.stack(cells, dim=1).flatten(0, 1)])
