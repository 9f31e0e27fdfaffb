"""StyleFusion and Editing in Style in the report: measured where a StyleGAN2 has learnt them, said where not."""

import dataclasses
import math
import shutil

import numpy as np
import pytest
import torch

from baselines.editing_in_style import Catalogue
from baselines.stylefusion import FILE, TREES, FusionNet, Hierarchy, StoredFusion, load_fusion, save_fusion
from baselines.stylefusion.recipes import FACE_PARTS, TINY
from benchmarks.paper import PARTS, Rival, Setting, chosen, run
from benchmarks.paper.cells import Absent
from directions import Calibration, DirectionLibrary, FlowLibrary, FlowTraining, InterFaceGAN, Study
from encoders.backbone import EncoderConfig, ResidualEncoder
from encoders.checkpoint import save_encoder
from encoders.stored import StoredEncoder
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.model import Model
from semedit.errors import ConfigError
from tests.benchmarks.paper_models import TINY as LEAST
from tests.benchmarks.paper_models import tiny_model

#: Parts that are of other kinds of picture, or that need nets of other trainings.
ELSEWHERE = {"sf.f8", "sf.f12", "sf.f16", "eis.f4"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny"), PORTRAITS)


def fitted(folder, generator):
    """An encoder, directions and a flow of random codes, in files; those of the editors by method."""
    dim, names = generator.config.style_dim, ("smile", "bald", "beard", "bangs")
    codes = np.random.default_rng(0).normal(size=(200, dim)).astype(np.float32)
    known = Calibration("all", 1.0, 1.0, Study(8, 1.0, 0.1, 1.0, 0.1, {}, "all", 1.0, ()))
    made = {name: InterFaceGAN(name, chosen=0.2).fit(codes, codes[:, i]).calibrated(known)
            for i, name in enumerate(names)}  # fmt: skip
    DirectionLibrary(made, generator.fingerprint).save(folder / "directions.safetensors")
    flow = FlowLibrary(names, generator.fingerprint, training=FlowTraining(epochs=1, batch=64))
    flow.fit(torch.from_numpy(codes), torch.from_numpy(codes[:, : len(names)]))
    for name in names:
        flow.record(name, known)
    flow.save(folder / "flow.safetensors")
    torch.manual_seed(1)
    sizes = EncoderConfig(size=32, rows=generator.layout.rows, style_dim=dim, widths=(16, 32), units=(1, 1))
    encoder = ResidualEncoder(sizes).eval()
    save_encoder(folder / "encoder.safetensors", StoredEncoder(encoder, generator.mean_w(), ""))
    return {"interfacegan": folder / "directions.safetensors", "styleflow": folder / "flow.safetensors"}


@pytest.fixture(scope="module")
def style(stylegan2, tmp_path_factory):
    """A small StyleGAN2 with the five nets of faces, a catalogue, an encoder and editors, all random."""
    folder = tmp_path_factory.mktemp("style")
    torch.manual_seed(0)
    hierarchy = Hierarchy.of("faces", {name: FusionNet(TINY.net) for name in TREES["faces"]})
    save_fusion(folder / FILE, StoredFusion(hierarchy, FACE_PARTS, fingerprint=stylegan2.fingerprint))
    labels = {"hair": [0], "mouth": [1], "eyes": [2], "nose": [3], "background": [4]}
    layers = [torch.rand(len(labels), width) for width in stylegan2.config.conv_widths]
    about = {"size": 16}
    Catalogue(torch.eye(5, 8), labels, layers, about=about).save(folder / "catalogue.safetensors")
    files = fitted(folder, stylegan2)
    files |= {"stylefusion": folder / FILE, "editing-in-style": folder / "catalogue.safetensors"}
    return Model(stylegan2, PORTRAITS, "style", None, "fp32", folder / "encoder.safetensors", files)


def cells_of(sections):
    return [cell for section in sections for unit in section.units for cell in unit.cells]


def test_all_places_are_filled_where_a_stylegan2_has_learnt_both(model, style, tmp_path):
    setting = Setting(model, tmp_path, LEAST, None, {"stylegan2": Rival(style, Absent(""))})
    sections = run(setting, chosen(PARTS, ("sf", "eis")))
    ran = {section.part.id for section in sections if any(unit.ran for unit in section.units)}
    assert {section.part.id for section in sections} - ran == ELSEWHERE
    cells = cells_of(sections)
    assert all(cell.reason and cell.command.startswith("semedit ") for cell in cells if cell.status == "not run")
    assert all(cell.protocol and cell.n for cell in cells if isinstance(cell.ours, float))
    own = {cell.row for cell in cells if cell.part == "sf.t1" and cell.ours is not None}
    assert own == {"StyleGAN2", "hair", "mouth", "background", "eyes"}
    rows = {cell.row for cell in cells if cell.part == "eis.t1" and cell.ours is not None}
    assert rows == {
        "StyleGAN2", "edited (eyes, nose, mouth in turn)", "feature blending at 32 px (eyes, nose, mouth in turn)"
    }  # fmt: skip
    queries = {(cell.row, cell.column, cell.protocol) for cell in cells if cell.part == "eis.f7"}
    assert {protocol.split(":")[0] for *_, protocol in queries} >= {"cielab@32", "cielab-official@32"}
    posed = {cell.row for cell in cells if cell.part == "sf.f15"}
    assert {"StyleGAN2: stylefusion", "StyleGAN2: style-mixing", "SemanticStyleGAN: rows"} <= posed
    figures = [f for s in sections for f in (*s.figures, *(f for u in s.units for f in u.figures))]
    assert all((tmp_path / figure.file).stat().st_size for figure in figures)
    again = run(setting, chosen(PARTS, ("sf", "eis")))
    assert [section.units for section in again] == [section.units for section in sections]


def test_the_rows_of_a_stylegan2_are_filled(model, style, tmp_path, tiny_clip, monkeypatch):
    """Those of SemanticStyleGAN's own tables and figures: every unit of the rival runs, and every figure is one."""
    monkeypatch.setattr("benchmarks.editing.DEGREES", (0.5, 1.0))
    monkeypatch.setattr("directions.styleclip.DOMAIN_OPTIONS", {})
    domain = dataclasses.replace(PORTRAITS, clip=lambda: tiny_clip)
    model, style = (Model(one.generator, domain, one.name, None, "fp32", one.encoder_path, one.editor_paths)
                    for one in (model, style))  # fmt: skip
    setting = Setting(model, tmp_path, LEAST, None, {"stylegan2": Rival(style, Absent(""))})
    parts = [
        dataclasses.replace(part, units=lambda s, own=part: [
            name for name in own.units(s) if part_of_rival(name) or own.id == "ssg.f16"
        ])
        for part in chosen(PARTS, ("ssg.t1", "ssg.t2", "ssg.f9", "ssg.f10", "ssg.f11", "ssg.f16"))
    ]  # fmt: skip
    sections = run(setting, parts)
    assert all(unit.ran for section in sections for unit in section.units)
    cells = [cell for cell in cells_of(sections) if cell.ours is not None]
    assert all(not isinstance(cell.ours, float) or math.isfinite(cell.ours) for cell in cells)
    shares = [cell for cell in cells if cell.part == "ssg.f10" and cell.column == "share of the change inside"]
    curves = next(section for section in sections if section.part.id == "ssg.f10")
    assert curves.figures and all((tmp_path / figure.file).exists() for figure in curves.figures)
    kept = {cell.protocol for cell in cells if cell.part == "ssg.f10" and cell.column == "preservation"}
    assert kept == {"1 - l1[0,1]@256, 8 bit"}  # the two generators are of different sizes
    assert len(shares) == 8 and all("parsed masks" in cell.protocol and 0 <= cell.ours <= 1 for cell in shares)


def part_of_rival(name):
    return "StyleGAN2" in name and "FFHQ" not in name


def test_what_is_missing_is_said_with_the_command_that_brings_it(model, style, stylegan2, tmp_path):
    bare = Model(stylegan2, PORTRAITS, "bare")
    setting = Setting(model, tmp_path / "out", LEAST, None, {"stylegan2": Rival(bare, Absent(""))})
    cells = cells_of(run(setting, chosen(PARTS, ("sf.t1", "eis.f5"))))
    said = {(cell.part, cell.command) for cell in cells if cell.status == "not run"}
    assert said == {("sf.t1", "semedit fit fusion --model bare"), ("eis.f5", "semedit fit catalog --model bare")}
    copied = shutil.copy(style.editor_paths["editing-in-style"], tmp_path / "catalogue.safetensors")
    learnt = Model(stylegan2, PORTRAITS, "bare", editor_paths={"editing-in-style": copied})
    setting = dataclasses.replace(setting, rivals={"stylegan2": Rival(learnt, Absent(""))})
    cells = cells_of(run(setting, chosen(PARTS, ("sf.t1", "eis.f5"))))  # the same report goes on
    assert {cell.part for cell in cells if cell.status == "not run"} == {"sf.t1"}
    kept = Catalogue.load(copied)
    copied.unlink()
    Catalogue(-kept.centroids, kept.annotations, kept.contributions).save(copied)
    with pytest.raises(ConfigError, match="stylegan2 differ"):
        run(setting, chosen(PARTS, ("eis.f5",)))  # what was learnt anew belongs to another report
    none = Setting(model, tmp_path / "none", LEAST, None, {"stylegan2": Rival(None, Absent("no model", "a command"))})
    cells = cells_of(run(none, chosen(PARTS, ("sf", "eis"))))
    assert all(cell.ours is None for cell in cells if not cell.row.startswith("SemanticStyleGAN"))
    assert ("no model", "a command") in {(cell.reason, cell.command) for cell in cells}


def test_nets_of_other_schedules_are_shown_beside(model, style, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    setting = Setting(model, tmp_path / "out", LEAST, None, {"stylegan2": Rival(style, Absent(""))})
    (section,) = run(setting, chosen(PARTS, ("sf.f16",)))
    wanted = {cell.command.split("--out ")[1].replace("SCHEDULE", cell.row) for cell in cells_of([section])}
    stored = load_fusion(style.editor_paths["stylefusion"])
    alone = StoredFusion(
        Hierarchy.of(TREES["faces"], {"all": stored.hierarchy.nets["all"]}), FACE_PARTS, fingerprint=stored.fingerprint
    )
    for folder in sorted(wanted)[:1]:
        (tmp_path / folder).mkdir(parents=True)
        save_fusion(tmp_path / folder / FILE, alone)
    (section,) = run(setting, chosen(PARTS, ("sf.f16",)))
    assert sum(unit.ran for unit in section.units) == 1
    shutil.rmtree(tmp_path / "semedit-runs")
