"""How quickly the command line answers: what it imports, in a process of its own."""

import json
import subprocess
import sys

import pytest

CODE = """
import contextlib, io, json, resource, sys
from semedit.cli.main import run
out, err = io.StringIO(), io.StringIO()
with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
    code = run(json.loads(sys.argv[1]))
usage = resource.getrusage(resource.RUSAGE_SELF)
shown = {"code": code, "seconds": usage.ru_utime + usage.ru_stime, "out": out.getvalue(), "err": err.getvalue()}
modules = {name.split(".")[0] for name in sys.modules} | {"torch._dynamo"} & set(sys.modules)
print(json.dumps({**shown, "modules": sorted(modules)}))
"""


def started(*arguments):
    done = subprocess.run([sys.executable, "-c", CODE, json.dumps(arguments)], capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("words, code", [
    ("--help", 0), ("edit --help", 0), ("invert --help", 0), ("fit --help", 0), ("bench --help", 0),
    ("edit --attr smile --text x", 2), ("edit --attr smile=much", 2), ("edit x --mean", 2), ("edit nowhere.png", 2),
    ("edit --mean --model nobody", 2), ("invert nowhere.png", 2), ("sample --model nobody", 2), ("sample --count 0", 2),
    ("sample --precision fp8", 2), ("sample --psi nan", 2), ("interpolate --psi inf", 2),
    ("interpolate nowhere.safetensors", 2), ("components --model nobody", 2), ("mix --model nowhere.pt", 2),
    ("compose nowhere.png", 2), ("transfers nowhere.png neither.png", 2), ("undo nowhere.safetensors", 2),
    ("invert setup.cfg --target-id nan", 2), ("adapt --model nobody --style cel", 2), ("adapt", 2),
    ("train nothing", 2), ("train portraits-tiny --data nowhere", 2), ("train portraits-tiny --label-map no.yaml", 2),
    ("train portraits-128 --start nobody", 2), ("adapt --style oil", 2), ("adapt --data nowhere", 2),
    ("draw --style oil", 2), ("data prepare other .", 2), ("data prepare celebamask nowhere --out x", 2),
    ("data scan nowhere", 2), ("data scan . --domain trees", 2), ("data scan . --label-map nowhere.yaml", 2),
    ("models list", 0), ("models info nobody", 2), ("models verify nobody", 2), ("models add x --file nowhere.pt", 2),
    ("models convert nowhere.pt x.pt", 2), ("fit directions --model nobody", 2), ("bench editing --model=nobody", 2),
])  # fmt: skip
def test_help_and_mistakes_are_answered_without_torch(words, code):
    found = started(*words.split())
    assert found["code"] == code and not {"torch", "scipy", "torchvision"} & set(found["modules"])
    assert found["seconds"] < 1.0  # processor time; half of it on an idle machine
    assert found["out"] if code == 0 else found["err"]


def test_a_list_of_commands_says_what_each_does():
    shown = started("fit", "--help")["out"]
    for name in ("directions", "flow", "calibration", "attributes", "features", "identity", "encoder", "clip"):
        assert name in shown
    assert "Learn" in shown


def test_an_attributes_edit_opens_no_flow_text_or_official_network_and_no_compiler(tmp_path):
    """torch._dynamo, a second of imports, comes with the first product or quotient of tensors without memory."""
    found = started("edit", "--mean", "--attr", "smile", "--out", str(tmp_path))
    others = {"scipy", "sklearn", "torchdiffeq", "open_clip", "lpips", "torchvision", "timm", "torch._dynamo"}
    assert found["code"] == 0 and not others & set(found["modules"])
