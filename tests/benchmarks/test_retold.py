"""Documents show what a report holds, and go on showing it when the report is gone."""

import re
import shutil

import numpy as np
import pytest
from PIL import Image

from benchmarks import retold
from benchmarks.exact import ExactCurve
from benchmarks.measured import insert, write
from benchmarks.paper import Measure, PaperPart, Setting, run
from benchmarks.paper.part import Made, named
from benchmarks.paper.parts.curves import stored
from benchmarks.paper.tables import figures_of, number
from semedit.domains.portraits.domain import PORTRAITS
from semedit.errors import ConfigError
from tests.benchmarks.paper_models import TINY, tiny_model
from tests.benchmarks.test_editing import FREE, MASKED
from tests.benchmarks.test_measured import TINY as ENTRY

GENERATORS = retold.GENERATORS


def figure(row, column, value, protocol="p", **rest):
    return Measure(row=row, column=column, value=value, protocol=protocol, n=1200, **rest)


def preserved(variant, value):
    by = "1 - l1[0,1]@16, 8 bit, at a mean gain of 0.40 by judge"
    return figure(f"smile: {GENERATORS[0]} + interfacegan, {variant}", retold.AT_GAIN, value, by,
                  low=value - 0.01, high=value + 0.01)  # fmt: skip


def exact(question):
    ones = {name: np.ones(4) for name in ("gain", "inside", "outside", "identity", "perceptual", "distance")}
    above = {name: np.outer([0.4, 0.8], value) for name, value in ones.items()}
    return ExactCurve(question, "rows", (0.5, 1.0), above, ones, dict.fromkeys(ones, "law")).to_json()


def part(id, measures, series):
    return PaperPart(id, "A part", "nobody", named("unit"), lambda *_: Made(measures, series=series))


CURVES = {"generator": GENERATORS[0], "curves": [stored(MASKED), stored(FREE)]}
PARTS = (
    part("ssg.t1", [figure(GENERATORS[0], "FD", 0.5, "fd (optimised)"), figure(GENERATORS[0], "FD", 0.25, "fd-judge"),
                    figure(GENERATORS[1], "FD", 0.75, "fd-judge")], {}),
    part("ssg.t2", [figure(GENERATORS[0], "ID", 0.625, "id (optimised)")], {}),
    part("ssg.f10", [*(preserved(v, 0.96 + i / 100) for i, v in enumerate(retold.VARIANTS)),
                     figure("smile, ten strengths: a", "score gain", 0.123456, "hidden", detail=True)], CURVES),
    part("ssg.x2", [figure("hair: rows", "greatest gain", 0.8, "law")],
         {"generator": GENERATORS[0], "curves": [exact("hair"), exact("nose")]}),
)  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    model = tiny_model(tmp_path_factory.mktemp("tiny"), PORTRAITS)
    folder = tmp_path_factory.mktemp("report")
    run(Setting(model, folder, TINY), PARTS)
    return folder


def test_every_table_is_on_the_page_with_interval_n_and_protocol(report):
    excerpt = retold.Excerpt.of_report(report)
    text = "\n".join(excerpt.page())
    for cell in excerpt.cells:
        assert figures_of(cell)[1] in text and f"`{cell.protocol}`" in text and "(n 1,200)" in text
    assert number(0.123456) not in text and "hidden" not in text  # what is behind a plot stays there
    assert retold.COMMAND in text and all(f"### {one.id}: " in text for one in PARTS)


def test_the_short_table_has_the_judges_figures_and_says_where_there_is_none(report):
    text = retold.Excerpt.of_report(report).summary()
    assert "| Frechet distance of samples to the data | 0.250 | 0.750 | 1,200 |" in text
    assert "| the same: identity (optimised) | 0.625 | - | 1,200 |" in text and "MSE" not in text
    kept = [f"{value:.4f} [{value - 0.01:.4f}, {value + 0.01:.4f}] at 0.40" for value in (0.96, 0.97, 0.98)]
    assert f"| smile | {' | '.join(kept)} |" in text


