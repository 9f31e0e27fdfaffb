"""How well, and how fast, each method inverts pictures that nothing was trained on."""

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.fidelity import Progress
from benchmarks.rows import Lines, Row
from encoders import INVERTERS
from encoders.inverters import RestyleInverter
from encoders.search import Search
from semedit.data.drawn import Painter
from semedit.domains.base import IdentityMetric, PerceptualMetric
from semedit.domains.judges import Panel, perceptual_panel
from semedit.editing.model import Model
from semedit.errors import ImageError, MissingWeights, SemeditError, UnknownName
from semedit.metrics.pixels import mse, psnr
from semedit.metrics.placed import placed
from semedit.pictures.tensors import fit, quantise, to_bytes, to_images, to_tensor

#: No training set or held-out set of the library uses this seed.
UNSEEN_SEED = 990_001
CHUNK = 64
#: Pictures to invert, and how many at once.
COUNT, BATCH = 16, 8
#: Side in px at which pixels are compared.
SIZE = 256


@dataclass(frozen=True, kw_only=True)
class ReconstructionRow(Row):
    """``median`` of the values; ``batch``: pictures inverted at once; ``seconds_per_image``: the method's alone."""

    std: float
    median: float
    batch: int
    seconds_per_image: float


@dataclass(frozen=True)
class Score:
    """The domain's networks that score a reconstruction; those whose weights are absent are left out, and named.

    Searches and encoders learn by some of the ``perceptual`` ones, which stand beside the judge.
    """

    perceptual: Panel[PerceptualMetric]
    identity: IdentityMetric | None
    missing: tuple[str, ...]
    further: tuple[IdentityMetric, ...] = ()

    @classmethod
    def of(cls, model: Model) -> "Score":
        """All measures of a model's domain. Raises MissingWeights if there is no perceptual one."""
        device, domain = model.generator.device, model.domain
        perceptual = perceptual_panel(domain, device)
        missing = [f"a judge of perceptual distances: {perceptual.missing}"] if perceptual.missing else []
        try:
            identity = placed(domain.identity(), device)
        except MissingWeights as error:
            identity = None
            missing.append(str(error))
        further: list[IdentityMetric] = []
        for score in domain.identity_further:
            try:
                further.append(placed(score(), device))
            except MissingWeights as error:
                missing.append(str(error))
        return cls(perceptual, identity, tuple(missing), tuple(further))

    @torch.no_grad()
    def __call__(self, reconstruction: Tensor, target: Tensor) -> dict[tuple[str, str], Tensor]:
        """(metric, protocol) -> values (B,), of pictures (B, 3, H, W) as 8-bit files would hold them.

        Pixels are compared at SIZE px, as ReStyle's tools do, to which larger and smaller pictures are pooled.
        """
        shown = quantise(reconstruction)
        a, b = (fit(x, SIZE, "pool") for x in (shown, target))
        found = {("mse", f"mse[-1,1]@{SIZE}"): mse(a, b), ("psnr", f"psnr@{SIZE}"): psnr(a, b)}
        for one in self.perceptual:
            found[one.named("perceptual"), one.protocol] = one.network.distance(shown, target)
        for metric in (self.identity, *self.further):
            if metric:
                found["identity", metric.protocol] = metric.identity(shown, target)
        return found


@dataclass
class Tally:
    """What one method has reached so far."""

    values: dict[tuple[str, str], list[Tensor]] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, scores: dict[tuple[str, str], Tensor], seconds: float) -> None:
        for key, value in scores.items():
            self.values.setdefault(key, []).append(value.cpu())
        self.seconds += seconds

    def rows(self, method: str, model: Model, batch: int, skipped: int) -> list[ReconstructionRow]:
        rows = []
        for (name, protocol), parts in self.values.items():
            whole = torch.cat(parts)
            values = whole[~whole.isnan()]  # NaN: not to be measured on this picture, as where no face is found
            if not len(values):
                continue
            unseen = skipped + len(whole) - len(values)
            rows.append(
                ReconstructionRow(
                    task="reconstruction", method=method, model=model.name, metric=name, value=values.mean().item(),
                    n=len(values), protocol=protocol, std=values.std(unbiased=False).item(), skipped=unseen,
                    median=values.median().item(), batch=batch, seconds_per_image=self.seconds / len(whole),
                )
            )  # fmt: skip
        return rows


def unseen_pictures(painter: Painter, size: int, count: int, seed: int = UNSEEN_SEED) -> Iterator[Tensor]:
    """Drawn pictures (3, S, S), uint8, one after the other; the same count and seed give the same ones."""
    for k, start in enumerate(range(0, count, CHUNK)):
        yield from to_bytes(painter(min(CHUNK, count - start), size, seed + k, painter.styles[0]).images)


