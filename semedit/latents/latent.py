"""Latent codes that know their space, their layout and the generator that made them.

Spaces: ``w`` (B, D), one code for all rows; ``w+`` (B, L, D), L = base + 2R rows; ``expanded`` (B, E, D), one row for
each layer of each local generator, E = R * local_layers, region-major. (``s``, StyleSpace, belongs to StyleGAN2.)
A file is ``.safetensors``: the tensor ``latent``, the codes before each of its edits, and JSON metadata.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from semedit.errors import LatentError
from semedit.latents.layout import LatentLayout, Space
from semedit.latents.regions import RegionTable
from semedit.storage.atomic import write_safetensors

FORMAT = "semedit-latent-1"


@dataclass(frozen=True, eq=False)
class Latent:
    """One or more codes of one generator.

    ``data`` is the tensor, ``fingerprint`` names the generator's weights, ``history`` holds the edits that led here
    (each a JSON object), ``metadata`` whatever else belongs to the file: alignment transform, hash of the source
    picture, and the like; what ``metadata["codes"]`` holds are lists with an entry for each code. ``parent`` is the
    latent before its last edit, where that is known.
    """

    data: Tensor
    space: Space
    layout: LatentLayout
    regions: RegionTable
    fingerprint: str
    history: tuple[Mapping[str, Any], ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    parent: "Latent | None" = None

    @classmethod
    def of(
        cls, data: Tensor, *, layout: LatentLayout, regions: RegionTable, fingerprint: str, **metadata: Any
    ) -> "Latent":
        return cls(data, layout.space_of(data), layout, regions, fingerprint, metadata=metadata)

    def __len__(self) -> int:
        return self.data.shape[0]

    def __getitem__(self, index: int | slice) -> "Latent":
        """Some of the codes, still as a batch."""
        chosen = range(len(self))[index]
        return self.take([chosen] if isinstance(chosen, int) else list(chosen))

    def take(self, indices: list[int]) -> "Latent":
        """The codes at ``indices``, with what is known of each and of what they were before their edits."""
        metadata = dict(self.metadata)
        if "codes" in metadata:
            metadata["codes"] = {name: [values[i] for i in indices] for name, values in metadata["codes"].items()}
        parent = self.parent.take(indices) if self.parent else None
        return replace(self, data=self.data[indices], metadata=metadata, parent=parent)

    def repeat(self, count: int) -> "Latent":
        """Each code ``count`` times, in order."""
        return self.take([index for index in range(len(self)) for _ in range(count)])

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

    def edited_from(self, before: "Latent", **event: Any) -> "Latent":
        """This code as what an edit made of ``before``: its history with one more entry, and the way back."""
        return replace(self, history=(*before.history, event), metadata=dict(before.metadata), parent=before)

    def undo(self, edits: int = 1) -> "Latent":
        """The latent before its last edits, bit for bit. LatentError if it is not known."""
        found = self
        for done in range(edits):
            if found.parent is None:
                raise LatentError(f"{done} edits can be undone here, not {edits}" if done else "no edit to undo")
            found = found.parent
        return found

    def rejoin(self, original: "Latent", index: int) -> "Latent":
        """Code ``index`` of this batch, with the history and metadata that ``original`` had before the batch's edits.

        For batches made by :meth:`cat`, which drops both.
        """
        if self.parent is None:
            return original
        before, one = self.parent.rejoin(original, index), self[index]
        metadata = {**before.metadata, **one.metadata}
        return replace(one, history=(*before.history, *self.history[-1:]), metadata=metadata, parent=before)

    def annotated(self, **metadata: Any) -> "Latent":
        """The same code with more metadata."""
        return replace(self, metadata={**self.metadata, **metadata})

    def save(self, path: str | Path) -> None:
        """Write the code and everything known of it to a ``.safetensors`` file, atomically."""
        way: list[Latent] = [self]
        while way[0].parent:
            way.insert(0, way[0].parent)
        header = {
            "format": FORMAT,
            "space": self.space,
            "layout": vars(self.layout),
            "regions": self.regions.to_json(),
            "fingerprint": self.fingerprint,
            "history": list(self.history),
            "metadata": dict(self.metadata),
            "before": [{"space": one.space, "metadata": dict(one.metadata)} for one in way[:-1]],
        }
        tensors = {"latent": self.data, **{f"before.{i}": one.data.clone() for i, one in enumerate(way[:-1])}}
        write_safetensors(path, tensors, {"semedit": json.dumps(header)})

    @classmethod
    def load(cls, path: str | Path) -> "Latent":
        """Read a file written by :meth:`save`; LatentError if it is anything else."""
        try:
            with safe_open(str(path), framework="pt") as file:
                header = json.loads((file.metadata() or {}).get("semedit", "{}"))
                if header.get("format") != FORMAT:
                    raise LatentError(f"{path}: a safetensors file, but not a latent (no '{FORMAT}' header)")
                states = [
                    (file.get_tensor(f"before.{i}"), state["space"], state["metadata"])
                    for i, state in enumerate(header.get("before", ()))
                ]
                states.append((file.get_tensor("latent"), header["space"], header["metadata"]))
        except (SafetensorError, OSError) as error:
            raise LatentError(f"{path}: not a latent file ({error})") from None
        layout, regions = LatentLayout(**header["layout"]), RegionTable.from_json(header["regions"])
        history, latent = tuple(header["history"]), None
        for later, (data, space, metadata) in zip(range(len(states) - 1, -1, -1), states, strict=True):
            events = history[: len(history) - later]
            latent = cls(data, space, layout, regions, header["fingerprint"], events, metadata, latent)
        assert latent is not None
        return latent