def test_documents_keep_what_they_show_of_a_report(report, tmp_path):
    folder, out, readme = tmp_path / "copy", tmp_path / "docs" / "measured.md", tmp_path / "README.md"
    shutil.copytree(report, folder)
    readme.write_text("<!-- measured -->\n<!-- end -->\nbetween\n<!-- report -->\nstale\n<!-- end -->\nafter\n")
    write([ENTRY], out, readme, folder)
    page, said = out.read_text(), readme.read_text()
    assert "stale" not in said and "(docs/measured.md#the-papers-retold)" in said and said.endswith("after\n")
    shutil.rmtree(folder)
    write([ENTRY], out, readme)
    assert (out.read_text(), readme.read_text()) == (page, said)
    for name in re.findall(r"^!\[[^]]+\]\((.+)\)$", said, re.M):
        path = tmp_path / name
        with Image.open(path) as plot:
            assert min(plot.size) > 300 and len(plot.getcolors()) > 8
        assert path.stat().st_size < 150_000
    assert said.count("![") == 2 and insert(said, "report", "new").count("new") == 1


def test_a_report_of_some_parts_takes_the_place_of_these_alone(report, tmp_path):
    model = tiny_model(tmp_path / "tiny", PORTRAITS)
    anew = [part("ssg.t2", [figure(GENERATORS[0], "ID", 0.75, "id (optimised)")], {}),
            part("sf.x1", [figure("hair", "saved", 0.0625, "less")], {})]  # fmt: skip
    run(Setting(model, tmp_path / "later", TINY), anew)
    out, readme = tmp_path / "docs" / "measured.md", tmp_path / "README.md"
    readme.write_text("<!-- measured -->\n<!-- end -->\n<!-- report -->\n<!-- end -->\n")
    write([ENTRY], out, readme, report)
    page, said = out.read_text(), readme.read_text()
    write([ENTRY], out, readme, tmp_path / "later")
    joined = out.read_text()
    assert "0.625" in page and "0.625" not in joined and "0.750" in joined and "0.0625" in joined
    assert f"Measured later: `{retold.COMMAND} --only sf.x1`" in joined and "later" not in page
    assert readme.read_text() == said.replace("0.625", "0.750")
    untouched = joined[joined.index("### ssg.f10") :].partition("### sf.x1")[0]
    assert untouched.strip() in page and joined.count("### ") == page.count("### ") + 1
    write([ENTRY], out)
    assert out.read_text() == joined
    other = TINY.replace(edits=TINY.edits + 1)
    run(Setting(model, tmp_path / "other", other), anew)
    with pytest.raises(ConfigError, match="the same budget"):
        write([ENTRY], out, report=tmp_path / "other")
    before = {name: (out.parent / name).stat().st_mtime_ns for name in retold.PLOTS}
    run(Setting(model, tmp_path / "plotted", TINY), PARTS[2:3])  # one of the two plots
    write([ENTRY], out, readme, tmp_path / "plotted")
    drawn = [name for name, then in before.items() if (out.parent / name).stat().st_mtime_ns != then]
    assert drawn == [retold.CURVES] and out.read_text().partition("### ssg.f10")[0] in joined
    write([ENTRY], out, readme, report)
    assert readme.read_text() == said and "### sf.x1" in out.read_text()


def test_what_is_no_finished_report_is_refused(report, tmp_path):
    with pytest.raises(ConfigError, match=r"rows\.json"):
        write([ENTRY], tmp_path / "measured.md", report=tmp_path)
    for name in ("rows.json", "manifest.json"):
        shutil.copy(report / name, tmp_path)
    with pytest.raises(ConfigError, match=r"ssg\.f10 or ssg\.x2 has not run"):
        write([ENTRY], tmp_path / "measured.md", report=tmp_path)
    assert not (tmp_path / "measured.md").exists()
