"""StyleFusion's table and figures (Kafri et al. 2021), on a StyleGAN2 of the report's domain."""

from pathlib import Path

import torch
from torch import Tensor

from baselines.stylefusion import FILE, SCHEDULES, FusionTransfer, load_fusion
from benchmarks import transfers
from benchmarks.paper.cells import Absent, Measure, mean_interval, measured
from benchmarks.paper.part import Made, PaperPart, named, not_run
from benchmarks.paper.parts.hosts import HOST, SEED, distance, heads_of, host, pictures
from benchmarks.paper.parts.style_space import share_of
from benchmarks.paper.published import PUBLISHED
from benchmarks.paper.setting import Figure, NotThere, Progress, Setting, difference
from benchmarks.transfers import grids
from benchmarks.transfers.poses import across_poses
from semedit.domains.judges import attribute_panel
from semedit.editing.figures.takeover import sampled, takeover
from semedit.editing.sessions.transfers import supported
from semedit.latents.truncation import TRUNCATION

PAPER, METHOD = "Kafri et al. 2021", "stylefusion"
#: What is changed locally, and what a layout's code changes; regions that are taken over beside other methods.
LOCAL, COARSE, TAKEN = (
    ("hair", "face", "mouth", "eyes", "background"),
    ("pose", "hair:shape"),
    ("eyes", "mouth", "hair"),
)
POSED = ("StyleGAN2", "SemanticStyleGAN")
EDITED, WITH = ("smile", "bald"), {"without StyleFusion": False, "with StyleFusion": True}


def _table(setting: Setting, name: str, progress: Progress) -> Made:
    """Two codes for each picture, one of a region and one of everything else."""
    model = host(setting, METHOD)
    made = transfers.OWN if name == "StyleGAN2" else transfers.TakenSet(METHOD, (name,))
    return Made(distance(setting, model, made, name, progress))


def _control(setting: Setting, part: str, _progress: Progress) -> list[Figure]:
    """One picture with parts of others: with their regions (figure 7), or with their layout (11)."""
    name, wanted, seed = ("local", LOCAL, SEED + 7) if part == "sf.f7" else ("coarse", COARSE, SEED + 11)
    model = host(setting, METHOD)
    regions, count = grids.possible(model, METHOD, wanted), setting.budget.shown
    codes = model.sample(1 + count, seed, TRUNCATION)
    grid = grids.control_grid(model, METHOD, regions, codes[0], codes[1:])
    listed = ", ".join(regions)
    what = listed if part == "sf.f7" else f"layout ({listed})"
    caption = f"The target and its references; then the target with the {what} of each."
    return [setting.show(part, f"{name}-control", grid, 1 + count, caption, 128, heads_of(count), ["", *regions])]


def _heat(setting: Setting, part: str, progress: Progress) -> list[Figure]:
    """Where pictures change with a region's code: of many pictures (figure 9), or of one (10), which stands above."""
    model, fixed, count = host(setting, METHOD), part == "sf.f10", setting.budget.maps
    regions, maps = grids.possible(model, METHOD, transfers.REGIONS), []
    for done, region in enumerate(regions):
        maps.append(transfers.heat_map(model, region, METHOD, count, fixed=fixed))
        progress(done + 1, len(regions))
    heat = torch.stack(maps)[:, None].expand(-1, 3, -1, -1)
    shown = 2 * heat / heat.max().clamp(min=1e-12) - 1
    if fixed:
        base = model.synthesise(transfers.fixed_base(model)).image.cpu()
        shown = torch.cat([base.expand(len(maps), -1, -1, -1), shown])
    of = "changes of the picture above" if fixed else "pictures"
    caption = f"Mean absolute difference over {count} {of} with the {', '.join(regions)} of two others."
    return [setting.show(part, "heat", shown, len(maps), caption, heads=regions)]


def _editing_units(setting: Setting) -> tuple[str, ...]:
    return tuple(attr for attr in EDITED if attr in setting.model.domain.attribute_names)


