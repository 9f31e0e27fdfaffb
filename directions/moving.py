"""Moving and zooming regions, exactly: through the coordinates that their local generators read.

SemanticStyleGAN (Shi et al. 2022, section 3.2) makes each region from Fourier features of position; at other positions
it makes the same region elsewhere. No row of the code changes, nothing is searched and nothing is resampled, so this is
no edit of the codes' rows and has no calibration: what changes is kept in each code's metadata.
"""

import torch
from torch import Tensor

from semedit.config import check_strength
from semedit.errors import ConfigError
from semedit.latents.latent import Latent
from semedit.latents.placement import PLACEMENTS, Placement, placements
from semedit.networks.generator import SemanticGenerator
from semedit.networks.ops import coordinate_grid


class RegionMove:
    """An editor that moves regions by shares of the picture's side, right and down, and zooms them about their common
    centre. Several regions move as one; each edit starts from where the last one left them.

    Raises ConfigError for a shift beyond a whole picture, or a zoom outside 0.1..10.
    """

    method = "move"

    def __init__(self, generator: SemanticGenerator, right: float = 0.0, down: float = 0.0, zoom: float = 1.0,
                 regions: str = "all"):  # fmt: skip
        if not (abs(right) <= 1 and abs(down) <= 1):
            raise ConfigError(f"a move of {right},{down}: shares of the picture's side, between -1 and 1")
        if not 0.1 <= zoom <= 10:
            raise ConfigError(f"a zoom of {zoom}: between 0.1 and 10; 1 keeps the size")
        self.generator, self.right, self.down, self.zoom, self.regions_ = generator, right, down, zoom, regions

    def edit(self, latent: Latent, strength: float, regions: str | None = None) -> Latent:
        """Move and zoom by ``strength`` times as much; 0 changes nothing. No row of a code is touched.

        Raises UnknownName for regions that do not exist, ConfigError for a part of one, or the pose rows.
        """
        check_strength(strength)
        regions = regions or self.regions_
        selection = latent.regions.select(regions)
        if (selection.base and regions != "all") or any(part != "both" for part in selection.parts.values()):
            raise ConfigError(f"'{regions}': whole regions move, without :shape or :texture, and not pose")
        by = {"right": self.right, "down": self.down, "zoom": self.zoom}
        event = {"method": self.method, "strength": strength, "regions": regions, **by}
        if strength == 0:
            return latent.edited_from(latent, **event)
        names = [latent.regions.names[index] for index in selection.regions]
        shift, zoom = (strength * self.right, strength * self.down), self.zoom**strength
        made = []
        for past, centre in zip(latent.pasts, self._centres(latent, selection.regions, zoom), strict=True):
            own = placements(past.metadata)
            new = {name: own.get(name, Placement()).moved(*shift, zoom, centre).to_json() for name in names}
            made.append({**{name: placement.to_json() for name, placement in own.items()}, **new})
        return latent.annotated_each(**{PLACEMENTS: made}).edited_from(latent, **event)

    @torch.no_grad()
    def _centres(self, latent: Latent, regions: tuple[int, ...], zoom: float) -> list[tuple[float, float]]:
        """The middle (x, y) of each code's chosen regions, in -1..1; the picture's, where they do not show."""
        if zoom == 1:  # a move alone has no centre
            return [(0.0, 0.0)] * len(latent)
        labels = torch.cat([self._labels(latent[i : i + 8]) for i in range(0, len(latent), 8)])
        inside = torch.isin(labels, torch.tensor(regions)).float()[:, None]  # (B, 1, h, w)
        grid = coordinate_grid(*labels.shape[-2:])
        middle = (inside * grid).sum((2, 3)) / inside.sum((2, 3)).clamp(min=1)
        return [(x, y) for x, y in middle.tolist()]

    def _labels(self, latent: Latent) -> Tensor:
        """Which region shows at each coarse position (B, h, w)."""
        return self.generator(latent.to(self.generator.device)).coarse_segmentation.argmax(1).cpu()
