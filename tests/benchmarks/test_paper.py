"""The report of the papers: what its cells say, that it goes on after a stop, and that every part of it runs."""

import dataclasses
import json
import random
import shutil

import pytest
import torch
from PIL import Image

from baselines.stylegan2 import save_generator
from benchmarks.paper import (
    PARTS,
    STATUSES,
    Measure,
    PaperPart,
    PublishedFigure,
    Rival,
    Setting,
    chosen,
    run,
    write_report,
)
from benchmarks.paper.cells import Absent, cells_of, judged
from benchmarks.paper.manifest import MANIFEST
from benchmarks.paper.part import Made, named
from benchmarks.paper.running import ROWS
from benchmarks.paper.setting import NotThere
from benchmarks.paper.tables import DETAIL, markdown_table, tables_of
from semedit.cli.main import run as semedit
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.model import Model
from semedit.errors import ConfigError, MissingWeights, UnknownName
from semedit.storage.weights import fingerprint
from tests.baselines.networks import random_stylegan2
from tests.benchmarks.paper_models import TINY, tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny"), PORTRAITS)


def published(value=1.0, protocol="p", row="r"):
    return PublishedFigure(row=row, column="c", value=value, protocol=protocol)


def measure(value=1.0, protocol="p", row="r", **rest):
    return Measure(row=row, column="c", value=value, protocol=protocol, n=4, **rest)


@pytest.mark.parametrize("paper, ours, status", [
    (6.42, {"value": 6.4249}, "reproduced"),  # as the paper rounds it
    (6.42, {"value": 9.0, "low": 6.0, "high": 12.0}, "reproduced"),
    (6.42, {"value": 6.9}, "within tolerance"),
    (6.42, {"value": 7.2, "low": 7.1, "high": 7.3}, "differs"),
    ("yes", {"value": "yes"}, "shown"),  # by construction, not measured
])  # fmt: skip
def test_how_two_figures_stand_to_each_other(paper, ours, status):
    assert judged(published(paper), measure(**ours)) == status


def test_figures_of_two_protocols_are_never_compared():
    """Ours by another protocol stands apart, and the paper's says why it has no counterpart."""
    cells = cells_of("x", [published()], [measure(protocol="q")], Absent("other data", "command"))
    assert [(c.status, c.paper, c.ours, c.protocol) for c in cells] == [
        ("not run", 1.0, None, "p"), ("measured", None, 1.0, "q")
    ]  # fmt: skip
    assert (cells[0].reason, cells[0].command) == ("other data", "command")
    tables = tables_of([*cells, *cells_of("x", [], [measure(protocol="q (optimised)")], Absent(""))])
    assert [(t.title, t.columns) for t in tables] == [
        ("as published", (("c", "p"),)), ("", (("c", "q"),)),
        ("by networks that something learnt from", (("c", "q (optimised)"),)),
    ]  # fmt: skip


def test_rows_of_a_subject_are_a_table_and_figures_behind_plots_come_last():
    """A protocol of one subject is no empty column in the table of another."""
    rows = [("smile: all rows", "p"), ("smile, behind: all rows", "p"), ("bald: all rows", "q"), ("smile: masked", "p")]
    measures = [measure(row=row, protocol=by, low=0.5, high=1.5, detail="behind" in row) for row, by in rows]
    tables = tables_of(cells_of("x", [], measures, Absent("")))
    assert [(t.title, list(t.rows), t.columns, t.kind) for t in tables] == [
        ("smile", ["all rows", "masked"], (("c", "p"),), ""),
        ("bald", ["all rows"], (("c", "q"),), ""),
        ("smile, behind", ["all rows"], (("c", "p"),), DETAIL),
    ]
    assert tables[0].counted("masked") == "n 4"
    head, _, first, *_, protocols, _ = markdown_table(tables[0])
    assert (head, first) == (
        "| smile | c [1] |",
        "| all rows | 1.0000 [0.5000, 1.5000] (n 4) |",
    ) and protocols == "[1] `p`."


def test_parts_are_chosen_by_id_and_by_paper():
    assert [p.id for p in chosen(PARTS, ("ssg.t2", "eis"))][:2] == ["ssg.t2", "eis.t1"]
    assert chosen(PARTS, ()) == list(PARTS) and len({p.id for p in PARTS}) == len(PARTS)
    with pytest.raises(UnknownName, match=r"did you mean 'ssg.t2'"):
        chosen(PARTS, ("ssg.t22",))


class Stop(Exception):
    """A kill, for tests."""


