"""What the parts of StyleFusion and of Editing in Style share: their host generator, what they measure and keep."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks import fidelity, transfers
from benchmarks.paper.cells import Absent, Measure, measured
from benchmarks.paper.part import Made, PaperPart, named
from benchmarks.paper.setting import Figure, NotThere, Progress, Setting
from semedit.data.collection import open_collection
from semedit.editing.model import Model
from semedit.editing.sessions.transfers import transfer_editor
from semedit.errors import ConfigError, MissingWeights
from semedit.metrics.cielab import protocol

#: The rival that both methods edit, and what learns each method of it.
HOST = "stylegan2"
LEARN = {"stylefusion": "semedit fit fusion", "editing-in-style": "semedit fit catalog"}
#: Seed of the pictures of these parts: the same in every report.
SEED = 60_000


def host(setting: Setting, method: str) -> Model:
    """The StyleGAN2 that a method edits, with what the method has learnt of it. Raises NotThere."""
    model = setting.rival(HOST)
    try:
        transfer_editor(model, model.generator.latent(model.generator.mean_w()), "all", method)
    except (MissingWeights, ConfigError) as error:
        raise NotThere(Absent(str(error), f"{LEARN[method]} --model {model.name}")) from None
    return model


def pictures(
    id: str, title: str, source: str, make: Callable[[Setting, str, Progress], list[Figure]],
) -> PaperPart:  # fmt: skip
    """A part of one unit that shows pictures; ``make`` is given its id."""

    def made(setting: Setting, _name: str, progress: Progress) -> Made:
        return Made(figures=make(setting, id, progress))

    return PaperPart(id, title, source, named("pictures"), made)


def heads_of(references: int) -> list[str]:
    """What stands above a target and so many references."""
    return ["target", *(f"reference {number + 1}" for number in range(references))]


def real_pictures(setting: Setting, size: int) -> fidelity.RealPictures | None:
    """What sets of pictures are compared with: the report's training pictures, or None for drawn ones."""
    if setting.drawn:
        return None
    return fidelity.StoredPictures(open_collection(setting.training_pictures(), size, labelled=False))


def distance(
    setting: Setting, model: Model, made: transfers.TakenSet, row: str, progress: Progress
) -> list[Measure]:  # fmt: skip
    """The Frechet distance of a set, as the cells of a row."""
    count = setting.budget.sets
    compared = transfers.ComparedSet.of(model, count, real_pictures(setting, model.generator.config.size))
    return [
        measured(found, row, "FID" if found.protocol.startswith("fid(") else "FD", of_pictures=False)
        for found in compared.distances(model, made, count, progress)
    ]


def equal_change(made: Sequence[transfers.TransferCurve], against: str, row: Callable[[Any], str]) -> list[Measure]:
    """In- and Out-MSE at each method's greatest amount, Out-MSE at equal In-MSE with another, and how much less it is
    than the other's, as cells."""
    found = transfers.rows(made, against)
    most = {one.method: max(curve.amounts) for one in found for curve in made if curve.method == one.method}
    columns = {"in_mse": "In-MSE", "out_mse": "Out-MSE", "out_mse_equal": "Out-MSE at equal In-MSE",
               "outside_saved": "saved there"}  # fmt: skip
    return [
        measured(one, row(one), columns[one.metric], of_pictures=False)
        for one in found
        if one.metric in columns and one.amount in (None, most[one.method])
    ]


def stored(curve: transfers.TransferCurve) -> dict[str, Any]:
    """A curve as JSON: what is not known is None."""

    def plain(values: Any) -> list[list[float | None]]:
        return [[None if np.isnan(x) else round(float(x), 7) for x in row] for row in values]

    return {**vars(curve), "inside": plain(curve.inside), "outside": plain(curve.outside)}


def restored(facts: Mapping[str, Any]) -> transfers.TransferCurve:
    """The curve that :func:`stored` gave."""
    arrays = {name: np.array(facts[name], dtype=np.float64) for name in ("inside", "outside")}
    return transfers.TransferCurve(**{**facts, "amounts": tuple(facts["amounts"]), **arrays})


def curve_figures(setting: Setting, part: str, made: Sequence[transfers.TransferCurve], said: str) -> list[Figure]:
    """Out-MSE against In-MSE in each conversion of CIELAB. Nothing without matplotlib."""
    figures = []
    for conversion in dict.fromkeys(curve.conversion for curve in made):
        file = f"pictures/{part}-{protocol(conversion)}.png"
        try:
            transfers.draw(made, setting.folder / file, conversion)
        except MissingWeights:
            return []
        figures.append(Figure(file, f"{said} In CIELAB, {conversion} conversion."))
    return figures
