"""How near edits come to the true edited pictures, where a law says what these are.

Codes that lack an attribute (or have it) are drawn at random; the law draws the same portrait with the attribute put on
(or off). An edit is worth something if its picture is nearer to that one than the generator's picture was without it.
The generator keeps to the law only nearly: its own distance from the law's pictures stands beside.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from benchmarks.bootstrap import mean_interval
from benchmarks.fidelity import Progress
from benchmarks.rows import Lines, Row
from directions import EDITORS, AttributeEditor, EditorLibrary
from semedit.domains.base import PerceptualMetric, Truth
from semedit.domains.judges import Judge, attribute_panel, perceptual_panel
from semedit.editing.model import Model
from semedit.errors import ConfigError, MissingWeights
from semedit.latents.latent import Latent
from semedit.metrics.attributes import AttributeScorer
from semedit.metrics.pixels import mse
from semedit.pictures.tensors import to_bytes, to_images

COUNT, SEED, CHUNK = 200, 440_001, 64
#: Strength 1, and that of STRENGTHS which comes nearest on TRIED other codes.
STRENGTHS, TRIED = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0), 48
MSE = "mse[-1,1], 8 bit"
Distances = dict[tuple[str, str], Tensor]
Judges = tuple[Judge[PerceptualMetric], Judge[AttributeScorer]]
#: A pixel has changed where a channel differs by more than this, on [-1, 1].
CHANGED = 0.1
#: Portraits that are looked through for each code that is wanted, at most.
FURTHEST = 60


@dataclass(frozen=True, kw_only=True)
class TruthRow(Row):
    """``value``: mean of the distance to the true edited picture, less that of doing nothing, with its interval.

    ``edited``, ``unedited``: mean distance with the edit and without; ``nearer``: share of the codes whose picture came
    nearer; ``strength``: of the edit, in units of the calibrated one; ``chosen``: whether that is the one of STRENGTHS
    which came nearest on other codes.
    """

    attr: str
    strength: float
    chosen: bool
    regions: str
    edited: float
    unedited: float
    nearer: float


@dataclass(frozen=True)
class Cases:
    """Codes z (N, D) with an attribute to be turned, and their pictures, all uint8 (N, 3, S, S).

    ``shown``: the generator's; ``true``: the law's; ``wanted``: the law's with the attribute turned.
    """

    codes: Tensor
    shown: Tensor
    true: Tensor
    wanted: Tensor

    def __len__(self) -> int:
        return len(self.codes)


def find_codes(truth: Truth, attr: str, on: bool, count: int, width: int, seed: int) -> Tensor:
    """``count`` random z (N, width) whose attribute can be turned. ConfigError if they are too rare."""
    draws, found = torch.Generator().manual_seed(seed), list[Tensor]()
    for _ in range(FURTHEST):
        codes = torch.randn(count, width, generator=draws)
        found.append(codes[truth.turnable(codes, attr, on)])
        if sum(map(len, found)) >= count:
            return torch.cat(found)[:count]
    raise ConfigError(f"hardly any portrait has '{attr}' {'off' if on else 'on'}: fewer than one in {FURTHEST}")


def latent_of(model: Model, codes: Tensor) -> Latent:
    """The generator's codes in W of z (B, D), untruncated."""
    with torch.no_grad():
        return model.generator.latent(model.generator.mapping(codes.to(model.device)))


def cases(model: Model, truth: Truth, attr: str, on: bool, count: int, seed: int) -> Cases:
    codes = find_codes(truth, attr, on, count, model.generator.config.style_dim, seed)
    parts: list[tuple[Tensor, ...]] = []
    for part in codes.split(CHUNK):
        pictures = model.synthesise(latent_of(model, part)).image, truth.pictures(part), truth.edited(part, attr, on)
        parts.append(tuple(to_bytes(one.cpu()) for one in pictures))
    return Cases(codes, *(torch.cat(column) for column in zip(*parts, strict=True)))


def check_law(model: Model, found: Cases, truth: Truth) -> None:
    """ConfigError if a generator's pictures are no nearer to their own true ones than to those of other codes."""
    shown, true = to_images(found.shown), to_images(found.true)
    own, other = mse(shown, true).mean().item(), mse(shown, true.roll(1, 0)).mean().item()
    if own > 0.5 * other:
        raise ConfigError(
            f"'{model.name}' does not keep to the {truth.protocol}: its pictures are {own:.3f} from their own true "
            f"ones, {other:.3f} from those of other codes (MSE); no true edit is known of it"
        )


def edit_pictures(model: Model, editor: AttributeEditor, codes: Tensor, strength: float) -> Tensor:
    """Pictures (N, 3, S, S), uint8, of codes z edited in the editor's own regions."""
    parts = [model.synthesise(editor.edit(latent_of(model, part), strength)).image for part in codes.split(CHUNK)]
    return torch.cat([to_bytes(part.cpu()) for part in parts])