@torch.no_grad()
def _editing(setting: Setting, name: str, progress: Progress) -> Made:
    """InterFaceGAN's edit of the whole code, and the same given to the nodes of the attribute's regions alone."""
    model = host(setting, METHOD)
    judge = attribute_panel(model.domain, torch.device("cpu")).first
    place, editor = model.domain.edit_regions.get(name, "all"), model.editors("interfacegan")[name]
    codes = model.sample(setting.budget.edits, SEED + 13, TRUNCATION)
    before, made = model.synthesise(codes).image.cpu(), dict[str, Tensor]()
    for done, (said, local) in enumerate(WITH.items()):
        moved = editor.edit(codes, 1.0)
        after = grids.taken_over(model, codes, moved, place, METHOD)[1] if local else model.synthesise(moved).image
        made[said] = after.cpu()
        progress(done + 1, len(WITH))
    measures = []
    for said, after in made.items():
        gain = (judge.network.score(after) - judge.network.score(before))[:, judge.network.index(name)]
        found = {("score gain", f"{model.domain.name}-{judge.protocol}"): gain}
        found |= share_of(model, name, before, after)
        measures += [_mean(f"{name}: {said}", column, by, values) for (column, by), values in found.items()]
    shown = [before, *(x for after in made.values() for x in (after, difference(after, before)))]
    grid = torch.stack([x[: setting.budget.shown] for x in shown], dim=1).flatten(0, 1)
    heads = ["sample", *(text for said in made for text in (said, "difference"))]
    caption = f"{name}: sample; edit and difference {', then '.join(made)} ({place})."
    return Made(measures, [setting.show("sf.f13", name, grid, len(shown), caption, 128, heads)])


def _mean(row: str, column: str, protocol: str, values: Tensor) -> Measure:
    mean, std = values.mean().item(), values.std(unbiased=False).item()
    low, high = mean_interval(mean, std, len(values))
    return Measure(row=row, column=column, value=mean, protocol=protocol, n=len(values), std=std, low=low, high=high)


def _features(setting: Setting, part: str, _progress: Progress) -> list[Figure]:
    """The same regions by all methods, those of the report's own model on inversions of the same pictures."""
    models = [host(setting, METHOD), setting.model]
    if not setting.model.has_encoder:
        models = models[:1]
    model = models[0]
    regions = grids.possible(model, METHOD, TAKEN)
    made = takeover(sampled(models, SEED + 14, TRUNCATION), regions)
    whose = ", ".join(f"{name} of {of}" for name, of in made.models.items())
    caption = f"Target, reference, and their {', '.join(regions)} by {whose}; white: not by this method."
    heads = ["target", "reference", *(f"{name}\n{of}" for name, of in made.models.items())]
    return [setting.show(part, "features", made.grid, made.columns, caption, 128, heads, regions)]


def _hair(setting: Setting, name: str, progress: Progress) -> Made:
    """Hair is taken over by heads in several poses; by the report's own model, through its rows."""
    fused = name == POSED[0]
    model, posing = (host(setting, METHOD), METHOD) if fused else (setting.model, "rows")
    methods = [*supported(model), *([transfers.MIXING] if fused else ())]
    able = [m for m in methods if grids.possible(model, m, ("hair",))]
    rows = across_poses(model, posing, able, "hair", setting.budget.pairs, progress)
    columns = {"in_mse": "In-MSE", "out_mse": "Out-MSE", "identity": "identity kept"}
    measures = [measured(row, f"{name}: {row.method}", columns[row.metric], of_pictures=False) for row in rows]
    count = setting.budget.shown
    codes = model.sample(1 + 2 * count, SEED + 15, TRUNCATION)
    grid = grids.pose_grid(model, posing, posing, codes[0], codes[1 : 1 + count], codes[1 + count :])
    caption = f"{name}: references above; below, one target in several poses, with the hair of each by {posing}."
    sides = ["", *(f"pose {number + 1}" for number in range(count))]
    figure = setting.show("sf.f15", name, grid, 1 + count, caption, 112, heads_of(count), sides)
    return Made(measures, [figure])


