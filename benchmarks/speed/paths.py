"""Speed of every path of the package that a CPU can show: the plainest formulation in fp32, and ours in each precision.

All are timed alternately in one run, after it was seen that they give the same values.
"""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from benchmarks.rows import Lines
from benchmarks.speed import host, plain, textbook
from benchmarks.speed.encoder import PlainEncoder, official_encoder
from benchmarks.speed.generator import random_generator
from benchmarks.speed.timing import OutputsDifferError, SpeedRow, counted, matrix_peak, time_each
from directions.styleflow.library import FlowLibrary
from encoders.measures import Measures
from encoders.optimization import OptimizationInverter
from encoders.restyle import Refiner
from encoders.stored import StoredEncoder
from semedit.domains.portraits.drawing.renderer import draw
from semedit.domains.portraits.law import sample_factors
from semedit.editing.generators import semantic
from semedit.editing.model import Model
from semedit.errors import MissingWeights
from semedit.networks.generator import SemanticGenerator
from semedit.networks.precision import Precision, cast
from semedit.networks.style_based import StyleBasedGenerator

Call = Callable[[], Tensor]
#: By precision, how far values may be from the plainest formulation's, as a share of their maximum.
TOLERANCE: Mapping[Precision, float] = {"fp32": 1e-3, "bf16": 0.2}
#: Portraits that the painter draws in one call.
PORTRAITS = 16


@dataclass(frozen=True, kw_only=True)
class SpeedPath:
    """One path: what it does, for pictures of ``px`` px, ``batch`` in a call.

    ``plain`` is the plainest formulation in fp32, ``ours`` what stands in the package, for a precision; ``wanted``
    says how many times as fast it is to be; ``networks``: whether its time is that of products and convolutions, so
    that it can be held against the matrix peak. Paths without numbers in bf16 know fp32 alone.
    """

    name: str
    px: int
    plain: Call
    ours: Callable[[Precision], Call]
    wanted: Mapping[Precision, float]
    batch: int = 1
    networks: bool = True
    precisions: tuple[Precision, ...] = ("fp32", "bf16")
    tolerance: Mapping[Precision, float] = field(default_factory=lambda: TOLERANCE)


@dataclass(frozen=True, kw_only=True)
class PathRow(SpeedRow):
    """``size``: px; ``plain_seconds``: of the plainest formulation in fp32; both seconds are the processor's, and
    ``wall_seconds`` the clock's; ``wanted``: the ratio aimed at; ``difference``: of values, as a share of their
    maximum; ``peak_share``: of the operations a second that a product of large matrices reaches here."""

    size: int
    precision: str
    plain_seconds: float
    wall_seconds: float
    difference: float
    wanted: float | None
    peak_share: float | None


def shipped_picture(model: Model) -> SpeedPath:
    """One picture of the model itself."""
    return picture("a picture of the model", semantic(model.generator, "the speed of a picture"), {"fp32": 2.0})


def official_picture(model: Model) -> SpeedPath:  # noqa: ARG001
    """One picture of the official configuration at 256 px, with random weights."""
    return picture("a picture, official 256 px", random_generator(256), {"fp32": 2.5, "bf16": 7.0})


def host_picture(model: Model) -> SpeedPath:  # noqa: ARG001
    """One picture of StyleGAN2's official configuration at 256 px, with random weights."""
    generator = host.random_stylegan2(256)
    code = generator.styles(random_code(generator))
    plainest = torch.inference_mode()(lambda: host.synthesise(generator, code))
    return SpeedPath(
        name="a picture, StyleGAN2 256 px", px=256, plain=plainest, ours=showing(generator, code), wanted={}
    )


def picture(name: str, generator: SemanticGenerator, wanted: Mapping[Precision, float]) -> SpeedPath:
    """One picture of a generator."""
    codes = random_code(generator)[:, None].repeat(1, generator.layout.rows, 1)
    plainest = torch.inference_mode()(lambda: textbook.synthesise(generator, codes).image)
    ours = showing(generator, codes)
    return SpeedPath(name=name, px=generator.config.size, plain=plainest, ours=ours, wanted=wanted)