@torch.no_grad()
def distances(judges: Judges, attr: str, found: Cases, edited: Tensor, device: torch.device) -> Distances:
    """Distances to the true edited pictures: of edited pictures (N, 3, S, S), uint8, and of those before.

    "mse_changed" is taken where the true edit or the edit has changed a pixel; "score" is the distance of the score of
    ``attr``, so that without an edit it is what the true edit changes by it (hair hides many an earring).
    """
    inside = f"{MSE}, where either edit changed by more than {CHANGED}"
    parts: list[Distances] = []
    judge, scorer = judges
    column = scorer.network.index(attr)
    for pieces in zip(*(x.split(CHUNK) for x in (found.shown, found.true, found.wanted, edited)), strict=True):
        shown, true, wanted, made = (to_images(piece.to(device)) for piece in pieces)
        changed = (((wanted - true).abs() > CHANGED) | ((made - shown).abs() > CHANGED)).any(1, keepdim=True)
        goal = scorer.network.score(wanted)[:, column]
        area = (3 * changed.flatten(1).sum(1)).clamp(min=1)
        both = made, shown
        parts.append({
            ("mse", MSE): torch.stack([mse(x, wanted) for x in both]),
            ("mse_changed", inside): torch.stack(
                [((x - wanted).square() * changed).flatten(1).sum(1) / area for x in both]
            ),
            (judge.named("perceptual"), judge.protocol): torch.stack(
                [judge.network.distance(x, wanted) for x in both]
            ),
            (scorer.named("score"), scorer.protocol): torch.stack(
                [(scorer.network.score(x)[:, column] - goal).abs() for x in both]
            ),
        })  # fmt: skip
    return {key: torch.cat([part[key] for part in parts], dim=1).cpu() for key in parts[0]}


def truth_rows(
    model: Model,
    attributes: tuple[str, ...] = (),
    methods: tuple[str, ...] = (),
    count: int = COUNT,
    on: bool = True,
    seed: int = SEED,
    progress: Progress | None = None,
) -> list[TruthRow]:
    """For each attribute (default: all of the domain) and method (default: all that the model has) the rows of an edit
    at strength 1, and at the one of STRENGTHS that comes nearest on TRIED other codes.

    ``on`` puts attributes on where they are off; otherwise off, by strengths below 0. Raises ConfigError where nobody
    knows the true pictures.
    """
    truth, attributes = model.domain.truth_of(model.generator.config), attributes or model.domain.attribute_names
    libraries = {name: library for name in methods or EDITORS if (library := _editors(model, name, bool(methods)))}
    judges = perceptual_panel(model.domain, model.device).first, attribute_panel(model.domain, model.device).first
    sign = 1.0 if on else -1.0
    rows: list[TruthRow] = []
    for done, attr in enumerate(attributes):
        found = cases(model, truth, attr, on, count, seed)
        if not done:
            check_law(model, found, truth)
        others = cases(model, truth, attr, on, TRIED, seed + 1)
        for method, library in libraries.items():
            if attr not in library and not methods:
                continue
            editor = library[attr]
            tried = {s: edit_pictures(model, editor, others.codes, sign * s) for s in STRENGTHS}
            wanted = to_images(others.wanted)
            best = min(STRENGTHS, key=lambda s: mse(to_images(tried[s]), wanted).mean().item())
            for chosen, strength in ((False, 1.0), (True, best)):
                edited = edit_pictures(model, editor, found.codes, sign * strength)
                measured = distances(judges, attr, found, edited, model.device)
                facts: dict[str, Any] = {
                    "task": "truth", "method": method, "model": model.name, "n": count, "attr": attr,
                    "strength": sign * strength, "chosen": chosen, "regions": editor.regions_,
                }  # fmt: skip
                rows += [row_of(metric, f"{protocol} to the {truth.protocol}", pair, facts)
                         for (metric, protocol), pair in measured.items()]  # fmt: skip
        if progress:
            progress(done + 1, len(attributes))
    return rows


def _editors(model: Model, method: str, needed: bool) -> EditorLibrary[AttributeEditor] | None:
    try:
        return model.editors(method)
    except MissingWeights:
        if needed:
            raise
        return None


def row_of(metric: str, protocol: str, pair: Tensor, facts: dict[str, Any]) -> TruthRow:
    """The row of distances (2, N), with the edit and without."""
    edited, unedited = pair.double().numpy()
    ends = mean_interval(edited - unedited)
    return TruthRow(
        metric=metric, value=float((edited - unedited).mean()), std=float((edited - unedited).std()), low=ends.low,
        high=ends.high, protocol=protocol, edited=float(edited.mean()), unedited=float(unedited.mean()),
        nearer=float((edited < unedited).mean()), **facts,
    )  # fmt: skip


def named(rows: list[TruthRow], method: str) -> list[TruthRow]:
    """What a model's card says of a method: its rows, each under a name of its own."""
    return [
        replace(row, metric=f"{row.attr}.{'nearest' if row.chosen else 'strength 1'}.{row.metric}")
        for row in rows
        if row.method == method
    ]


def table(rows: list[TruthRow]) -> Lines:
    """A line for each row."""
    return [
        {
            "attr": row.attr, "method": row.method,
            "strength": f"{row.strength:+g}{' (nearest)' if row.chosen else ''}",
            "metric": row.metric, "unedited": row.unedited, "edited": row.edited, "difference": f"{row.value:+.4f}",
            "95 %": f"{row.low:+.4f} to {row.high:+.4f}", "nearer": f"{100 * row.nearer:.0f} %", "n": row.n,
        }
        for row in rows
    ]  # fmt: skip
