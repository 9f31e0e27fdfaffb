"""SemanticStyleGAN's table 1: how good samples are, by the released protocol and by the domain's own."""

from benchmarks import fidelity
from benchmarks.paper.cells import Measure, measured, unmarked
from benchmarks.paper.part import Made, PaperPart, named
from benchmarks.paper.setting import Progress, Setting
from semedit.data.collection import open_collection
from semedit.editing.model import Model

OURS, RIVAL = "SemanticStyleGAN", "StyleGAN2"
#: Row -> what the report calls another generator.
RIVALS = {
    RIVAL: "stylegan2", "SemanticGAN": "semanticgan-patches", "SemanticGAN + proposed training": "semanticgan",
}  # fmt: skip
#: Measure of a benchmark's row -> the report's column; Frechet distances of Inceptions alone are called FID.
COLUMNS = {
    "frechet": "FID", "frechet_floor": "FID floor", "inception_score": "IS", "kernel_distance": "KID",
    "precision": "precision", "recall": "recall",
}  # fmt: skip


def model_of(setting: Setting, name: str) -> Model:
    """The model of a row. Raises NotThere."""
    return setting.model if name == OURS else setting.rival(RIVALS[name])


def make(setting: Setting, name: str, progress: Progress) -> Made:
    model = model_of(setting, name)
    size, real = model.generator.config.size, None
    if not setting.drawn:
        collection = open_collection(setting.training_pictures(), size, labelled=False)
        real = fidelity.StoredPictures(collection)
    rows = fidelity.fidelity(model, setting.budget.samples, real=real, progress=progress)
    measures = [
        measured(row, name, column(row.metric, row.protocol), of_pictures=False)
        for row in rows
        if unmarked(row.metric) in COLUMNS
    ]
    answer = "yes" if name == OURS else "no"
    return Made([*measures, Measure(row=name, column="compositional", value=answer, protocol="by construction", n=0)])


def column(metric: str, protocol: str) -> str:
    """What a measure is called.

    >>> column("frechet", "fd(portraits-features@64)"), column("frechet", "fid(inception-tf)@256")
    ('FD', 'FID')
    """
    found = COLUMNS[unmarked(metric)]
    return found if protocol.startswith("fid(") else found.replace("FID", "FD")


PART = PaperPart(
    "ssg.t1",
    "Quality of synthesis",
    "Shi et al. 2022, table 1",
    named(RIVAL, "SemanticGAN", "SemanticGAN + proposed training", OURS),
    make,
)
