"""The papers' figures that are pictures: components, samples, interpolation, composition, mixing, adaptation, edits."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from benchmarks.paper.cells import Absent
from benchmarks.paper.part import Made, PaperPart, named
from benchmarks.paper.setting import Figure, NotThere, Progress, Setting, difference
from benchmarks.reconstruction import stored_pictures, unseen_pictures
from directions import EDITORS
from semedit.editing.figures.compose import Place, compose, picture_features
from semedit.editing.figures.generator import MIXING, components, mixing_grid, spline
from semedit.editing.model import Model
from semedit.pictures.sheets import labels_to_colours
from semedit.pictures.tensors import enlarge, to_images

#: Seeds of the pictures: the same in every report.
SEED = 40_000
FACE = "skin,eyes,brows,mouth,nose"
FRAMES = 8
#: Columns of the adapted domain's figure: hair by shape, then by texture, of different references.
HAIR = {f"hair {part} {k}": f"hair:{part}" for part, count in (("shape", 4), ("texture", 3)) for k in range(count)}
PARTS_OF = ("shape", "texture")
#: The attribute of each of the appendix's figures.
EDITS = {"ssg.f23": "smile", "ssg.f24": "bald", "ssg.f25": "bangs", "ssg.f26": "beard"}


def _components(setting: Setting, part: str, _progress: Progress) -> list[Figure]:
    """Pictures built up region by region, with the pseudo-depth of what joins in below."""
    latent, rows, names = (
        setting.model.sample(setting.budget.shown // 2 or 1, SEED + int(part[5:])),
        list[Tensor](),
        list[str](),
    )
    for index in range(len(latent)):
        pictures, depths, names = components(setting.model, latent[index])
        rows += [pictures.cpu(), enlarge(depths.cpu(), pictures.shape[-1] // depths.shape[-1])]
    caption = f"Components join one by one ({', '.join(names)}); below, the pseudo-depth of each."
    sides = ["picture", "pseudo-depth"] * len(latent)
    return [setting.show(part, "components", torch.cat(rows), len(names), caption, 96, names, sides)]


def _samples(setting: Setting, part: str, _progress: Progress) -> list[Figure]:
    """Random samples, truncated, with their label maps."""
    model, count = setting.model, 2 * setting.budget.shown
    out = model.synthesise(model.sample(count, SEED + int(part[5:])))
    if out.labels is None:
        raise NotThere(Absent("the generator has no regions to show", setting.command(part)))
    colours = labels_to_colours(out.labels, model.generator.regions)
    pairs = torch.stack([out.image.cpu(), colours.cpu()], dim=1).flatten(0, 1)
    return [setting.show(part, "samples", pairs, 8, "Samples, truncation 0.7, each with the label map made with it.")]


def _interpolation(setting: Setting, part: str, _progress: Progress) -> list[Figure]:
    """From one sample to another in the whole code, in the face, in the hair."""
    keys, model = setting.model.sample(2, SEED + 102), setting.model
    strips = [model.synthesise(spline(keys, FRAMES, regions, loop=False)).image for regions in ("all", FACE, "hair")]
    caption = "Interpolation between two samples: all of the code, the face's rows, the hair's rows."
    return [setting.show(part, "interpolation", torch.cat(strips), FRAMES, caption, rows=("all", "face", "hair"))]


def _composition(setting: Setting, part: str, progress: Progress) -> list[Figure]:
    """A generated foreground on a real picture, moved and zoomed through its coordinates."""
    model, places = setting.model, [Place(), Place(0.2, 0.05), Place(-0.22, 0.2, 0.6)]
    target = targets(setting, 1)
    features, rendered = picture_features(model, target, setting.budget.background, progress=progress)
    pictures = compose(model, model.sample(1, SEED + 103), features, places)
    caption = "A picture, its rendering from features, and a foreground on it: in place, moved, zoomed out."
    heads = ("picture", "from features", "in place", "moved", "zoomed out")
    shown = torch.cat([target, rendered.cpu(), pictures.cpu()])
    return [setting.show(part, "composition", shown, len(heads), caption, heads=heads)]


def _mixing(model: Model, setting: Setting, part: str, columns: dict[str, str], caption: str) -> list[Figure]:
    drawn = model.sample(setting.budget.shown + len(columns), SEED + 104)
    samples, references = drawn[: setting.budget.shown], drawn[setting.budget.shown :]
    grid = mixing_grid(model, samples, references, columns)
    return [setting.show(part, "mixing", grid, len(columns) + 1, caption, 128, ["", *columns])]


def _local(setting: Setting, part: str, _progress: Progress) -> list[Figure]:
    """Parts of references in samples."""
    caption = f"Columns take {', '.join(MIXING)} from the reference above."
    return _mixing(setting.model, setting, part, MIXING, caption)


def _local_adapted(setting: Setting, part: str, _progress: Progress) -> list[Figure]:
    """The same by the adapted generator."""
    caption = f"Adapted generator; columns take {', '.join(MIXING)} from the reference above."
    return _mixing(adapted(setting), setting, part, MIXING, caption)


def _bodies(setting: Setting, part: str, _progress: Progress) -> list[Figure]:
    """A generator of whole-body pictures: each of its regions, in shape and texture, of references."""
    model = setting.rival("deepfashion")
    columns = {f"{name} {kind}": f"{name}:{kind}" for name in model.generator.regions.names[1:] for kind in PARTS_OF}
    caption = f"Whole-body pictures; columns take {', '.join(columns)} from the reference above."
    return _mixing(model, setting, part, columns, caption)


def _bodies_mixed(setting: Setting, part: str, _progress: Progress) -> list[Figure]:
    """The same, region by region, and the coarse structure."""
    model = setting.rival("deepfashion")
    columns = {"coarse structure": "pose", **{name: name for name in model.generator.regions.names}}
    caption = f"Whole-body pictures; columns take {', '.join(columns)} from the reference above."
    return _mixing(model, setting, part, columns, caption)


def _hair(setting: Setting, part: str, _progress: Progress) -> list[Figure]:
    """Hair of references by the adapted generator."""
    caption = "Adapted generator: the hair's shape, then its texture, of other codes (first row)."
    return _mixing(adapted(setting), setting, part, HAIR, caption)


def adapted(setting: Setting) -> Model:
    """The generator that was fine-tuned to another kind of picture. Raises NotThere."""
    if setting.adapted is None:
        raise NotThere(Absent("no generator adapted to another kind of picture", f"{setting.command()} --adapted M"))
    return setting.adapted.need()


def targets(setting: Setting, count: int) -> Tensor:
    """Pictures (B, 3, S, S) that nothing was trained on: the last held-out ones, or drawn ones of a fixed seed."""
    model = setting.model
    if not setting.drawn:
        found = stored_pictures(model, setting.held_out(count), aligned=True)
    else:
        found = unseen_pictures(model.domain.painter(), model.generator.config.size, count, SEED)
    return to_images(torch.stack(list(found)))


def edited_grid(setting: Setting, model: Model, method: str, attributes: Sequence[str]) -> Tensor:
    """For each picture a row: itself, its inversion, and for each attribute the edit and where it changed anything."""
    shown = targets(setting, setting.budget.shown)
    found = model.inverter("restyle").invert(shown)
    cells, base = [found.target.cpu(), found.reconstruction.cpu()], found.latent
    for attr in attributes:
        edited = model.synthesise(model.edit(base, attr, 1.0, method=method)).image
        cells += [edited.cpu(), difference(edited, found.reconstruction).cpu()]
    return torch.stack(cells, dim=1).flatten(0, 1)


def _edits(part: str, attributes: Sequence[str]) -> Callable[[Setting, str, Progress], Made]:
    """The ``make`` of a figure of edits of fixed pictures, a unit for each generator and method."""

    def make(setting: Setting, name: str, _progress: Progress) -> Made:
        generator, method = name.split(" + ")
        model = setting.model if generator == "SemanticStyleGAN" else setting.rival("stylegan2")
        known = [attr for attr in attributes if attr in model.domain.attribute_names]
        grid = edited_grid(setting, model, method, known)
        caption = f"{name}: picture, inversion, then edit and difference for {', '.join(known)}, at strength 1."
        heads = ["picture", "inversion", *(text for attr in known for text in (attr, "difference"))]
        figure = setting.show(part, name.replace(" + ", "-"), grid, len(heads), caption, heads=heads)
        return Made(figures=[figure])

    return make


def _single(id: str, title: str, source: str, figures: Callable[[Setting, str, Progress], list[Figure]]) -> PaperPart:
    """A part of one unit that shows pictures."""

    def make(setting: Setting, _name: str, progress: Progress) -> Made:
        return Made(figures=figures(setting, id, progress))

    return PaperPart(id, title, source, named("pictures"), make)


def _paper(figure: int) -> str:
    return f"Shi et al. 2022, figure {figure}"


#: Both generators, each edited by both methods.
_EDITED = named(*(f"{generator} + {method}" for generator in ("StyleGAN2", "SemanticStyleGAN") for method in EDITORS))

PARTS = (
    _single("ssg.f5", "Components", _paper(5), _components),
    _single("ssg.f6", "Samples", _paper(6), _samples),
    _single("ssg.f7", "Interpolation", _paper(7), _interpolation),
    _single("ssg.f8", "Composition on a real picture", _paper(8), _composition),
    PaperPart("ssg.f9", "Attribute edits of fixed pictures", _paper(9), _EDITED, _edits("ssg.f9", ("smile", "bald"))),
    _single("ssg.f12", "Hair on an adapted domain", _paper(12), _hair),
    _single("ssg.f13", "Whole-body pictures", _paper(13), _bodies),
    _single("ssg.f18", "Local style mixing", _paper(18), _local),
    _single("ssg.f19", "Local style mixing, adapted", _paper(19), _local_adapted),
    _single("ssg.f20", "Local style mixing of whole-body pictures", _paper(20), _bodies_mixed),
    _single("ssg.f21", "Samples with label maps", _paper(21), _samples),
    _single("ssg.f22", "Components and pseudo-depths", _paper(22), _components),
    *(PaperPart(id, f"Edits: {attr}", _paper(int(id[5:])), _EDITED, _edits(id, (attr,))) for id, attr in EDITS.items()),
)