def _ablation(setting: Setting, name: str, _progress: Progress) -> Made:
    """The root net alone, trained by one of the schedules: face or background from others."""
    model = setting.rival(HOST)
    folders = f"semedit-runs/{model.name}-fusion-SCHEDULE"
    folder = folders.replace("SCHEDULE", name)
    if not (Path(folder) / FILE).is_file():
        options = f"--model {model.name} --node all --schedule SCHEDULE --no-install --out {folders}"
        raise NotThere(Absent("no net has been trained by this schedule", f"semedit fit fusion {options}"))
    stored, count = load_fusion(Path(folder) / FILE, model.generator.fingerprint), setting.budget.shown
    codes, rows = model.sample(1 + count, SEED + 16, TRUNCATION), list[Tensor]()
    for leaf in stored.hierarchy.tree["all"]:
        regions = ",".join(part for below in stored.hierarchy.leaves(leaf) for part in stored.parts[below])
        editor = FusionTransfer(model, codes[1:], regions, stored)
        edited = editor.edit(codes[0].repeat(count), 1.0)
        rows += [model.synthesise(one).image.cpu() for one in (codes[0], edited)]
    caption = f"{name}: the target, then with each half of the tree from {count} others."
    return Made(figures=[setting.show("sf.f16", name, torch.cat(rows), 1 + count, caption, side=112)])


def _limits(setting: Setting, part: str, _progress: Progress) -> list[Figure]:
    """Hair of a head that is turned the other way, with its layout, and within the target's."""
    model = host(setting, METHOD)
    target, reference = grids.turned_apart(model, SEED + 17, TRUNCATION)
    regions = grids.possible(model, METHOD, ("hair", "hair:texture"))
    grid = grids.methods_grid(model, [(METHOD, ())], regions, target, reference)
    caption = f"Heads turned apart: target, reference, and the target with its {', '.join(regions)}."
    heads = ["target", "reference", METHOD]
    return [setting.show(part, "limits", grid, 3, caption, heads=heads, rows=regions)]


def _elsewhere(what: str) -> PaperPart:
    def absent(_setting: Setting) -> Absent:
        return Absent(f"needs a StyleGAN2 of {what}, and a hierarchy of its regions",
                      "semedit fit fusion --model FILE --regions FILE --set tree=...")  # fmt: skip

    number = {"cars": 8, "churches": 12}[what]
    title = {8: "Local control of cars", 12: "Coarse control of churches"}[number]
    return PaperPart(f"sf.f{number}", title, _paper(number), named("pictures"), not_run(absent))


def _paper(figure: int) -> str:
    return f"{PAPER}, figure {figure}"


PARTS = (
    PaperPart("sf.t1", "Quality of images with one region of another code", f"{PAPER}, table 1",
              named(*PUBLISHED["sf.t1"]), _table),
    pictures("sf.f7", "Local control of faces", _paper(7), _control),
    _elsewhere("cars"),
    pictures("sf.f9", "Heat maps of local changes", _paper(9), _heat),
    pictures("sf.f10", "Heat maps of local changes of one picture", _paper(10), _heat),
    pictures("sf.f11", "Coarse control", _paper(11), _control),
    _elsewhere("churches"),
    PaperPart("sf.f13", "Latent editing with and without StyleFusion", _paper(13), _editing_units, _editing),
    pictures("sf.f14", "Local feature transfer", _paper(14), _features),
    PaperPart("sf.f15", "Hair transfer across poses", _paper(15), named(*POSED), _hair),
    PaperPart("sf.f16", "Ablation of the training", _paper(16), named(*SCHEDULES), _ablation),
    pictures("sf.f17", "Limitations", _paper(17), _limits),
)  # fmt: skip
