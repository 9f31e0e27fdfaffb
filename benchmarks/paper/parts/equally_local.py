"""What StyleFusion's paper shows in pictures alone: how much less changes elsewhere than by mixing all channels."""

from collections.abc import Sequence

from benchmarks import transfers
from benchmarks.paper.cells import Absent, measured
from benchmarks.paper.part import Made, PaperPart, PartUnit, named
from benchmarks.paper.parts.hosts import curve_figures, host, restored, stored
from benchmarks.paper.setting import Figure, NotThere, Progress, Setting
from benchmarks.transfers import grids

METHOD = "stylefusion"
#: Regions and groups that the paper takes over.
REGIONS = ("hair", "face", "background", "mouth", "eyes")
#: What is told of the place where both methods change a region equally.
COLUMNS = {"in_mse_equal": "In-MSE of both", "out_mse_equal": "Out-MSE", "out_mse_against": "of plain mixing",
           "outside_saved": "saved"}  # fmt: skip


def make(setting: Setting, name: str, progress: Progress) -> Made:
    """One region by FusionNets, and by plain mixing of all channels of all layers."""
    model = host(setting, METHOD)
    if not grids.possible(model, METHOD, (name,)):
        raise NotThere(Absent(f"the hierarchy cannot tell '{name}'", f"semedit fit fusion --model {model.name}"))
    sweeps = transfers.sweeps(model, (METHOD, transfers.MIXING))
    made = [
        curve
        for curve in transfers.curves(model, (name,), sweeps, setting.budget.edits, progress)
        if curve.conversion == "correct"
    ]
    measures = [
        measured(row, row.region, COLUMNS[row.metric], of_pictures=False)
        for row in transfers.rows(made)
        if row.metric in COLUMNS
    ]
    return Made(measures, series={"curves": [stored(curve) for curve in made]})


def draw(setting: Setting, units: Sequence[PartUnit]) -> Sequence[Figure]:
    made = [restored(one) for unit in units for one in unit.series.get("curves", ())]
    return curve_figures(setting, "sf.x1", made, "Regions taken over: error outside against inside.")


PART = PaperPart(
    "sf.x1", "Change outside at equal change inside, beside plain mixing in StyleSpace",
    "in no table of the paper, which shows it in pictures", named(*REGIONS), make, draw,
)  # fmt: skip
