"""Speed of a region's slider: renders that keep what did not change against full ones, with equal pictures."""

import statistics
from dataclasses import dataclass

import torch

from benchmarks.rows import Lines
from benchmarks.speed.timing import OutputsDifferError, SpeedRow, time_pair
from semedit.editing.generators import semantic
from semedit.editing.model import Model
from semedit.latents.latent import Latent
from semedit.training.gan.growing import enlarged

#: Regions whose sliders are timed.
REGIONS = ("mouth", "eyes", "glasses", "hair")
#: The size in px to which a smaller model is grown, to be timed there too.
LARGER = 256


@dataclass(frozen=True, kw_only=True)
class SliderRow(SpeedRow):
    """``size``: px; ``full_seconds``: of a full render; ``share``: of the pictures that was computed; ``difference``:
    of the pictures, on [-1, 1]."""

    region: str
    size: int
    precision: str
    full_seconds: float
    share: float
    difference: float


def grown(model: Model, size: int) -> Model:
    """The model at ``size`` px: further render blocks with random weights, as wide as the last of its own, join it.

    Its regions stay where they were, and with them the windows of its sliders.
    """
    generator = semantic(model.generator, "a slider of regions")
    last = generator.config.width(generator.config.size)
    widths = {side: generator.config.width(side) for side in generator.config.block_sizes}
    further = {2**power: last for power in range(generator.config.size.bit_length(), size.bit_length())}
    config = generator.config.replace(size=size, render_channels={**widths, **further})
    torch.manual_seed(0)
    larger = enlarged(generator, config).eval().requires_grad_(False)
    return Model(larger, model.domain, f"{model.name}, grown", None, model.precision)


def measure(model: Model, runs: int) -> list[SliderRow]:
    """A row for each of REGIONS that the model has, in the model's precision, at its own size and grown to LARGER."""
    sizes = [model] if model.generator.config.size >= LARGER else [model, grown(model, LARGER)]
    present = [name for name in REGIONS if name in model.generator.regions.names]
    return [compare_sliders(one, name, runs) for one in sizes for name in present]


def table(rows: list[SliderRow]) -> Lines:
    """A line a row."""
    return [
        {
            "slider": row.region,
            "px": row.size,
            "type": row.precision,
            "s": row.seconds,
            "full s": row.full_seconds,
            "computed": f"{100 * row.share:.0f} %",
            "ratio": row.span,
        }
        for row in rows
    ]


def positions(model: Model, region: str, count: int) -> list[Latent]:
    """Codes of a slider: the rows of a region on their way from one sample to another, for whom it may differ."""
    here, there = model.sample(1, seed=3).wplus(), model.sample(1, seed=5).wplus()
    rows = here.rows(region)
    made = []
    for step in range(1, count + 1):
        between = here.data.lerp(there.data, step / count)
        made.append(here.with_rows(model.generator.latent(between), rows))
    return [here, *made]


def compare_sliders(model: Model, region: str, runs: int) -> SliderRow:
    """A row: a slider that moves by ``runs`` steps. Raises OutputsDifferError if the pictures are not the same."""
    places, slider = positions(model, region, runs + 1), model.retouching()
    slider.render(places[0])
    difference, shares = 0.0, []
    for place in places[1:]:
        kept, full = slider.render(place).image, model.synthesise(place).image
        difference = max(difference, (kept - full).abs().max().item())
        shares.append(slider.share)
    if difference > (1e-5 if model.precision == "fp32" else 0.1):
        raise OutputsDifferError(f"{region}: pictures differ by {difference:.1e}")
    ours, theirs = iter(places[1:] * 2), iter(places[1:] * 2)
    with torch.inference_mode():
        fast, slow = time_pair(lambda: slider.render(next(ours)), lambda: model.synthesise(next(theirs)), runs)
    ratios = [b / a for a, b in zip(fast, slow, strict=True)]
    return SliderRow(
        task="speed",
        method="slider",
        model=model.name,
        value=statistics.median(ratios),
        n=runs,
        protocol="alternating, what did not change kept, against full renders",
        batch=1,
        seconds=statistics.median(fast),
        ratio_low=min(ratios),
        ratio_high=max(ratios),
        region=region,
        size=model.generator.config.size,
        precision=model.precision,
        full_seconds=statistics.median(slow),
        share=statistics.mean(shares),
        difference=difference,
    )