@torch.no_grad()
def random_code(generator: StyleBasedGenerator) -> Tensor:
    """A code (1, D) in W, the same every time."""
    return generator.mapping(torch.randn(1, generator.config.style_dim, generator=torch.Generator().manual_seed(1)))


def showing(generator: StyleBasedGenerator, code: object) -> Callable[[Precision], Call]:
    """The package's way to the picture of a code, for a precision."""

    def ours(precision: Precision) -> Call:
        def call() -> Tensor:
            with torch.inference_mode(), cast(precision, generator.device):
                return generator(code).image

        return call

    return ours


def official_encoding(model: Model) -> SpeedPath:  # noqa: ARG001
    """One pass of the official encoder, 28 heads at 256 px, with random weights."""
    encoder = official_encoder()
    simple, size = PlainEncoder(encoder).eval().requires_grad_(False), encoder.config.size
    x = torch.rand(1, 6, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1

    def ours(precision: Precision) -> Call:
        low = precision == "bf16"
        folded = encoder.for_inference(torch.bfloat16 if low else torch.float32)

        @torch.inference_mode()
        def call() -> Tensor:
            return folded(x)

        return call

    return SpeedPath(
        name="a pass of the encoder, 28 heads", px=size, plain=torch.inference_mode()(lambda: simple(x)), ours=ours,
        wanted={"fp32": 1.2, "bf16": 3.0},
    )  # fmt: skip


def refinement(model: Model) -> SpeedPath:  # noqa: ARG001
    """A step of ReStyle's five, official sizes: encoder, and the picture of its code."""
    generator, stored = random_generator(256), StoredEncoder(official_encoder(), torch.zeros(1, 512))
    target = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(2)) * 2 - 1
    plainest = Refiner(plain.TextbookGenerator(generator), stored.encoder, stored.latent_avg)
    plainest.encoder = PlainEncoder(stored.encoder).eval().requires_grad_(False)

    def stepping(refiner: Refiner) -> Call:
        @torch.inference_mode()
        def call() -> Tensor:
            return refiner.step(target, *refiner.start(1))[1]

        return call

    def ours(precision: Precision) -> Call:
        return stepping(Refiner.of(generator, stored, torch.bfloat16 if precision == "bf16" else torch.float32))

    return SpeedPath(
        name="a refinement of five, official 256 px", px=256, plain=stepping(plainest), ours=ours, wanted={"bf16": 4.5}
    )


def optimisation(model: Model) -> SpeedPath:
    """A step of the search for a code, official sizes: picture, perceptual and pixel losses, and their gradient."""
    generator, measures = random_generator(256), Measures.of(model.domain, torch.device("cpu"))
    target = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(2)) * 2 - 1
    start = torch.randn(1, generator.layout.rows, 512, generator=torch.Generator().manual_seed(3))

    def stepping(one: StyleBasedGenerator, precision: Precision) -> Call:
        search = OptimizationInverter(one, measures, precision=precision)
        goal, noise = search.goal(target), one.noise_maps("const", 1)

        def call() -> Tensor:
            codes = start.clone().requires_grad_()
            terms, _ = search.terms(codes, goal, noise)
            search.weigh(terms).sum().backward()
            assert codes.grad is not None
            return codes.grad

        return call

    plainest = plain.TextbookGenerator(generator)
    return SpeedPath(
        name="an optimisation step, official 256 px", px=256, plain=stepping(plainest, "fp32"),
        ours=lambda precision: stepping(generator, precision), wanted={"bf16": 6.0},
        tolerance={"fp32": 1e-2, "bf16": 0.5},
    )  # fmt: skip


