"""The page in Debian's Chromium: what a person does there, and what the machine does meanwhile.

The server is a process of its own, as ``semedit ui`` starts it. The tests need gradio, playwright and a browser; the
browser's process and the server's talk over the loopback alone, which is checked.
"""

import json
import statistics
import time
import zipfile

import pytest
from PIL import Image

from semedit.latents.latent import Latent
from semedit.pictures.provenance import read_mark
from tests.browser import opened_browser, skip_without_browser
from tests.ui.browsing import Server, Tab, until

pytest.importorskip("gradio", reason="the page needs gradio: pip install 'semedit[ui]'")
skip_without_browser(whole_file=True)
pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("server"))
    yield running
    assert running.strangers() == []
    running.end()


@pytest.fixture(scope="module")
def browser():
    with opened_browser() as opened:
        yield opened


@pytest.fixture
def tab(browser, server):
    opened = Tab(browser, server)
    yield opened
    opened.close()


def test_a_slider_moves_the_picture_and_its_latency(tab, capsys):
    tab.random(3)
    tab.tab("Attributes")
    tab.slide("smile", 0.05)
    seconds = [tab.slide("smile", round(0.1 * step, 2)) for step in range(1, 21)]
    tab.release("smile")
    with capsys.disabled():
        print(f"\na slider's move: median of 20 {1000 * statistics.median(seconds):.0f} ms in the browser")  # noqa: T201
    shown = tab.picture()
    tab.page.click("#undo")
    tab.page.wait_for_function("b => document.querySelector('#stage .stage-now').src !== b", arg=shown)
    assert tab.page.locator("#slider-smile input[type=number]").input_value() == "0"
    tab.page.click("#redo")
    tab.page.wait_for_function("b => document.querySelector('#stage .stage-now').src === b", arg=shown)
    assert tab.page.locator("#slider-smile input[type=number]").input_value() == "2"


def test_a_slider_is_moved_by_keys_too(tab):
    tab.random(3)
    tab.tab("Attributes")
    tab.page.locator("#slider-smile input[type=range]").focus()
    tab.page.keyboard.press("ArrowRight")
    tab.wait_for_moments(2)
    assert tab.page.locator("#slider-smile input[type=number]").input_value() == "0.05"


def test_regions_by_click_shift_and_brush_and_moving_them_by_hand(tab):
    tab.random(3)
    mouse, keys = tab.page.mouse, tab.page.keyboard
    mouse.click(*tab.place(0.5, 0.47))
    tab.wait_for_regions("skin")
    keys.down("Shift")
    mouse.click(*tab.place(0.02, 0.02))
    tab.wait_for_regions("background", "skin")
    keys.up("Shift")
    assert tab.page.locator("#stage .stage-outline").count() == 1
    mouse.click(*tab.place(0.02, 0.02))
    tab.wait_for_regions("background")
    mouse.click(*tab.place(0.02, 0.02))
    tab.wait_for_regions()
    mouse.move(*tab.place(0.5, 0.47))  # nothing is chosen: a drag brushes
    mouse.down()
    mouse.move(*tab.place(0.5, 0.75), steps=12)
    mouse.up()
    tab.page.wait_for_function("() => document.querySelectorAll('#regions input:checked').length >= 2")
    assert "skin" in tab.regions()
    tab.page.get_by_role("button", name="none", exact=True).click()
    tab.wait_for_regions()
    mouse.click(*tab.place(0.5, 0.47))
    tab.wait_for_regions("skin")
    mouse.move(*tab.place(0.5, 0.47))
    mouse.down()
    mouse.move(*tab.place(0.55, 0.47), steps=5)
    mouse.up()
    tab.wait_for_moments(2)
    mouse.wheel(0, -150)
    tab.wait_for_moments(3)
    tab.tab("Results")
    commands = tab.page.locator("#commands textarea").input_value()
    assert "--move skin=0.05,0" in commands and "--zoom skin=1.1618" in commands


def test_an_upload_is_inverted_edited_and_taken_away(tab, photo, tmp_path):
    tab.page.locator("#quick input").check()
    tab.upload(photo)
    tab.wait_for_note("inverted at")
    tab.tab("Attributes")
    tab.slide("glasses", 1)
    tab.release("glasses")
    tab.tab("Results")
    tab.page.wait_for_selector("#measures table")
    assert "glasses: score" in tab.page.locator("#measures").inner_text()
    picture = tab.download("#picture-file", tmp_path)
    latent = Latent.load(tab.download("#latent-file", tmp_path))
    assert [event["attr"] for event in latent.history] == ["glasses"] == [e["attr"] for e in read_mark(picture).history]
    tab.page.click("#paste")
    tab.page.wait_for_selector("#pasted img")
    with Image.open(tab.download("#photo-file", tmp_path)) as pasted, Image.open(photo) as before:
        assert pasted.size == before.size
    tab.page.click("#row")
    tab.page.wait_for_selector("#strengths img")
    for view in ("Before / after", "Difference", "Label map"):
        shown = tab.picture()
        tab.page.get_by_text(view, exact=True).click()
        tab.page.wait_for_function("b => document.querySelector('#stage .stage-now').src !== b || "
                                   "document.querySelector('#stage .stage-wipe')", arg=shown)  # fmt: skip


