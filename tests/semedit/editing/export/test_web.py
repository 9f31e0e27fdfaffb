"""The page of an exported model: what is in its folder, and what it does in a browser."""

import base64
import json
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from directions import DirectionLibrary, InterFaceGAN
from semedit.domains import domain
from semedit.editing.export import export_page, find_runtime, part_of
from semedit.editing.export.runtime import missing_packages
from semedit.editing.export.web import PAGE, RUNTIME, description
from semedit.editing.model import Model
from semedit.errors import MissingWeights
from semedit.pictures.provenance import EDIT, read_mark
from semedit.pictures.tensors import to_bytes
from tests.browser import opened_browser, skip_without_browser
from tests.cli.conftest import refuse

ROOT = Path(__file__).parents[4]
#: How long the page may take for something, in ms: the machine may be busy.
PATIENCE = 120_000
absent = missing_packages()
needs_onnx = pytest.mark.skipif(bool(absent), reason=f"not installed (extra 'onnx'): {', '.join(absent)}")


def runtime_here() -> Path | None:
    """onnxruntime-web's files, where they are installed for the tests."""
    try:
        return find_runtime(ROOT)
    except MissingWeights:
        return None


@pytest.fixture(scope="module")
def model(small) -> Model:
    """A small model with two directions, of which one is its own in the rows of a region."""
    made, random = Model(small, domain("portraits"), "small"), np.random.default_rng(0)
    codes = random.normal(size=(200, small.config.style_dim)).astype(np.float32)
    whole = InterFaceGAN("smile", regions="all").fit(codes, codes[:, 0])
    local = InterFaceGAN("bald", regions=small.regions.names[1]).fit(codes, codes[:, 1])
    made._editors["interfacegan"] = DirectionLibrary({"smile": whole, "bald": local}, small.fingerprint)
    return made


@pytest.fixture
def stand_in(tmp_path) -> Path:
    """A folder of onnxruntime-web whose files are empty."""
    folder = tmp_path / "node_modules" / "onnxruntime-web" / "dist"
    folder.mkdir(parents=True)
    for name in RUNTIME:
        (folder / name).write_bytes(b"")
    return tmp_path


def test_a_sliders_steps_are_the_edit(model):
    """Base code and steps times strength give what the editor gives, row by row."""
    latent, found = model.sample(1, seed=3).wplus(), description(model)
    for attribute in found["attributes"]:
        codes = latent.data[0].clone()
        for step in attribute["steps"]:
            codes[step["rows"]] += 0.7 * torch.tensor(step["move"])
        expected = model.edit(latent, attribute["name"], 0.7).data[0]
        torch.testing.assert_close(codes, expected, atol=1e-4, rtol=1e-4)
    rows = {row for step in found["attributes"][1]["steps"] for row in step["rows"]}
    assert rows == set(latent.rows(model.generator.regions.names[1]))


@needs_onnx
def test_a_page_is_whole_and_fetches_nothing_from_elsewhere(model, stand_in, tmp_path):
    page = export_page(model, tmp_path / "site", stand_in)
    root = page.folder
    assert {path.name for path in root.iterdir() if path.name[0] != "."} == {
        *PAGE, "ort", "model.json", "mapping.onnx", "generator.onnx"
    }  # fmt: skip
    assert {path.name for path in (root / "ort").iterdir() if path.name[0] != "."} == set(RUNTIME)
    texts = "".join((root / name).read_text() for name in PAGE)
    assert not re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", re.sub(r"(?m)^\s*//.*$", "", texts))
    used = set(re.findall(r'\$\("([a-z]+)"\)', texts))
    assert used <= set(re.findall(r'id="([a-z]+)"', (root / "index.html").read_text()))
    named = json.loads((root / "model.json").read_text())
    assert set(re.findall(r"\bmodel\.([a-z_]+)\b", texts)) - {"json"} <= set(named)