def painting(model: Model) -> SpeedPath:  # noqa: ARG001
    """Portraits of 128 px by the painter."""
    factors = sample_factors(PORTRAITS, 0)
    return SpeedPath(
        name="the painter, 128 px", px=128, batch=PORTRAITS, plain=lambda: plain.paint(factors, 128),
        ours=lambda _: lambda: draw(factors, 128).images, wanted={"fp32": 3.0}, networks=False, precisions=("fp32",),
        tolerance={"fp32": 0.02},
    )  # fmt: skip


def flow_edit(model: Model) -> SpeedPath:
    """A StyleFlow edit of a code that was encoded before, against encoding it each time."""
    editor, library, latent = model.editor("smile", "styleflow"), model.editors("styleflow"), model.sample(1, seed=3)
    assert isinstance(library, FlowLibrary)
    latent = latent.wplus()
    rows, (here, there) = list(latent.rows("all")), library.conditions(editor.edit(latent, 1.0, "all"))

    @torch.no_grad()
    def simple() -> Tensor:
        return library.flow_.decode(library.flow_.encode(latent.data[:, rows], here), there)

    return SpeedPath(
        name="a StyleFlow edit of a known code", px=model.generator.config.size, plain=simple,
        ours=lambda _: lambda: editor.edit(latent, 1.0, "all").data[:, rows], wanted={}, networks=False,
        precisions=("fp32",),
    )  # fmt: skip


#: Each makes a path of a model, or one of the official sizes for any model.
PATHS: tuple[Callable[[Model], SpeedPath], ...] = (
    shipped_picture, official_picture, host_picture, official_encoding, refinement, optimisation, painting, flow_edit,
)  # fmt: skip


def measure(model: Model, precisions: Sequence[str], runs: int) -> Iterator[PathRow]:
    """A row for each of PATHS and precision; a path whose weights the model lacks is left out."""
    for make in PATHS:
        try:
            path = make(model)
        except MissingWeights:
            continue
        yield from compare(path, model.name, precisions, runs)


def compare(path: SpeedPath, model: str, precisions: Sequence[str], runs: int) -> list[PathRow]:
    """A row a precision. Raises OutputsDifferError if values are not the same."""
    known = [kind for kind in path.precisions if kind in precisions]
    calls, wanted = [path.ours(kind) for kind in known], path.plain().float()
    values = [counted(call) for call in calls]
    differences = [((value.float() - wanted).abs().max() / wanted.abs().max()).item() for value, _ in values]
    for kind, difference in zip(known, differences, strict=True):
        if not difference <= path.tolerance[kind]:
            raise OutputsDifferError(f"{path.name}, {kind}: values differ by {difference:.1e} of their maximum")
    slow, *fast = time_each([path.plain, *calls], runs)
    rows = []
    for kind, (_, work), difference, times in zip(known, values, differences, fast, strict=True):
        ratios = [b / a for a, b in zip(times.processor, slow.processor, strict=True)]
        seconds = statistics.median(times.processor)
        rows.append(
            PathRow(
                task="speed",
                method=path.name,
                model=model,
                value=statistics.median(ratios),
                n=runs,
                protocol="alternating, against the plainest formulation in fp32",
                batch=path.batch,
                seconds=seconds,
                ratio_low=min(ratios),
                ratio_high=max(ratios),
                size=path.px,
                precision=kind,
                plain_seconds=statistics.median(slow.processor),
                wall_seconds=statistics.median(times.wall),
                difference=difference,
                wanted=path.wanted.get(kind),
                peak_share=work / seconds / matrix_peak(kind) if path.networks else None,
            )
        )
    return rows


def table(rows: Sequence[PathRow]) -> Lines:
    """A line a row."""
    return [
        {
            "path": row.method,
            "type": row.precision,
            "s": row.seconds,
            "wall s": row.wall_seconds,
            "plain s": row.plain_seconds,
            "ratio": row.span,
            "wanted": row.wanted and f"{row.wanted:.1f}",
            "of peak": row.peak_share and f"{100 * row.peak_share:.0f} %",
        }
        for row in rows
    ]
