"""Latent codes that know their space, their layout and the generator that made them.

Spaces: ``w`` (B, D), one code for all rows; ``w+`` (B, L, D), L = base + 2R rows; ``expanded`` (B, E, D), one row for
each layer of each local generator, E = R * local_layers, region-major. (``s``, StyleSpace, belongs to StyleGAN2.)
A file is ``.safetensors``: the tensor ``latent`` and JSON metadata.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from semedit.errors import LatentError
from semedit.files import write_safetensors
from semedit.regions import RegionTable

Space = Literal["w", "w+", "expanded", "s"]
FORMAT = "semedit-latent-1"


@dataclass(frozen=True)
class LatentLayout:
    """How the rows of a code are laid out: base rows, then a shape and a texture row for each region.

    Layer i of a region takes base row i while there are any, then its shape row, then its texture row. The background
    takes base rows only with ``background_pose``.
    """

    base_rows: int
    regions: int
    depth_layers: int
    local_layers: int
    background_pose: bool = False

    @property
    def rows(self) -> int:
        """L, the rows of a W+ code."""
        return self.base_rows + 2 * self.regions

    @property
    def expanded_rows(self) -> int:
        """E, the rows of an expanded code."""
        return self.regions * self.local_layers

    def space_of(self, data: Tensor) -> Space:
        """The space that the shape of ``data`` means; LatentError naming the valid shapes otherwise."""
        if data.dim() == 2:
            return "w"
        if data.dim() == 3 and data.shape[1] == self.rows:
            return "w+"
        if data.dim() == 3 and data.shape[1] == self.expanded_rows:
            return "expanded"
        raise LatentError(
            f"a latent of shape {tuple(data.shape)}; this generator takes (B, D), (B, {self.rows}, D) "
            f"or (B, {self.expanded_rows}, D)"
        )

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

    def expand(self, data: Tensor) -> Tensor:
        """Expanded code (B, R, local_layers, D) of a code in any of the three spaces."""
        if self.space_of(data) != "expanded":
            data = self.wplus(data)[:, self.row_index()]
        return data.unflatten(1, (self.regions, self.local_layers))


@dataclass(frozen=True, eq=False)
class Latent:
    """One or more codes of one generator.

    ``data`` is the tensor, ``fingerprint`` names the generator's weights, ``history`` holds the edits that led here
    (each a JSON object), ``metadata`` whatever else belongs to the file: alignment transform, hash of the source
    picture, and the like.
    """

    data: Tensor
    space: Space
    layout: LatentLayout
    regions: RegionTable
    fingerprint: str
    history: tuple[Mapping[str, Any], ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, data: Tensor, *, layout: LatentLayout, regions: RegionTable, fingerprint: str, **metadata: Any
    ) -> "Latent":
        return cls(data, layout.space_of(data), layout, regions, fingerprint, metadata=metadata)

    def __len__(self) -> int:
        return self.data.shape[0]

    def __getitem__(self, index: int | slice) -> "Latent":
        """Some of the codes, still as a batch."""
        return replace(self, data=self.data[index : index + 1] if isinstance(index, int) else self.data[index])

    def repeat(self, count: int) -> "Latent":
        """Each code ``count`` times, in order."""
        return replace(self, data=self.data.repeat_interleave(count, 0))

    @classmethod
    def cat(cls, latents: "list[Latent]") -> "Latent":
        """Several latents of one generator as one batch in W+; histories and metadata are dropped.

        Raises LatentError if they do not belong together.
        """
        first = latents[0]
        for other in latents[1:]:
            first.check_compatible(other)
        data = torch.cat([latent.wplus().data for latent in latents])
        return cls.of(data, layout=first.layout, regions=first.regions, fingerprint=first.fingerprint)

    def check_generator(self, fingerprint: str, *others: str) -> None:
        """LatentError if this code was made by weights other than those named."""
        if self.fingerprint and fingerprint and self.fingerprint not in (fingerprint, *others):
            raise LatentError(f"this latent belongs to generator {self.fingerprint}, not to {fingerprint}")

    def check_compatible(self, other: "Latent") -> None:
        """LatentError if ``other`` is a code of another generator or layout."""
        other.check_generator(self.fingerprint)
        if self.layout != other.layout:
            raise LatentError(f"latents of different layouts: {self.layout} and {other.layout}")

    def wplus(self) -> "Latent":
        """The same code in W+."""
        return replace(self, data=self.layout.wplus(self.data), space="w+")

    def rows(self, regions: str) -> tuple[int, ...]:
        """W+ rows of a ``--regions`` text."""
        return self.regions.select(regions).rows(self.layout.base_rows)

    def with_rows(self, source: "Latent | Tensor", rows: tuple[int, ...]) -> "Latent":
        """This code in W+ with ``rows`` taken from ``source`` (W+ rows); all other rows stay bit-identical."""
        if isinstance(source, Latent):
            self.check_compatible(source)
            source = source.wplus().data
        data = self.layout.wplus(self.data).clone()
        if rows:
            data[:, list(rows)] = source[:, list(rows)].to(data)
        return replace(self, data=data, space="w+")

    def blend(self, other: "Latent", amount: float, regions: str = "all") -> "Latent":
        """Linear interpolation towards ``other`` by ``amount`` in the rows of ``regions``; 0 changes nothing."""
        self.check_compatible(other)
        here, there = self.wplus().data, other.wplus().data
        return self.with_rows(torch.lerp(here, there.expand_as(here), amount), self.rows(regions))

    def truncate(self, mean: Tensor, psi: float) -> "Latent":
        """mean + psi (code - mean), with ``mean`` (1, D): the truncation trick in W (or row by row in W+)."""
        centre = mean if self.space == "w" else mean[:, None]
        return replace(self, data=centre + psi * (self.data - centre))

    def noted(self, **event: Any) -> "Latent":
        """The same code with one more entry in its history."""
        return replace(self, history=(*self.history, event))

    def annotated(self, **metadata: Any) -> "Latent":
        """The same code with more metadata."""
        return replace(self, metadata={**self.metadata, **metadata})

    def save(self, path: str | Path) -> None:
        """Write the code and everything known of it to a ``.safetensors`` file, atomically."""
        header = {
            "format": FORMAT,
            "space": self.space,
            "layout": vars(self.layout),
            "regions": self.regions.to_json(),
            "fingerprint": self.fingerprint,
            "history": list(self.history),
            "metadata": dict(self.metadata),
        }
        write_safetensors(path, {"latent": self.data}, {"semedit": json.dumps(header)})

    @classmethod
    def load(cls, path: str | Path) -> "Latent":
        """Read a file written by :meth:`save`; LatentError if it is anything else."""
        try:
            with safe_open(str(path), framework="pt") as file:
                header = json.loads((file.metadata() or {}).get("semedit", "{}"))
                if header.get("format") != FORMAT:
                    raise LatentError(f"{path}: a safetensors file, but not a latent (no '{FORMAT}' header)")
                data = file.get_tensor("latent")
        except (SafetensorError, OSError) as error:
            raise LatentError(f"{path}: not a latent file ({error})") from None
        return cls(
            data,
            header["space"],
            LatentLayout(**header["layout"]),
            RegionTable.from_json(header["regions"]),
            header["fingerprint"],
            tuple(header["history"]),
            header["metadata"],
        )