def test_where_the_runtime_is_not_found_its_command_is_named(stand_in, tmp_path, capsys, monkeypatch):
    assert find_runtime(stand_in) == find_runtime(stand_in / "node_modules" / "onnxruntime-web" / "dist")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingWeights, match="npm install onnxruntime-web"):
        find_runtime(tmp_path / "empty")
    monkeypatch.setattr("semedit.editing.export.runtime.missing_packages", list)
    command = ["models", "export", "portraits", "--format", "web", "--runtime", str(tmp_path / "empty")]
    refuse(capsys, command, "onnxruntime-web", "--runtime")
    refuse(capsys, [*command[:5], "--part", "mapping"], "--part")
    refuse(capsys, [*command[:3], "--format", "onnx", *command[5:]], "--runtime")


@contextmanager
def served(folder: Path):
    """The address of a folder, handed out on this machine alone."""
    command = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            port = re.search(r"port (\d+)", server.stdout.readline()).group(1)
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()


@needs_onnx
@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.skipif(not runtime_here(), reason="no onnxruntime-web here (npm install onnxruntime-web)")
def test_in_a_browser_sliders_edit_as_torch_does(model, tmp_path):
    """The page's picture at a slider's place is torch's; a download says where it comes from; nothing else is asked."""
    skip_without_browser()
    folder = export_page(model, tmp_path / "site", runtime_here()).folder
    width, requests = model.generator.config.style_dim, []
    with served(folder) as address, opened_browser() as browser:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: requests.append(request.url))
        page.goto(address)
        page.wait_for_function("document.body?.dataset.pictures === '1'")
        page.locator("#attribute-smile").evaluate("s => { s.value = 1; s.dispatchEvent(new Event('input')) }")
        page.wait_for_function("document.body.dataset.pictures === '2'")
        pixels = "document.getElementById('picture').getContext('2d').getImageData(0, 0, 32, 32).data"
        shown = torch.tensor(page.evaluate(f"Array.from({pixels})")).view(32, 32, 4)[..., :3].permute(2, 0, 1)
        z = page.evaluate(f"import('./random.js').then(m => Array.from(m.drawNormal(7, {width})))")
        png = page.evaluate(
            "(async () => { const blob = await new Promise(d => document.getElementById('picture').toBlob(d));"
            " const {markedPng} = await import('./mark.js'); const {marks} = await (await fetch('model.json')).json();"
            " const bytes = markedPng(new Uint8Array(await blob.arrayBuffer()), marks.key, marks.edit);"
            " return btoa(String.fromCharCode(...bytes)) })()"
        )
    (w,) = part_of(model, "mapping").run(torch.tensor([z]))
    mean = model.generator.mean_w()
    code = model.generator.latent(mean + 0.7 * (w - mean))
    expected = to_bytes(model.synthesise(model.edit(code, "smile", 1.0)).image[0]).int()
    assert (shown - expected).abs().max() <= 1
    (tmp_path / "picture.png").write_bytes(base64.b64decode(png))
    mark = read_mark(tmp_path / "picture.png")
    assert mark is not None and (mark.source, mark.model) == (EDIT, "small")
    assert np.array(Image.open(tmp_path / "picture.png").convert("RGB")).shape == (32, 32, 3)
    assert requests and all(one.startswith((address, "data:", "blob:", "about:")) for one in requests)


def test_seeds_draw_normal_numbers(model):
    """The page's draws are standard normal, the same for a seed, others for another."""
    if not shutil.which("node"):
        pytest.skip("no node here, which runs the page's code without a browser")
    place = ROOT / "semedit" / "editing" / "export" / "page" / "random.js"
    code = f"import {{drawNormal as d}} from {json.dumps(place.as_uri())};" \
           "console.log(JSON.stringify([d(1, 20001), d(1, 20001), d(2, 20001)].map(a => Array.from(a))))"  # fmt: skip
    shown = subprocess.run(["node", "--input-type=module", "-e", code], capture_output=True, text=True, check=True)
    first, again, other = (torch.tensor(numbers) for numbers in json.loads(shown.stdout))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert abs(first.mean()) < 0.03 and abs(first.std() - 1) < 0.03
    assert abs(torch.corrcoef(torch.stack([first[:-1], first[1:]]))[0, 1]) < 0.03
    assert abs(torch.corrcoef(torch.stack([first, other]))[0, 1]) < 0.03
