"""Latent codes that know their space, their layout and the generator that made them.

Spaces: ``w`` (B, D), one code for all rows; ``w+`` (B, L, D), L = base + 2R rows; ``expanded`` (B, E, D), one row for
each layer of each local generator, E = R * local_layers, region-major; ``s`` (B, S), StyleSpace, the modulations of
all layers of a StyleGAN2.
What is known of a code (where it comes from, its edits, the way back) belongs to each code of a batch, so that batches
are made and taken apart without losing it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from semedit.errors import LatentError
from semedit.latents.layout import LatentLayout, Space
from semedit.latents.regions import RegionTable
from semedit.latents.stored import StoredCodes, StoredState, StoredWay


class Past(NamedTuple):
    """What is known of one code.

    ``metadata`` says where it comes from: alignment transform, hash of the source picture, and the like; ``history``
    holds the edits that led here, oldest first (each a JSON object); ``before`` is the code before the last of them, as
    a batch and an index into it, or None where that is not known.
    """

    metadata: Mapping[str, Any] = {}
    history: tuple[Mapping[str, Any], ...] = ()
    before: "tuple[Latent, int] | None" = None


@dataclass(frozen=True, eq=False)
class Latent:
    """One or more codes of one generator.

    ``data`` is the tensor, ``fingerprint`` names the generator's weights, ``pasts`` are what is known of each code, by
    default nothing.
    """

    data: Tensor
    space: Space
    layout: LatentLayout
    regions: RegionTable
    fingerprint: str
    pasts: tuple[Past, ...] = ()

    def __post_init__(self) -> None:
        if not self.pasts:
            object.__setattr__(self, "pasts", (Past(),) * len(self))
        if len(self.pasts) != len(self):
            raise LatentError(f"{len(self.pasts)} pasts for {len(self)} codes")

    @classmethod
    def of(
        cls, data: Tensor, *, layout: LatentLayout, regions: RegionTable, fingerprint: str, **metadata: Any
    ) -> "Latent":
        """Codes of a generator, their space told by their shape; ``metadata`` is that of each."""
        return cls(data, layout.space_of(data), layout, regions, fingerprint, (Past(metadata),) * len(data))

    def __repr__(self) -> str:
        rows = "x".join(map(str, self.data.shape[1:]))
        edits = [
            f"{e.get('attr') or e.get('text') or e.get('method')} {e.get('strength', 1):+.3g}" for e in self.history
        ]
        done = f", edited: {', '.join(edits)}" if edits else ""
        count = f"{len(self)} code{'' if len(self) == 1 else 's'}"
        return f"Latent({count} in {self.space}, {rows}, of generator {self.fingerprint or 'unknown'}{done})"

    def __len__(self) -> int:
        return self.data.shape[0]

    def __getitem__(self, index: int | slice) -> "Latent":
        """Some of the codes, still as a batch."""
        chosen = range(len(self))[index]
        return self.take([chosen] if isinstance(chosen, int) else list(chosen))

    def __iter__(self) -> "Iterator[Latent]":
        """The codes one by one."""
        return (self[index] for index in range(len(self)))

    def to(self, device: torch.device | str) -> "Latent":
        """The same codes on a device."""
        return replace(self, data=self.data.to(device))

    def take(self, indices: list[int]) -> "Latent":
        """The codes at ``indices``, with what is known of each and of what they were before their edits."""
        return replace(self, data=self.data[indices], pasts=tuple(self.pasts[index] for index in indices))

    def repeat(self, count: int) -> "Latent":
        """Each code ``count`` times, in order."""
        return self.take([index for index in range(len(self)) for _ in range(count)])

    @classmethod
    def cat(cls, latents: "Sequence[Latent]") -> "Latent":
        """Several latents of one generator as one batch, in their space if it is the same, or else in W+.

        What is known of each code is kept. Raises LatentError if they do not belong together.
        """
        first = latents[0]
        for other in latents[1:]:
            first.check_compatible(other)
        if any(latent.space != first.space for latent in latents):
            latents = [latent.wplus() for latent in latents]
        pasts = tuple(past for latent in latents for past in latent.pasts)
        return replace(latents[0], data=torch.cat([latent.data for latent in latents]), pasts=pasts)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What is known of where all codes come from: those entries that are the same for each."""
        first = self.pasts[0].metadata if self.pasts else {}
        others = [past.metadata for past in self.pasts if past.metadata is not first]
        return {name: value for name, value in first.items() if all(name in o and o[name] == value for o in others)}

    @property
    def history(self) -> tuple[Mapping[str, Any], ...]:
        """The edits that all codes have gone through last, oldest first: all edits of codes that were edited as one."""
        common: list[Mapping[str, Any]] = []
        for events in zip(*(reversed(past.history) for past in self.pasts), strict=False):
            if any(event != events[0] for event in events):
                break
            common.insert(0, events[0])
        return tuple(common)

    @property
    def parent(self) -> "Latent | None":
        """The codes before the last edit of each; None unless all of these are known."""
        known = [past.before for past in self.pasts if past.before]
        if not known or len(known) < len(self):
            return None
        if all(batch is known[0][0] for batch, _ in known):
            return known[0][0].take([index for _, index in known])
        return Latent.cat([batch[index] for batch, index in known])

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
        """The same code in W+; LatentError for a code in S, which has no rows."""
        if self.space == "s":
            raise LatentError("a code in S has no rows; what works on rows needs space 'w' or 'w+'")
        return replace(self, data=self.layout.wplus(self.data), space="w+")

    def rows(self, regions: str) -> tuple[int, ...]:
        """W+ rows of a ``--regions`` text."""
        return self.regions.select(regions).rows(self.layout.base_rows)

    def with_rows(self, source: "Latent | Tensor", rows: tuple[int, ...]) -> "Latent":
        """This code in W+ with ``rows`` taken from ``source`` (W+ rows); all other rows stay bit-identical."""
        if isinstance(source, Latent):
            self.check_compatible(source)
            source = source.wplus().data
        data = self.wplus().data.clone()
        if rows:
            data[:, list(rows)] = source[:, list(rows)].to(data)
        return replace(self, data=data, space="w+")

    def blend(self, other: "Latent", amount: float, regions: str = "all") -> "Latent":
        """Linear interpolation towards ``other`` by ``amount`` in the rows of ``regions``; 0 changes nothing."""
        self.check_compatible(other)
        here, there = self.wplus().data, other.wplus().data
        return self.with_rows(torch.lerp(here, there.expand_as(here), amount), self.rows(regions))

    def truncate(self, mean: Tensor, psi: float) -> "Latent":
        """mean + psi (code - mean), with ``mean`` (1, D), or (1, S): the truncation trick (in W+ row by row)."""
        centre = mean if self.data.dim() == 2 else mean[:, None]
        return replace(self, data=centre + psi * (self.data - centre))

    def edited_from(self, before: "Latent", **event: Any) -> "Latent":
        """This code as what an edit made of ``before``: its history with one more entry, and the way back."""
        return self.edited_each(before, [event] * len(before))

    def edited_each(self, before: "Latent", events: Sequence[Mapping[str, Any]]) -> "Latent":
        """The same, of an edit of which something else is to be said for each code."""
        pasts = tuple(
            Past(own.metadata, (*old.history, done), (before, index))
            for index, (own, old, done) in enumerate(zip(self.pasts, before.pasts, events, strict=True))
        )
        return replace(self, pasts=pasts)

    def undo(self, edits: int = 1) -> "Latent":
        """The latent before its last edits, bit for bit. LatentError if it is not known."""
        found = self
        for done in range(edits):
            if found.parent is None:
                raise LatentError(f"{done} edits can be undone here, not {edits}" if done else "no edit to undo")
            found = found.parent
        return found

    def annotated(self, **metadata: Any) -> "Latent":
        """The same codes with more metadata, the same for each."""
        pasts = tuple(Past({**old, **metadata}, history, before) for old, history, before in self.pasts)
        return replace(self, pasts=pasts)

    def annotated_each(self, **metadata: Sequence[Any]) -> "Latent":
        """The same codes with more metadata: of each name a value for each code."""
        own = [dict(zip(metadata, values, strict=True)) for values in zip(*metadata.values(), strict=True)]
        pasts = tuple(
            Past({**old, **new}, history, before) for (old, history, before), new in zip(self.pasts, own, strict=True)
        )
        return replace(self, pasts=pasts)

    def save(self, path: str | Path) -> None:
        """Write the codes and everything known of them to a ``.safetensors`` file, atomically."""
        ways = []
        for index, past in enumerate(self.pasts):
            *earlier, _ = way_of(self, index)
            before = [StoredState(batch[at].data, batch.space, batch.pasts[at].metadata) for batch, at in earlier]
            ways.append(StoredWay(past.metadata, past.history, tuple(before)))
        StoredCodes(self.data, self.space, self.layout, self.regions, self.fingerprint, tuple(ways)).write(path)

    @classmethod
    def load(cls, path: str | Path) -> "Latent":
        """Read a file written by :meth:`save`, its codes as float32; LatentError if it is anything else."""
        stored = StoredCodes.read(path)
        return cls.cat([_latent_of(stored, index) for index in range(len(stored.ways))])


def way_of(latent: Latent, index: int) -> list[tuple[Latent, int]]:
    """A code and, before it, what it was before each of its edits, as far as that is known, oldest first."""
    way = [(latent, index)]
    while before := way[0][0].pasts[way[0][1]].before:
        way.insert(0, before)
    return way


def _latent_of(stored: StoredCodes, index: int) -> Latent:
    """One code of a file, with the way back to what it was before each of its edits."""
    way = stored.ways[index]
    own = Past(way.metadata, way.history)
    for left, state in enumerate(way.before, len(way.history) - len(way.before)):
        past = Past(state.metadata, way.history[:left], own.before)
        earlier = Latent(state.data, state.space, stored.layout, stored.regions, stored.fingerprint, (past,))
        own = own._replace(before=(earlier, 0))
    return Latent(
        stored.data[index : index + 1], stored.space, stored.layout, stored.regions, stored.fingerprint, (own,)
    )
