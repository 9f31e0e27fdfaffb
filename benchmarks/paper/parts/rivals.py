"""The places of StyleFusion's and Editing in Style's tables and figures."""

from collections.abc import Callable, Sequence

from benchmarks.paper.cells import Absent
from benchmarks.paper.part import PaperPart, named, not_run
from benchmarks.paper.published import PUBLISHED
from benchmarks.paper.setting import Setting


def _fusion(setting: Setting) -> Absent:
    return Absent(
        f"StyleFusion needs a StyleGAN2 of {setting.model.domain.name} and a FusionNet for each of its regions",
        f"{setting.command()} --rival STYLEGAN2",
    )


def _catalogue(setting: Setting) -> Absent:
    return Absent(
        f"Editing in Style needs a StyleGAN2 of {setting.model.domain.name} and a catalogue of its clusters",
        f"{setting.command()} --rival STYLEGAN2",
    )


def _place(id: str, title: str, source: str, names: Sequence[str], reason: Callable[[Setting], Absent]) -> PaperPart:
    return PaperPart(id, title, source, named(*names), not_run(reason))


FUSION_FIGURES = {
    7: "Local control of faces", 8: "Local control of cars", 9: "Heat maps of local changes",
    10: "Heat maps of local changes of one picture", 11: "Coarse control", 12: "Coarse control of churches",
    13: "Latent editing with and without StyleFusion", 14: "Local feature transfer", 15: "Hair transfer",
    16: "Ablation", 17: "Limitations",
}  # fmt: skip
CATALOGUE_FIGURES = {
    1: "Parts transferred from references", 2: "Clusters of activations", 3: "The edit is localised by conditioning",
    4: "Blending methods compared", 5: "Blending methods compared on faces", 6: "StyleGAN2 outputs",
    7: "Heat maps of error, in and out of the part",
}  # fmt: skip
FUSION, CATALOGUE = "Kafri et al. 2021", "Collins et al. 2020"

PARTS = (
    _place("sf.t1", "Quality of images with one region of another code", f"{FUSION}, table 1",
           tuple(PUBLISHED["sf.t1"]), _fusion),
    *(_place(f"sf.f{n}", title, f"{FUSION}, figure {n}", ("pictures",), _fusion)
      for n, title in FUSION_FIGURES.items()),
    _place("eis.t1", "Quality of edited images", f"{CATALOGUE}, table 1", tuple(PUBLISHED["eis.t1"]), _catalogue),
    *(_place(f"eis.f{n}", title, f"{CATALOGUE}, figure {n}", ("pictures",), _catalogue)
      for n, title in CATALOGUE_FIGURES.items()),
)  # fmt: skip