def counted(calls):
    """A part of three units whose figures are random, but for their seed."""

    def make(setting, name, progress):
        calls.append(name)
        for step in range(4):
            progress(step, 4)
        value = torch.rand(1, generator=torch.Generator().manual_seed(len(name))).item()
        figure = setting.show("x.f1", name, torch.full((1, 3, 8, 8), value), 1, name)
        return Made([measure(value, row=name)], [figure], {"value": value})

    return PaperPart("x.f1", "A part", "nobody", named("a", "bb", "ccc"), make)


@pytest.mark.parametrize("seed", range(4))
def test_a_report_that_was_killed_goes_on_to_the_same_rows(model, tmp_path, seed):
    calls = []
    whole = Setting(model, tmp_path / "whole", TINY)
    run(whole, [counted(calls)])
    broken = Setting(model, tmp_path / "broken", TINY)
    moment, heard = random.Random(seed).randrange(1, 14), []

    def watch(*told):
        heard.append(told)
        if len(heard) == moment:
            raise Stop

    with pytest.raises(Stop):
        run(broken, [counted([])], watch)
    calls.clear()
    sections = run(broken, [counted(calls)])
    assert (tmp_path / "whole" / ROWS).read_bytes() == (tmp_path / "broken" / ROWS).read_bytes()
    assert len(calls) < 3 or moment <= 5  # what was finished is not made again
    calls.clear()
    assert [s.units for s in run(broken, [counted(calls)])] == [s.units for s in sections] and not calls


def test_what_was_missing_is_tried_again(model, tmp_path):
    there = []

    def make(setting, name, progress):
        if not there:
            raise MissingWeights("no weights; 'semedit fit x' learns them")
        return Made([measure(2.0)])

    setting, part = Setting(model, tmp_path, TINY), PaperPart("x.t1", "A part", "nobody", named("u"), make)
    (section,) = run(setting, [part])
    (cell,) = section.units[0].cells
    assert (cell.status, cell.command) == ("not run", "semedit fit x") and "no weights" in cell.reason
    there.append(True)
    (section,) = run(setting, [part])
    assert [(c.status, c.ours) for c in section.units[0].cells] == [("measured", 2.0)]
    library = model.editors()
    library.record("smile", dataclasses.replace(library["smile"].calibration_, scale=3.0))
    library.save(model.editor_paths["interfacegan"])  # what was measured of editors may join their file
    run(setting, [part])
    with pytest.raises(ConfigError, match="budget differ"):
        run(dataclasses.replace(setting, budget=TINY.replace(edits=3)), [part])


class Counted:
    """A measure of so many weights."""

    def __init__(self, weights):
        self.protocol, self.network = "counted", torch.nn.Linear(weights, 1)


def test_a_report_belongs_to_the_networks_that_measured_it(model, tmp_path):
    """A network that was not there may join, for what was missing; another one in its place may not."""

    def with_judge(load):
        domain = dataclasses.replace(model.domain, attributes_judge=load)
        own = Model(model.generator, domain, "tiny", None, "fp32", model.encoder_path, model.editor_paths)
        return Setting(own, tmp_path, TINY)

    def nobody():
        raise MissingWeights("not trained")

    one, part = Counted(3), counted([])
    run(with_judge(nobody), [part])
    assert json.loads((tmp_path / MANIFEST).read_text())["networks"]["attributes_judge"] == "not trained"
    run(with_judge(lambda: one), [part])
    kept = json.loads((tmp_path / MANIFEST).read_text())
    assert kept["networks"]["attributes_judge"] == {"protocol": "counted", "weights": fingerprint(one.network, {})}
    assert kept["networks"]["identity"]["protocol"].startswith("portraits-identity") and len(set(kept["seeds"])) > 8
    with pytest.raises(ConfigError, match="attributes_judge differ"):
        run(with_judge(lambda: Counted(4)), [part])


