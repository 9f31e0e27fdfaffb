"""``python -m tests.fuzz.kills --training 50 --folders 20``: SIGKILL at random moments, and what is left then.

A killed run resumes and ends with the bits of one that was not; whatever has its final name is whole; the user's own
files are as they were; and the same command, given again, does all that was asked for.
"""

import argparse
import io
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file

from semedit.cli.main import run
from semedit.domains.portraits.domain import PORTRAITS
from semedit.storage.tensors import read_tensors
from semedit.training.engine.state import STATE
from semedit.training.gan.recipes import recipe
from semedit.training.gan.trainer import train
from tests.fuzz.judge import fingerprints
from tests.fuzz.world import MODEL, World, build

TINY = recipe("portraits-tiny").replace(images=128, monitor_every=12, metric_samples=0, sheet_every=8)


def forked(act: Callable[[], object], wait: float | None = None) -> int | None:
    """Do something in a process of its own; killed after ``wait`` seconds, if it has not ended by then (None)."""
    child = os.fork()
    if not child:
        code = 70
        try:
            torch.set_num_threads(1)
            with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
                found = act()
            code = found if isinstance(found, int) else 0
        finally:
            os._exit(code)
    end = time.monotonic() + (3600 if wait is None else wait)
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def halves(root: Path) -> list[str]:
    """Files below ``root`` that have their final name and are not whole."""
    found = []
    for path in sorted(root.rglob("*")):
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(root).parts):
            continue
        try:
            if path.suffix == ".png":
                Image.open(io.BytesIO(path.read_bytes())).load()
            elif path.suffix == ".safetensors":
                read_tensors(path, "a result")
            elif path.suffix == ".json":
                json.loads(path.read_text())
        except Exception as error:  # whatever it is: the file is not whole
            found.append(f"{path}: {error}")
    return found


Said = Callable[[str], None]


def kill_training(root: Path, kills: int, seed: int = 0, say: Said = lambda _: None) -> list[str]:
    """Kill tiny runs ``kills`` times in all; what was wrong afterwards."""
    rng, faults = random.Random(seed), []

    def go(folder: Path) -> Callable[[], object]:
        return lambda: train(TINY, folder, domain=PORTRAITS) and 0

    began = time.monotonic()
    assert forked(go(root / "unbroken")) == 0
    whole, length = load_file(root / "unbroken" / STATE), time.monotonic() - began
    done, number = 0, 0
    while done < kills:
        number, ended = number + 1, None
        folder = root / f"run{number}"
        while done < kills and ended is None:
            ended = forked(go(folder), rng.random() * length)
            done += ended is None
            faults += halves(folder)
            say(f"{done} kills of training, {len(faults)} faults")
        if ended is None:
            ended = forked(go(folder))
        if ended != 0:
            faults.append(f"{folder}: a resumed run ended with {ended}")
            continue
        resumed = load_file(folder / STATE)
        if resumed.keys() != whole.keys() or not all(torch.equal(resumed[name], whole[name]) for name in whole):
            faults.append(f"{folder}: a resumed run ended with other bits than the unbroken one")
    return faults


def kill_folders(world: World, kills: int, seed: int = 0, pictures: int = 5, say: Said = lambda _: None) -> list[str]:
    """Kill ``invert`` and ``edit`` of folders ``kills`` times in all; what was wrong afterwards."""
    rng, faults, inputs = random.Random(seed), [], world.user / "many"
    inputs.mkdir()
    for index in range(pictures):
        (inputs / f"p{index}.png").write_bytes(world.picture.read_bytes() + bytes([index]))
    before, length = fingerprints(world.root, world.out), {"invert": 2.0, "edit": 2.0}
    invert = ["invert", str(inputs), "--method", "optimize", "--steps", "3", "--batch", "2", "--model", MODEL, "--json"]
    done = 0
    while done < kills:
        out = world.out / f"o{done}"
        edit = ["edit", str(out), "--attr", "smile", "--model", MODEL, "--out", str(out), "--json"]
        commands = {"invert": [*invert, "--out", str(out)], "edit": edit}
        for name, line in commands.items():
            for _ in range(rng.randrange(1, 4)):
                done += forked(lambda line=line: run(line), rng.random() * length[name]) is None
                faults += halves(out) if out.exists() else []
                say(f"{done} kills of folders, {len(faults)} faults")
            began = time.monotonic()
            if (code := forked(lambda line=line: run(line))) != 0:
                faults.append(f"{out}: {name}, given again, ended with {code}")
            length[name] = time.monotonic() - began
        if left := sorted(out.rglob(".*.tmp")):
            faults.append(f"{left[0]}: left behind by a killed run")
        for index in range(pictures):
            own = list(out.glob(f"p{index}*"))
            edits = [path for folder in own for path in folder.glob("edits/*")]
            whole = [(folder / "latent.safetensors").exists() for folder in (*own, *edits)]
            if len(own) != 1 or len(edits) != 1 or not all(whole):
                faults.append(f"{out}: p{index} has {len(own)} folders and {len(edits)} edits")
    if changed := sorted({*before.items()} ^ {*fingerprints(world.root, world.out).items()}):
        faults.append(f"touched {changed[0][0]}")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.kills", description=__doc__)
    parser.add_argument("--training", type=int, default=50)
    parser.add_argument("--folders", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    asked, began = parser.parse_args(), time.monotonic()

    def say(text: str) -> None:
        print(text, file=sys.stderr)  # noqa: T201

    with tempfile.TemporaryDirectory() as folder:
        faults = kill_training(Path(folder) / "runs", asked.training, asked.seed, say) if asked.training else []
        if asked.folders:
            faults += kill_folders(build(Path(folder) / "world"), asked.folders, asked.seed, say=say)
    print("\n".join(faults))  # noqa: T201
    kills = f"{asked.training} of training, {asked.folders} or more of folders"
    print(f"{kills}: {len(faults)} faults, {time.monotonic() - began:.0f} s")  # noqa: T201
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
