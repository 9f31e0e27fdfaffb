"""SemanticStyleGAN's appendix A.3: the time of a forward pass, local generators looped and batched."""

import platform

import torch

from benchmarks.paper.cells import Absent, Measure
from benchmarks.paper.part import Made, PaperPart, named
from benchmarks.paper.setting import Progress, Setting
from benchmarks.speed import generator as forwards

UNIT = "SemanticStyleGAN"


def make(setting: Setting, _name: str, progress: Progress) -> Made:
    """The official sizes with random weights, whose time is that of trained ones; the textbook's forward loops."""
    size, runs = setting.budget.timed_size, setting.budget.timed
    row = forwards.compare(forwards.random_generator(size), 1, "fp32", runs)
    progress(1, 1)
    device = f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
    protocol = f"s/picture@{size}, {device}, batch 1, fp32, median of {runs}"
    return Made([
        Measure(row="looped local generators", column="seconds", value=row.textbook_seconds, protocol=protocol, n=runs),
        Measure(row="batched local generators", column="seconds", value=row.seconds, protocol=protocol, n=runs),
        Measure(row="batched local generators", column="times as fast", value=row.value, low=row.ratio_low,
                high=row.ratio_high, protocol=f"{row.protocol}, range of the runs", n=runs),
    ])  # fmt: skip


def elsewhere(_setting: Setting) -> Absent:
    return Absent("the paper's time is that of one Tesla V100, and this is another device")


PART = PaperPart(
    "ssg.a3", "Time of a forward pass", "Shi et al. 2022, appendix A.3", named(UNIT), make, None, elsewhere
)