def test_the_whole_report(model, small, tmp_path, tiny_clip, monkeypatch):
    """Every part on random weights: all that has weights runs, the rest says what is missing."""
    monkeypatch.setattr("benchmarks.editing.DEGREES", (0.5, 1.0))
    monkeypatch.setattr("directions.styleclip.DOMAIN_OPTIONS", {})
    monkeypatch.setattr("benchmarks.speed.generator.random_generator", lambda size: small)
    own = Model(model.generator, dataclasses.replace(PORTRAITS, clip=lambda: tiny_clip), "tiny", None, "fp32",
                model.encoder_path, model.editor_paths)  # fmt: skip
    rivals = {"stylegan2": Rival(None, Absent("no StyleGAN2", "command"))}
    setting = Setting(own, tmp_path, TINY, None, rivals, Rival(own, Absent("")))
    sections = run(setting, PARTS)
    page, text = (path.read_text() for path in write_report(setting, sections))
    ran = {section.part.id for section in sections if any(unit.ran for unit in section.units)}
    ours = {part.id for part in PARTS if part.id.startswith("ssg")}
    assert ran == (ours - {"ssg.f13", "ssg.f16", "ssg.f20", "ssg.x1", "ssg.x2"}) | {"sf.f15"}
    rows = json.loads((tmp_path / ROWS).read_text())
    assert all(row["status"] in STATUSES for row in rows)
    assert all(row["reason"] for row in rows if row["status"] == "not run")
    assert all(row["n"] and row["protocol"] for row in rows if isinstance(row["ours"], float))
    figures = [f for s in sections for f in (*s.figures, *(f for u in s.units for f in u.figures))]
    assert all((tmp_path / f.file).stat().st_size and f.file in page and f.file in text for f in figures)
    # No figure of drawn pictures is compared with a paper's, not even by the same measure.
    assert {row["status"] for row in rows} == {"measured", "shown", "not run"}
    assert "mse[-1,1]@256 of drawn pictures" in {row["protocol"] for row in rows}
    assert all(f'id="{part.id}"' in page and f"## {part.id}:" in text for part in PARTS)
    curves = next(s for s in sections if s.part.id == "ssg.f10")
    assert len(curves.figures) >= 1
    # Edits of random weights may gain nothing, and are not compared then.
    assert ("more than of all rows" in page) == any("more than of all rows" in row["column"] for row in rows)
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    assert len(lines) == len(rows) + 1 and lines[0].startswith("part,row,column")


def test_directions_in_style_space(model, tmp_path):
    rival = Model(random_stylegan2(), PORTRAITS, "rival")
    setting = Setting(model, tmp_path, TINY, None, {"stylegan2": Rival(rival, Absent(""))})
    (section,) = run(setting, chosen(PARTS, ("ssg.f16",)))
    cells = [cell for unit in section.units for cell in unit.cells]
    assert {cell.column for cell in cells} == {"score gain", "share of the change inside"}
    assert all(0 <= cell.ours <= 1 for cell in cells if cell.column.startswith("share"))
    with pytest.raises(NotThere, match="no stylegan2-ffhq of portraits"):
        setting.rival("stylegan2-ffhq")


def test_whole_body_pictures(model, small, tmp_path):
    """A generator with a region table of its own is mixed by its own regions."""
    rival = Rival(Model(small, PORTRAITS, "bodies"), Absent(""))
    setting = Setting(model, tmp_path, TINY, None, {"deepfashion": rival})
    sections = run(setting, chosen(PARTS, ("ssg.f13", "ssg.f20")))
    captions = [figure.caption for section in sections for unit in section.units for figure in unit.figures]
    assert "region1 texture" in captions[0] and "coarse structure, region0" in captions[1]


def test_a_set_without_held_out_pictures_is_not_taken_for_one(model, tmp_path):
    """A folder that has training pictures alone lends none of them to be held out; a plain folder is taken whole."""
    setting = Setting(model, tmp_path / "out", TINY, tmp_path)
    setting.show("x", "y", torch.zeros(1, 3, 512, 512), 1, "large")
    with Image.open(tmp_path / "out" / "pictures" / "x-y.png") as shown:
        assert shown.size == (256, 256)
    for name in ("9.png", "10.png"):
        shutil.copy(tmp_path / "out" / "pictures" / "x-y.png", tmp_path / name)
    shutil.rmtree(tmp_path / "out")
    assert [path.name for path in setting.held_out(1)] == ["10.png"]
    (tmp_path / "image_train").mkdir()
    with pytest.raises(NotThere, match="image_val is missing"):
        setting.held_out(1)


def test_the_command(tmp_path, capsys):
    bare = tmp_path / "bare.safetensors"
    save_generator(bare, random_stylegan2())
    assert semedit(["bench", "paper", "--only", "eis.t1,ssg.f5", "--out", str(tmp_path), "--rival", f"stylegan2={bare}",
                    "--set", "shown=2", "--json"]) == 0  # fmt: skip
    rows = json.loads(capsys.readouterr().out)["results"]
    assert rows == json.loads((tmp_path / ROWS).read_text())
    assert {row["part"] for row in rows} == {"eis.t1", "ssg.f5"} and (tmp_path / "report.html").exists()
    said = next(row for row in rows if row["part"] == "eis.t1")
    assert said["paper"] == 4.4 and "catalogue" in said["reason"]
    assert said["command"].startswith("semedit fit catalog --model ")
    for options, word in ((["--domain", "cars"], "domain"), (["--budget", "huge"], "budget"),
                          (["--rival", "x=y"], "rival"), (["--only", "ssg.t9"], "part of the report")):  # fmt: skip
        assert semedit(["bench", "paper", *options, "--out", str(tmp_path)]) == 2
        assert f"no {word} is called" in capsys.readouterr().err
