"""The file of latents: ``.safetensors``, with the tensor ``latent``, the codes before each of its edits, and JSON.

What a file says is checked here, and means something in :mod:`semedit.latents.latent`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from semedit.errors import LatentError
from semedit.latents.layout import LatentLayout, Space
from semedit.latents.regions import RegionTable
from semedit.storage.content import reading, shaped
from semedit.storage.tensors import read_tensors, single, write_tensors

FORMAT = "semedit-latent-1"


class StoredState(NamedTuple):
    """A code (1, D), (1, L, D), (1, E, D) or (1, S) as it was at some time, its space, and where it came from."""

    data: Tensor
    space: Space
    metadata: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class StoredWay:
    """What a file says of one code: its metadata, its edits, and what it was ``before`` those whose way back is known;
    both oldest first."""

    metadata: Mapping[str, Any]
    history: tuple[Mapping[str, Any], ...]
    before: tuple[StoredState, ...] = ()


@dataclass(frozen=True, eq=False)
class StoredCodes:
    """What a file holds: codes (B, ...) of one space and one generator, and the way of each."""

    data: Tensor
    space: Space
    layout: LatentLayout
    regions: RegionTable
    fingerprint: str
    ways: tuple[StoredWay, ...]

    def write(self, path: str | Path) -> None:
        """Write the file, atomically. Raises OutputError."""
        tensors, entries = {"latent": self.data}, []
        for way in self.ways:
            tensors |= {f"before.{len(tensors) - 1 + i}": state.data for i, state in enumerate(way.before)}
            states = [{"space": state.space, "metadata": dict(state.metadata)} for state in way.before]
            entries.append({"history": list(way.history), "metadata": dict(way.metadata), "before": states})
        header = {
            "format": FORMAT,
            "space": self.space,
            "layout": vars(self.layout),
            "regions": self.regions.to_json(),
            "fingerprint": self.fingerprint,
            **(entries[0] if len(entries) == 1 else {"codes": entries}),
        }
        write_tensors(path, header, tensors)

    @classmethod
    def read(cls, path: str | Path) -> "StoredCodes":
        """What a file holds, its codes as float32. Raises LatentError for a file that is no latent, or contradicts
        itself."""
        stored = read_tensors(path, "a latent", LatentError)
        header = stored.header
        if header.get("format") != FORMAT:
            raise LatentError(f"{path}: a safetensors file, but not a latent (no '{FORMAT}' header)")
        tensors = single(stored.tensors, path, LatentError, whole=False)
        with reading(path, LatentError):
            layout = shaped(LatentLayout, header["layout"], f"{path}: layout", LatentError)
            regions, data = RegionTable.from_json(header["regions"]), tensors["latent"]
            fingerprint = shaped(str, header["fingerprint"], path, LatentError)
            if not len(data) or layout.regions not in (0, len(regions)):
                raise LatentError(
                    f"{path}: {len(data)} codes of {layout.regions} regions, and a table of {len(regions)}"
                )
            layout.check(data, header["space"])
            ways = tuple(_ways(header, tensors, layout, path))
            return cls(data, header["space"], layout, regions, fingerprint, ways)


def _ways(header: Mapping[str, Any], tensors: Mapping[str, Tensor], layout: LatentLayout,
          source: str | Path) -> Iterator[StoredWay]:  # fmt: skip
    """The way of each code of a file; those of a file without an entry for each code have one entry in common."""
    number, codes = count(), len(tensors["latent"])
    entries = header.get("codes", ())
    if entries and len(entries) != codes:
        raise LatentError(f"{source}: {codes} codes, and {len(entries)} entries about them")
    each = 1 if entries else codes
    for entry in entries or [header]:
        history = _history(entry["history"], source)
        states = [(tensors[f"before.{next(number)}"], s["space"], s["metadata"]) for s in entry.get("before", ())]
        for data, space, _ in states:
            layout.check(data, space)
            if len(data) != each:
                raise LatentError(f"{source}: {each} codes, and {len(data)} before one of their edits")
        for i in range(each):
            before = [StoredState(data[i : i + 1], space, _own(metadata, i)) for data, space, metadata in states]
            yield StoredWay(_own(entry["metadata"], i), history, tuple(before))


def _own(metadata: Mapping[str, Any], index: int) -> Mapping[str, Any]:
    """The metadata of one code; files of earlier versions have those of each code as lists, under ``codes``."""
    shared = {name: value for name, value in metadata.items() if name != "codes"}
    return {**shared, **{name: values[index] for name, values in metadata.get("codes", {}).items()}}


def _history(events: object, source: str | Path) -> tuple[Mapping[str, Any], ...]:
    """The edits that a file tells of. Raises LatentError for one whose name or strength is none."""
    found = shaped(list[dict[str, Any]], events, source, LatentError)
    for event in found:
        shaped(float, event.get("strength", 1.0), f"{source}: the strength of an edit", LatentError)
        for name in ("attr", "text", "method", "regions", "reference"):
            shaped(str | None, event.get(name), f"{source}: '{name}' of an edit", LatentError)  # type: ignore[arg-type]
    return tuple(found)
