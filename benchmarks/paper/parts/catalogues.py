"""Editing in Style's table and figures (Collins et al. 2020), on a StyleGAN2 of the report's domain."""

from collections.abc import Sequence

import torch

from baselines.editing_in_style import CatalogueTransfer
from baselines.style_transfer import stylegan2_of
from benchmarks import transfers
from benchmarks.paper.cells import Absent
from benchmarks.paper.part import Made, PaperPart, PartUnit, named, not_run
from benchmarks.paper.parts.hosts import (
    SEED,
    curve_figures,
    distance,
    equal_change,
    heads_of,
    host,
    pictures,
    restored,
    stored,
)
from benchmarks.paper.published import PUBLISHED
from benchmarks.paper.setting import Figure, NotThere, Progress, Setting
from benchmarks.transfers import grids
from benchmarks.transfers.protocol import editor_of
from semedit.editing.model import Model
from semedit.latents.truncation import TRUNCATION

PAPER, METHOD, BLENDING = "Collins et al. 2020", "editing-in-style", "feature-blending"
#: The parts of faces that the paper edits.
FACE = ("eyes", "nose", "mouth")
#: Sizes in px of the layers that features are blended up to.
BLENDED = (32, 64)
BEDROOMS, MAPS = "bedrooms", "heat maps"


def parts_of(model: Model, wanted: Sequence[str] = FACE) -> tuple[str, ...]:
    """The parts that the catalogue has channels of; those that have a cluster of their own. Raises NotThere."""
    found = grids.possible(model, METHOD, wanted)
    if not found:
        command = f"semedit fit catalog --model {model.name} --clusters 30"
        raise NotThere(Absent(f"the catalogue has no cluster of {', '.join(wanted)}", command))
    return found


def sizes_of(model: Model) -> tuple[int, ...]:
    """The sizes of BLENDED that the generator has layers of."""
    return tuple(size for size in BLENDED if size in stylegan2_of(model, METHOD).config.resolutions)


def _bedrooms(_setting: Setting) -> Absent:
    return Absent("needs a StyleGAN2 of bedrooms, and a catalogue of its clusters",
                  "semedit fit catalog --model FILE --domain DOMAIN")  # fmt: skip


def _table(setting: Setting, name: str, progress: Progress) -> Made:
    if name == BEDROOMS:
        raise NotThere(_bedrooms(setting))
    model = host(setting, METHOD)
    regions = parts_of(model)
    size = sizes_of(model)[-1]
    made = {
        "StyleGAN": transfers.OWN,
        "edited": transfers.TakenSet(METHOD, regions),
        "feature blending": transfers.TakenSet(BLENDING, regions, (f"size={size}",)),
    }[name]
    row = {"StyleGAN": "StyleGAN2", "feature blending": f"feature blending at {size} px"}.get(name, name)
    return Made(distance(setting, model, made, f"{row} ({made.region})" if made.regions else row, progress))


def _teaser(setting: Setting, part: str, _progress: Progress) -> list[Figure]:
    model = host(setting, METHOD)
    regions = parts_of(model, (*FACE, "hair"))
    codes = model.sample(1 + len(regions), SEED + 101, TRUNCATION)
    strip = grids.parts_strip(model, METHOD, regions, codes[0], codes[1:])
    caption = f"A target, references, and the target with the {', '.join(regions)} of each in turn."
    heads = ["target", *regions, "all of them"]
    return [setting.show(part, "parts", strip, len(strip), caption, heads=heads)]


def _clusters(setting: Setting, part: str, _progress: Progress) -> list[Figure]:
    model, count = host(setting, METHOD), max(4, setting.budget.shown)
    codes = model.sample(count, SEED + 102, TRUNCATION)
    editor = editor_of(model, codes[0], "all", METHOD)
    assert isinstance(editor, CatalogueTransfer)
    named_ = "; ".join(f"{label} {own}" for label, own in editor.catalogue.annotations.items())
    grid = grids.cluster_grid(model, editor.catalogue, codes)
    caption = f"Samples, and the clusters of their activations. Named by overlap with label maps: {named_}."
    return [setting.show(part, "clusters", grid, count, caption, side=128)]


