"""SemanticStyleGAN's table 2: reconstruction of held-out pictures by the ReStyle encoder."""

from dataclasses import replace

from benchmarks import reconstruction
from benchmarks.paper.cells import measured, unmarked
from benchmarks.paper.part import Made, PaperPart, named
from benchmarks.paper.published import PUBLISHED
from benchmarks.paper.setting import Progress, Setting

#: Row -> the rival that it is of; None: the report's own model.
ROWS = {"StyleGAN2 (FFHQ)": "stylegan2-ffhq", "StyleGAN2": "stylegan2", "SemanticStyleGAN": None}
COLUMNS = {"mse": "MSE", "psnr": "PSNR in dB", "identity": "ID", "perceptual": "perceptual distance"}


def make(setting: Setting, name: str, progress: Progress) -> Made:
    rival = ROWS[name]
    model = setting.rival(rival) if rival else setting.model
    count = setting.budget.inversions
    files = None if setting.drawn else setting.held_out(count)
    rows = reconstruction.reconstruction(
        model, count, methods=("restyle",), files=files, aligned=True, progress=progress
    )
    last = rows[-1].method  # of the refinements, the last
    return Made([
        measured(replace(row, protocol=published_id(row.protocol)), name, column(row.metric, row.protocol),
                 of_pictures=True)
        for row in rows
        if row.method == last
    ])  # fmt: skip


def published_id(protocol: str) -> str:
    """The id without the mark of a network that was optimised, where the paper measures by that network: its encoders
    learn by LPIPS too."""
    plain = protocol.removesuffix(" (optimised)")
    theirs = {figure.protocol for figures in PUBLISHED["ssg.t2"].values() for figure in figures}
    return plain if plain in theirs else protocol


def column(metric: str, protocol: str) -> str:
    """What a measure is called: a perceptual distance LPIPS only where it is one.

    >>> column("perceptual", "lpips-vgg-v0.1@256"), column("perceptual", "portraits-features@64")
    ('LPIPS', 'perceptual distance')
    """
    return "LPIPS" if protocol.startswith("lpips") else COLUMNS[unmarked(metric)]


PART = PaperPart("ssg.t2", "Reconstruction by the encoder", "Shi et al. 2022, table 2", named(*ROWS), make)