def test_words_are_searched_for_and_stopped(tab):
    tab.random(3)
    tab.page.get_by_label("hair", exact=True).check()
    tab.wait_for_regions("hair")
    tab.tab("Words")
    tab.page.locator("#words textarea, #words input").first.fill("a person with purple hair")
    tab.page.click("#search")
    tab.page.wait_for_selector("#note progress")
    tab.page.click("#stop")
    tab.wait_for_note("stopped")
    assert tab.moments() == 1
    tab.page.click("#search")
    tab.wait_for_moments(2)
    assert "purple hair" in tab.page.locator("#note").inner_text()


def test_a_part_is_taken_from_a_second_picture(tab, shipped, tmp_path):
    other = tmp_path / "other.safetensors"
    shipped.sample(1, 9).save(other)
    tab.random(3)
    tab.page.get_by_label("hair", exact=True).check()
    tab.wait_for_regions("hair")
    tab.tab("Parts")
    tab.page.set_input_files("#second input[type=file]", str(other))
    tab.wait_for_note("other", "#second")
    tab.page.click("#take")
    tab.wait_for_moments(2)
    assert "transfer" in tab.page.locator("#note").inner_text()


@pytest.mark.parametrize("name, content", [("notes.png", b"<script>alert(1)</script>"),
                                           ("cut.jpg", b"\xff\xd8\xff\xe0"),
                                           ("<img src=x onerror=document.title=1>.png", b"x")])  # fmt: skip
def test_a_hostile_upload_is_refused_in_words(tab, tmp_path, name, content):
    upload = tmp_path / name
    upload.write_bytes(content)
    tab.random(4)
    shown = tab.picture()
    tab.upload(upload)
    tab.page.wait_for_selector("#note .error")
    assert tab.page.locator("#note img").count() == 0 and tab.page.title() == "semedit"
    assert tab.picture() == shown


def test_two_tabs_do_not_mix(browser, server):
    one, other = Tab(browser, server), Tab(browser, server)
    one.random(1)
    other.random(2)
    for tab, attr in ((one, "smile"), (other, "hat")):
        tab.tab("Attributes")
        tab.slide(attr, 1)
    for tab, attr in ((one, "smile"), (other, "hat")):
        tab.release(attr)
    for tab, said, others in ((one, "seed 1. Now: smile", "hat"), (other, "seed 2. Now: hat", "smile")):
        note = tab.page.locator("#note").inner_text()
        assert said in note and others not in note
        assert tab.page.locator(f"#slider-{others} input[type=number]").input_value() == "0"
        tab.close()


def test_a_closed_tab_frees_its_work_and_its_files(browser, server):
    until(lambda: not server.folders)
    tab = Tab(browser, server)
    tab.random(3)
    tab.tab("Words")
    tab.page.locator("#words textarea, #words input").first.fill("a person with green hair")
    tab.page.click("#search")
    tab.page.wait_for_selector("#note progress")
    assert server.folders
    tab.close()
    assert until(lambda: not server.folders)
    time.sleep(1)
    used = server.seconds_at_work()
    time.sleep(3)
    assert server.seconds_at_work() - used < 1


def test_a_batch_comes_back_as_an_archive(tab, photo, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"x")
    tab.tab("Batch")
    tab.page.set_input_files("#batch-files input[type=file]", [str(photo), str(bad)])
    tab.wait_for_note("bad", "#batch-files")
    tab.page.locator("#batch-quick input").check()
    tab.page.locator("#batch-attr input").click()
    tab.page.get_by_role("option", name="smile", exact=True).click()
    tab.page.click("#batch-go")
    tab.wait_for_note("1 edited, 1 failed", "#batch-note")
    with zipfile.ZipFile(tab.download("#batch-archive", tmp_path)) as packed:
        said = json.loads(packed.read("manifest.json"))
    assert [one["input"] for one in said["done"]] == ["a photo.png"] and said["failed"][0]["input"] == "bad.png"


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_overflows(browser, server, width):
    tab = Tab(browser, server, width)
    tab.random(3)
    for name in ("Start", "Attributes", "Words", "Parts", "Place", "Results", "Batch"):
        tab.tab(name)
        tab.page.wait_for_timeout(300)
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width, name
    tab.close()