def _conditioned(setting: Setting, part: str, _progress: Progress) -> list[Figure]:
    """Rows of parts, columns of references: of the face (figure 3), of everything larger (6)."""
    model, count = host(setting, METHOD), setting.budget.shown
    regions = parts_of(model, FACE if part == "eis.f3" else ("hair", "skin", "cloth", "background"))
    codes = model.sample(1 + count, SEED + 100 + int(part[5:]), TRUNCATION)
    grid = grids.control_grid(model, METHOD, regions, codes[0], codes[1:])
    caption = f"The target and its references; then the target with the {', '.join(regions)} of each."
    return [setting.show(part, "conditioned", grid, 1 + count, caption, 128, heads_of(count), ["", *regions])]


def _compared(setting: Setting, part: str, _progress: Progress) -> list[Figure]:
    model = host(setting, METHOD)
    regions = parts_of(model)
    blended = [(BLENDING, (f"size={size}",)) for size in sizes_of(model)]
    methods: list[tuple[str, tuple[str, ...]]] = [(METHOD, ()), *blended, ("poisson", ())]
    codes = model.sample(2, SEED + 105, TRUNCATION)
    grid = grids.methods_grid(model, methods, regions, codes[0], codes[1])
    said = ", ".join(" ".join((name, *more)) for name, more in methods)
    caption = f"Rows: {', '.join(regions)}. Columns: target, reference, {said}."
    heads = ["target", "reference", *("\n".join((name, *more)) for name, more in methods)]
    return [setting.show(part, "compared", grid, 2 + len(methods), caption, 128, heads, regions)]


def _queries(setting: Setting, name: str, progress: Progress) -> Made:
    """The queries over their budgets, In-MSE against Out-MSE; or where edits change pictures."""
    model = host(setting, METHOD)
    if name == MAPS:
        return Made(figures=_error_maps(setting, model, progress))
    parts_of(model, (name,))
    made = transfers.curves(model, (name,), transfers.QUERIES, setting.budget.edits, progress)
    measures = equal_change(made, "simultaneous", lambda row: f"{row.region}: {row.method}")
    return Made(measures, series={"curves": [stored(curve) for curve in made]})


def _error_maps(setting: Setting, model: Model, progress: Progress) -> list[Figure]:
    regions, maps, count = parts_of(model), [], setting.budget.maps
    for done, region in enumerate(regions):
        heat = transfers.error_heat_map(model, region, METHOD, count)
        maps.append(2 * heat / heat.max().clamp(min=1e-12) - 1)
        progress(done + 1, len(regions))
    shown = torch.stack(maps)[:, None].expand(-1, 3, -1, -1)
    caption = f"Squared error in CIELAB of {count} pictures and the same with the {', '.join(regions)} of others."
    return [setting.show("eis.f7", "errors", shown, len(maps), caption, heads=regions)]


def _draw(setting: Setting, units: Sequence[PartUnit]) -> Sequence[Figure]:
    made = [restored(one) for unit in units for one in unit.series.get("curves", ())]
    return curve_figures(setting, "eis.f7", made, "Queries over their budgets: error outside against inside.")


def _paper(figure: int) -> str:
    return f"{PAPER}, figure {figure}"


PARTS = (
    PaperPart("eis.t1", "Quality of edited images", f"{PAPER}, table 1", named(*PUBLISHED["eis.t1"]), _table),
    pictures("eis.f1", "Parts transferred from references", _paper(1), _teaser),
    pictures("eis.f2", "Clusters of activations", _paper(2), _clusters),
    pictures("eis.f3", "The edit is localised by conditioning", _paper(3), _conditioned),
    PaperPart("eis.f4", "Edits of bedrooms", _paper(4), named("pictures"), not_run(_bedrooms)),
    pictures("eis.f5", "Blending methods compared on faces", _paper(5), _compared),
    pictures("eis.f6", "StyleGAN2 outputs", _paper(6), _conditioned),
    PaperPart("eis.f7", "Error in and out of the part", _paper(7), named(MAPS, *FACE), _queries, _draw),
)  # fmt: skip