def stored_pictures(model: Model, files: list[Path], aligned: bool = False) -> Iterator[Tensor]:
    """The faces (3, S, S), uint8, of picture files, or, where they are ``aligned`` already, the pictures as they are;
    those that cannot be read or aligned are left out."""
    for path in files:
        with suppress(SemeditError):
            yield to_bytes(to_tensor(model.align(path, aligned=aligned).crop))


def batches(pictures: Iterable[Tensor], size: int) -> Iterator[Tensor]:
    """Up to ``size`` uint8 pictures at once, as (B, 3, S, S) in [-1, 1]."""
    remaining = iter(pictures)
    while part := list(islice(remaining, size)):
        yield to_images(torch.stack(part))


def default_methods(model: Model) -> tuple[str, ...]:
    """The methods that a model can be inverted by: all of them with an encoder, the search alone without."""
    return tuple(INVERTERS) if model.has_encoder else ("optimize",)


def reconstruction(
    model: Model,
    count: int = COUNT,
    batch: int = BATCH,
    methods: tuple[str, ...] = (),
    files: list[Path] | None = None,
    aligned: bool = False,
    progress: Progress | None = None,
) -> list[ReconstructionRow]:
    """Rows of the table: for each method one for each measure, over ``count`` drawn pictures, or ``files``,
    which are taken as they are if they are ``aligned`` already.

    "restyle" gives rows for one to five refinements ("restyle@1" ...). One batch of pictures is in memory at a time.
    Seconds are those of the method alone, a picture in batches of ``batch``; measuring is not counted. Raises
    UnknownName, or MissingWeights for an encoder that is not there.
    """
    methods = methods or default_methods(model)
    for method in methods:
        if method not in INVERTERS:
            raise UnknownName("inversion method", method, INVERTERS)
    files = files[:count] if files else None
    drawn = (model.generator.config.size, count)
    pictures = stored_pictures(model, files, aligned) if files else unseen_pictures(model.domain.painter(), *drawn)
    score, tallies = Score.of(model), dict[str, Tally]()
    wanted, done, measured = len(files) if files else count, 0, 0
    inverters = {method: model.inverter(method) for method in methods}
    for part in batches(pictures, batch):
        measured += len(part)
        for method, inverter in inverters.items():
            if isinstance(inverter, RestyleInverter):
                refinement_steps(inverter, part, score, tallies)
            else:
                found = inverter.invert(part)
                seconds = found.seconds * len(part)
                tallies.setdefault(method, Tally()).add(score(found.reconstruction, found.target), seconds)
            done += len(part)
            if progress:
                progress(done, wanted * len(methods))
    if not measured:
        raise ImageError(f"none of {wanted} pictures could be read and aligned")
    rows = []
    for method, tally in tallies.items():
        rows += tally.rows(method, model, batch, wanted - measured)
    return rows


@torch.no_grad()
def refinement_steps(inverter: RestyleInverter, targets: Tensor, score: Score, tallies: dict[str, Tally]) -> None:
    """Measure every refinement of one batch; the seconds of a step include those before it."""
    refiner = inverter.refiner
    target = Search.begin(refiner.generator, targets).target
    seconds, (code, image) = 0.0, refiner.start(len(target))
    for number in range(1, inverter.config.refinements + 1):
        began = time.perf_counter()
        code, image = refiner.step(refiner.fit(target), code, image)
        seconds += time.perf_counter() - began
        tallies.setdefault(f"restyle@{number}", Tally()).add(score(image, target), seconds)


def table(rows: list[ReconstructionRow]) -> Lines:
    """One line for each method, with mean and standard deviation of each measure."""
    lines: dict[str, dict[str, object]] = {}
    for row in rows:
        line = lines.setdefault(row.method, {"method": row.method})
        several = sum((r.method, r.metric) == (row.method, row.metric) for r in rows) > 1
        digits = {"psnr": 1, "identity": 2}.get(row.metric, 3)
        shown = f"{row.value:.{digits}f}\u00b1{row.std:.{digits}f}"
        line[row.protocol if several else row.metric] = shown
    for row in rows:
        lines[row.method].update({"n": row.n, "s/image": row.seconds_per_image})
    return list(lines.values())


def footer(rows: list[ReconstructionRow]) -> str:
    """What the table leaves out: the protocols, and how the pictures were taken."""
    protocols = dict.fromkeys(f"{row.metric}: {row.protocol}" for row in rows)
    how = f"mean\u00b1standard deviation, in batches of {rows[0].batch}, {rows[0].skipped} skipped"
    return "; ".join([how, *protocols])
