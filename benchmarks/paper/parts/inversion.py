"""SemanticStyleGAN's table 2: reconstruction of held-out pictures by the ReStyle encoder."""

from benchmarks import reconstruction
from benchmarks.paper.cells import Measure, mean_interval
from benchmarks.paper.part import Made, PaperPart, named
from benchmarks.paper.setting import Progress, Setting

#: Row -> the rival that it is of; None: the report's own model.
ROWS = {"StyleGAN2 (FFHQ)": "stylegan2-ffhq", "StyleGAN2": "stylegan2", "SemanticStyleGAN": None}
COLUMNS = {"mse": "MSE", "psnr": "PSNR", "identity": "ID"}


def make(setting: Setting, name: str, progress: Progress) -> Made:
    rival = ROWS[name]
    model = setting.rival(rival) if rival else setting.model
    count = setting.budget.inversions
    files = None if setting.drawn else setting.held_out(count)
    rows = reconstruction.reconstruction(
        model, count, methods=("restyle",), files=files, aligned=True, progress=progress
    )
    last = rows[-1].method  # of the refinements, the last
    measures = []
    for row in (row for row in rows if row.method == last):
        low, high = mean_interval(row.value, row.std, row.n)
        measures.append(
            Measure(row=name, column=column(row.metric, row.protocol), value=row.value, protocol=row.protocol, n=row.n,
                    skipped=row.skipped, std=row.std, low=low, high=high)
        )  # fmt: skip
    return Made(measures)


def column(metric: str, protocol: str) -> str:
    """What a measure is called: a perceptual distance LPIPS only where it is one.

    >>> column("perceptual", "lpips-vgg-v0.1@256"), column("perceptual", "portraits-features@64")
    ('LPIPS', 'perceptual')
    """
    return "LPIPS" if protocol.startswith("lpips") else COLUMNS.get(metric, metric)


PART = PaperPart("ssg.t2", "Reconstruction by the encoder", "Shi et al. 2022, table 2", named(*ROWS), make)
