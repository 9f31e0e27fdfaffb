"""How the rows of a latent code are laid out, and the spaces that codes live in."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from semedit.errors import LatentError

Space = Literal["w", "w+", "expanded", "s"]
#: No generator has more rows, regions or layers than this.
MOST_ROWS = 4096


@dataclass(frozen=True)
class LatentLayout:
    """How the rows of a code are laid out: base rows, then a shape and a texture row for each region.

    Layer i of a region takes base row i while there are any, then its shape row, then its texture row. The background
    takes base rows only with ``background_pose``. A generator without regions has base rows alone (:meth:`plain`).
    """

    base_rows: int
    regions: int
    depth_layers: int
    local_layers: int
    background_pose: bool = False

    def __post_init__(self) -> None:
        counts = self.base_rows, self.regions, self.depth_layers, self.local_layers
        if min(counts) < 0 or max(counts) > MOST_ROWS or not self.rows:
            raise LatentError(f"a layout of {self.rows} rows ({counts}); counts lie between 0 and {MOST_ROWS}")

    @classmethod
    def plain(cls, rows: int) -> "LatentLayout":
        """The layout of a generator without regions: one row for each layer."""
        return cls(rows, 0, 0, 0)

    @property
    def rows(self) -> int:
        """L, the rows of a W+ code."""
        return self.base_rows + 2 * self.regions

    @property
    def expanded_rows(self) -> int:
        """E, the rows of an expanded code."""
        return self.regions * self.local_layers

    def space_of(self, data: Tensor) -> Space:
        """The space that the shape of ``data`` means, ``s`` never; LatentError naming the valid shapes otherwise."""
        if data.dim() == 2:
            return "w"
        if data.dim() == 3 and data.shape[1] == self.rows:
            return "w+"
        if data.dim() == 3 and self.regions and data.shape[1] == self.expanded_rows:
            return "expanded"
        expanded = f" or (B, {self.expanded_rows}, D)" if self.regions else ""
        raise LatentError(
            f"a latent of shape {tuple(data.shape)}; this generator takes (B, D), (B, {self.rows}, D){expanded}"
        )

    def check(self, data: Tensor, space: str) -> None:
        """LatentError unless codes of ``space`` have the shape of ``data`` in this layout, with at least one number."""
        own = ("w", "s") if data.dim() == 2 else (self.space_of(data),)
        if space not in own or not data.numel():
            raise LatentError(f"a latent of shape {tuple(data.shape)} is no code in '{space}'")

    def row_index(self) -> list[int]:
        """For each expanded row, the W+ row it copies."""
        base, index = self.base_rows, []
        for region in range(self.regions):
            shape, texture = base + 2 * region, base + 2 * region + 1
            pose = list(range(base)) if region or self.background_pose else []
            index += pose + [shape] * (self.depth_layers - len(pose))
            index += [texture] * (self.local_layers - self.depth_layers)
        return index

    def wplus(self, data: Tensor) -> Tensor:
        """A W or W+ code as W+ (B, L, D); an expanded code is refused, as it has no such form."""
        space = self.space_of(data)
        if space == "expanded":
            raise LatentError("an expanded latent has a row for each layer; region rows need space 'w' or 'w+'")
        return data[:, None].expand(-1, self.rows, -1) if space == "w" else data

    def rows_read(self, data: Tensor) -> Tensor:
        """The rows that synthesis reads, each layer's apart: expanded (B, E, D), or W+ of a layout without regions."""
        return self.expand(data).flatten(1, 2) if self.regions else self.wplus(data).contiguous()

    def expand(self, data: Tensor) -> Tensor:
        """Expanded code (B, R, local_layers, D) of a code in any of the three spaces."""
        if self.space_of(data) != "expanded":
            data = self.wplus(data)[:, self.row_index()]
        return data.unflatten(1, (self.regions, self.local_layers))
