"""Sets of pictures one of whose regions has a code of its own: their distance to real ones, and where they change.

Reference: StyleFusion (Kafri et al. 2022), table 1 (Frechet distances of local control), figure 9 (heat maps over
samples) and figure 10 (over changes of one picture).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.fidelity import DrawnPictures, RealPictures, own_networks, sized
from benchmarks.transfers.protocol import (
    BATCH,
    MAP_COUNT,
    REGIONS,
    SEED,
    SET_COUNT,
    Progress,
    TransferRow,
    editor_of,
)
from semedit.domains.judges import OPTIMISED, named_by
from semedit.editing.model import Model
from semedit.editing.sessions.chain import Step, shown
from semedit.editing.sessions.transfers import supported
from semedit.errors import ConfigError
from semedit.latents.latent import Latent
from semedit.metrics.cielab import error_map
from semedit.metrics.inception import embedders
from semedit.metrics.sets import Embedder, frechet
from semedit.pictures.sheets import sheet
from semedit.pictures.tensors import fit, quantise


@dataclass(frozen=True, eq=False)
class TakenSet:
    """A set of pictures: samples whose region is taken over from others, by ``method`` with its ``options``.

    Of several ``regions`` each batch takes the next one in turn; none are the generator's own samples.
    """

    method: str
    regions: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def region(self) -> str:
        return f"{', '.join(self.regions)}{' in turn' if len(self.regions) > 1 else ''}" or "none"

    def batches(self, model: Model, count: int, psi: float = 1.0) -> Iterator[Tensor]:
        """Pictures (BATCH or fewer, 3, H, W), ``count`` in all."""
        for number, start in enumerate(range(0, count, BATCH)):
            own, region = min(BATCH, count - start), self.regions[number % len(self.regions)] if self.regions else ""
            targets, others = (model.sample(own, SEED + k + 2 * start, psi) for k in (2, 3))
            if not region:
                yield model.synthesise(targets).image
                continue
            step = Step(editor_of(model, others, region, self.method, self.options), self.method, region)
            yield shown(model, step, targets, 1.0)[1].image


#: The generator's own samples.
OWN = TakenSet("generator")


@dataclass(frozen=True, eq=False)
class ComparedSet:
    """Features of ``count`` real pictures, by each network that measures: the domain's judge, and Inceptions.

    ``protocols``: what distances by each are called; ``size``: px of the pictures.
    """

    embedders: Sequence[Embedder]
    protocols: Sequence[str]
    features: Sequence[Tensor]
    count: int
    size: int

    @classmethod
    def of(cls, model: Model, count: int, real: RealPictures | None = None) -> "ComparedSet":
        """Of ``real`` pictures at the model's size; without them the domain's painter draws some.

        Raises ConfigError if it has none, or if no network is there to measure with.
        """
        size, judges = model.generator.config.size, own_networks(model.domain)[:1]
        found = [*(judge.network for judge in judges), *embedders(None)]
        if not found:
            raise ConfigError("no network to measure with; 'semedit doctor' says which files are missing")
        marks = {judge.network.protocol: f" ({OPTIMISED})" for judge in judges if judge.optimised}
        names = [sized(f"fd({one.protocol})", size) + marks.get(one.protocol, "") for one in found]
        real = real or DrawnPictures(model.domain.painter())
        chunks = [pictures for pictures, _ in real.chunks(0, count, size)]
        features = [torch.cat([embedder.embed(pictures) for pictures in chunks]) for embedder in found]
        return cls(found, names, features, count, size)

    def distances(
        self, model: Model, made: TakenSet, count: int, progress: Progress | None = None
    ) -> list[TransferRow]:
        """The Frechet distance of ``count`` pictures of a set, by each network."""
        parts: list[list[Tensor]] = [[] for _ in self.embedders]
        for pictures in made.batches(model, count):
            shown_as = quantise(fit(pictures, self.size))
            for own, embedder in zip(parts, self.embedders, strict=True):
                own.append(embedder.embed(shown_as))
            if progress:
                progress(sum(map(len, parts[0])), count)
        return [
            TransferRow(task="transfers", method=made.method, model=model.name, metric=named_by("frechet", protocol),
                        value=frechet(torch.cat(own), there), n=count, protocol=protocol, region=made.region)
            for own, protocol, there in zip(parts, self.protocols, self.features, strict=True)
        ]  # fmt: skip


def distances(
    model: Model,
    regions: Sequence[str] = REGIONS,
    methods: Sequence[str] = (),
    count: int = SET_COUNT,
    real: RealPictures | None = None,
    progress: Progress | None = None,
) -> list[TransferRow]:
    """Frechet distances to real pictures of pictures with a region from another code, and of the generator's own
    (method ``generator``, region ``none``). Pictures are measured as 8-bit, at the generator's size.

    Without ``real`` pictures the domain's painter draws them. Raises ConfigError if it has none, or if no network is
    there to measure with.
    """
    compared, own = ComparedSet.of(model, count, real), methods or supported(model)
    chosen, made = [OWN, *(TakenSet(method, (region,)) for method in own for region in regions)], list[TransferRow]()
    for number, one in enumerate(chosen):
        made += compared.distances(model, one, count)
        if progress:
            progress(number + 1, len(chosen))
    return made


def fixed_base(model: Model) -> Latent:
    """The one target of heat maps of a fixed picture."""
    return model.sample(1, SEED)


@torch.no_grad()
def heat_map(model: Model, region: str, method: str, count: int = MAP_COUNT, *, fixed: bool = False) -> Tensor:
    """Where pictures change when the code of a region does: mean absolute difference (H, W), on [-1, 1].

    Of ``count`` targets, or with ``fixed`` of one alone, with the region from one reference and from another.
    """
    total = torch.zeros(())
    for start in range(0, count, BATCH):
        own = min(BATCH, count - start)
        targets = fixed_base(model).repeat(own) if fixed else model.sample(own, SEED + 10 + start)
        pair = []
        for seed in (SEED + 50_000, SEED + 90_000):
            step = Step(editor_of(model, model.sample(own, seed + start), region, method), method, region)
            pair.append(shown(model, step, targets, 1.0)[1].image)
        total = total + (pair[0] - pair[1]).abs().mean(1).sum(0).cpu()
    return total / count


@torch.no_grad()
def error_heat_map(model: Model, region: str, method: str, count: int = MAP_COUNT) -> Tensor:
    """Where an edit changes pictures: the mean squared CIELAB error (H, W) between ``count`` targets and the same with
    the region from others (Editing in Style, figure 7a)."""
    total = torch.zeros(())
    for start in range(0, count, BATCH):
        own = min(BATCH, count - start)
        targets, others = (model.sample(own, SEED + k + start) for k in (10, 50_000))
        step = Step(editor_of(model, others, region, method), method, region)
        errors = error_map(model.synthesise(targets).image, shown(model, step, targets, 1.0)[1].image)
        total = total + errors.sum(0).cpu()
    return total / count


def heat_sheet(model: Model, regions: Sequence[str], methods: Sequence[str], count: int = MAP_COUNT, *,
               fixed: bool = False, progress: Progress | None = None) -> Tensor:  # fmt: skip
    """A picture (3, H', W'): a row for each method, a column for each region; white is the method's greatest change."""
    rows = []
    for number, method in enumerate(methods):
        maps = torch.stack([heat_map(model, region, method, count, fixed=fixed) for region in regions])
        rows.append(2 * maps / maps.max().clamp(min=1e-12) - 1)
        if progress:
            progress(number + 1, len(methods))
    return sheet(torch.cat(rows)[:, None].expand(-1, 3, -1, -1), columns=len(regions))
