"""The makers of hostile cases, by kind: each gives a case for a random generator."""

import argparse
import json
import os
import random
import signal
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from baselines.stylefusion.checkpoint import load_fusion_net
from baselines.stylefusion.hierarchy import Hierarchy
from directions.interfacegan.library import DirectionLibrary
from directions.styleflow.official import load_official_flow
from encoders.checkpoint import load_encoder
from encoders.pivotal_tuning import load_difference
from semedit.checkpoints import zoo
from semedit.checkpoints.native import load_discriminator
from semedit.cli.main import run
from semedit.data.label_map import LabelMap
from semedit.latents.arrays import load_arrays, save_arrays
from semedit.latents.latent import Latent
from semedit.networks.irse import IrSeFace
from semedit.pictures.reading import read_picture
from semedit.storage.ownership import claiming
from semedit.training.gan.state import read_networks
from tests.fuzz.breaking import TEXTS, broken_json, broken_tensors, mangled, picture_bytes, write_broken
from tests.fuzz.judge import Case
from tests.fuzz.world import MODEL, World

Maker = Callable[[World, random.Random], Case]
COMMON = ("--model", MODEL, "--json")


def pictures(world: World, rng: random.Random) -> Case:
    """A broken picture, read; now and then by ``invert``."""
    content, ending = picture_bytes(rng)
    content = mangled(content, rng) if rng.random() < 0.85 else content
    path = world.broken / f"p.{rng.choice((ending, ending, 'png', 'jpg', 'tif', 'gif', 'txt'))}"
    path.write_bytes(content)
    name = f"{len(content)} bytes of {ending} as {path.name}"
    if rng.random() < 0.06:
        line = ["invert", str(path), "--out", str(world.out), "--method", "optimize", "--steps", "1", *COMMON]
        return Case("pictures", f"invert {name}", lambda: run(line))
    return Case("pictures", name, lambda: read_picture(path) and None)


def safetensors(world: World, rng: random.Random) -> Case:
    """A broken native file, opened by what opens such files."""
    kind = rng.choice((*world.natives, "latent"))
    path = world.broken / f"{kind}.safetensors"
    poisoned = write_broken(world.natives[kind], path, rng)
    source = zoo.load_generator(world.natives["generator"])
    openers: dict[str, Callable[[], object]] = {
        "generator": lambda: zoo.load_generator(path),
        "latent": lambda: Latent.load(path),
        "directions": lambda: DirectionLibrary.load(path),
        "encoder": lambda: load_encoder(path),
        "difference": lambda: load_difference(path, source),
        "fusion": lambda: load_fusion_net(path),
        "discriminator": lambda: load_discriminator(path),
        "state": lambda: read_networks(path),
    }
    if kind in ("latent", "directions", "generator") and rng.random() < 0.06:
        own = {"latent": [str(path)], "directions": [str(world.natives["latent"]), "--editors", str(path)],
               "generator": ["--mean"]}[kind]  # fmt: skip
        model = str(path) if kind == "generator" else MODEL
        line = ["edit", *own, "--attr", "smile", "--model", model, "--out", str(world.out), "--json"]
        return Case("safetensors", f"edit with a broken {kind}", lambda: run(line), poisoned)
    return Case("safetensors", kind, lambda: openers[kind]() and None, poisoned)


class Payload:
    """What a pickle would do if anybody ran it."""

    def __init__(self, place: Path):
        self.place = place

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.place}",)


def _strange_pickle(path: Path, content: dict[str, Any], world: World, rng: random.Random) -> None:
    """A torch file that is no checkpoint, though it can be read."""
    loop: dict[str, Any] = {"g_ema": {}}
    loop["g_ema"]["self"] = loop
    one = dict(content)
    strange: tuple[Any, ...] = (
        [], 3, "text", {}, {1: torch.zeros(2)}, {"g_ema": []}, loop,
        {"g_ema": {1: torch.zeros(2)}, "args": argparse.Namespace()},
        {"g_ema": {"x": torch.zeros(1).expand(10**5, 10**5)}, "args": argparse.Namespace(size=2)},
        {"g_ema": {"x": torch.eye(3).to_sparse()}, "args": argparse.Namespace()}, {"g_ema": {"x": "y"}, "args": {}},
        {**one, "args": argparse.Namespace(size="big")}, {**one, "args": None},
        {**one, "more": Payload(world.user / "pwned")},
        {"state_dict": 4}, {"state_dict": {"encoder.x": torch.zeros(2)}, "latent_avg": torch.zeros(())},
    )  # fmt: skip
    torch.save(rng.choice(strange), path)


def pickles(world: World, rng: random.Random) -> Case:
    """A broken torch file, or one with code in it, opened by what opens the official formats."""
    kind, way, poisoned = rng.choice(("generator", "encoder", "flow")), rng.randrange(6), False
    path, source = world.broken / f"{kind}.pt", world.officials[kind]
    if way < 2:
        path.write_bytes(mangled(source.read_bytes(), rng))
    elif way == 2:
        content = {"generator": {"g_ema": {}, "args": {}}, "encoder": {"state_dict": {}}, "flow": {}}[kind]
        _strange_pickle(path, content, world, rng)
    elif way == 3:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", rng.choice((b"", b"\0" * 10**7, b"\x80\x02}.", rng.randbytes(99))))
    else:
        content = torch.load(source, weights_only=False)
        key = {"generator": "g_ema", "encoder": "state_dict"}.get(kind)
        state = content[key] if key else content
        changed = broken_tensors(state, rng)
        poisoned = any(not torch.isfinite(t.float()).all() for t in changed.values() if t.is_floating_point())
        torch.save({**content, key: changed} if key else changed, path)
    openers = {
        "generator": zoo.load_generator,
        "encoder": load_encoder,
        "flow": load_official_flow,
    }
    opener = openers[kind] if rng.random() < 0.9 else rng.choice((IrSeFace.load, load_fusion_net))
    return Case("pickles", f"{kind}, way {way}", lambda: opener(path) and None, poisoned)


def arrays(world: World, rng: random.Random) -> Case:
    """A broken ``.npz`` of a latent."""
    whole, path = world.out / "whole.npz", world.broken / "codes.npz"
    with claiming(world.out):
        save_arrays(whole, Latent.load(world.natives["latent"]))
    path.write_bytes(mangled(whole.read_bytes(), rng))
    if rng.random() < 0.1:
        line = ["convert", str(path), str(world.out / "converted.safetensors"), "--overwrite"]
        return Case("arrays", "convert", lambda: run(line))
    return Case("arrays", "load", lambda: load_arrays(path) and None)


def texts(world: World, rng: random.Random) -> Case:
    """Broken JSON, YAML and CSV: cards, manifests, indices, label maps, tables of scores."""
    kind = rng.choice(("card", "index", "labels", "manifest", "config"))
    folder = world.out / "text"
    folder.mkdir(exist_ok=True)
    if kind == "card":
        home = world.out / "home"
        card = json.loads((world.root / "home" / "models" / MODEL / "card.json").read_text())
        (home / "models" / "odd").mkdir(parents=True, exist_ok=True)
        (home / "models" / "odd" / "card.json").write_bytes(_text(card, rng))

        def act() -> int:
            before = os.environ["SEMEDIT_HOME"]
            os.environ["SEMEDIT_HOME"] = str(home)
            try:
                return run(rng.choice((["models", "list"], ["models", "info", "odd"], ["models", "verify", "odd"])))
            finally:
                os.environ["SEMEDIT_HOME"] = before

        return Case("texts", kind, act)
    path = folder / {"labels": "l.yaml", "manifest": "manifest.json"}.get(kind, "t.json")
    own: dict[str, Any] = {
        "index": {"all": str(world.natives["fusion"])},
        "labels": {
            "regions": ["a", "b"],
            "labels": {0: "a", 1: "b"},
            "groups": {"c": ["a"]},
            "flip_pairs": [["a", "b"]],
        },
        "manifest": {"input": "photo.png", "source_sha256": "0" * 64, "source": str(world.picture), "part": ""},
        "config": {},
    }
    path.write_bytes(_text(own[kind], rng))
    if kind == "index":
        return Case("texts", kind, lambda: Hierarchy.load("faces", path) and None)
    if kind == "labels":
        return Case("texts", kind, lambda: LabelMap.read(path) and None)
    if kind == "config":
        value = path.read_bytes().decode(errors="replace").replace("\0", "")
        name = rng.choice(("steps", "lr", "seed", "data.pool", "generator.size", "generator", "nosuch", "a.b.c", ""))
        line = ["train", "portraits-tiny", "--dry-run", "--set", f"{name}={value}"]
        return Case("texts", f"--set {name}", lambda: run(line))
    latent = folder / "latent.safetensors"
    latent.write_bytes(world.natives["latent"].read_bytes())
    line = ["edit", str(latent), "--paste-back", "--out", str(world.out), *COMMON]
    return Case("texts", kind, lambda: run(line))


def _text(data: Any, rng: random.Random) -> bytes:
    text = json.dumps(data)
    if rng.random() < 0.3:
        return mangled(text.encode(), rng)
    return json.dumps(broken_json(json.loads(text), rng)).encode()


def _lines(world: World, rng: random.Random) -> list[str]:
    """A command line that is sound but for one or two of its values."""
    out, latent, few = str(world.out / "lines"), str(world.natives["latent"]), ("--count", "2")
    out = ["--out", out]
    one = str(world.out / "lines.png")
    choices: tuple[tuple[list[str], tuple[str, ...]], ...] = (
        (["sample", *few, *out, *COMMON],
         ("--psi", "--count", "--columns", "--scale", "--sheet", "--precision", "--model", "--seed", "--device")),
        (["draw", *few, "--size", "16", *out, "--json"],
         ("--size", "--style", "--columns", "--sheet", "--seed", "--device")),
        (["interpolate", "--frames", "2", "--keys", "2", "--out", one, *COMMON],
         ("--keys", "--regions", "--frames", "--fps", "--psi", "--out", "--seed", "--scale")),
        (["components", "--out", one, *COMMON], ("--count", "--psi", "--out", "--seed", "--model")),
        (["mix", "--samples", "1", "--out", one, *COMMON], ("--samples", "--regions", "--psi", "--out", "--seed")),
        (["compose", str(world.picture), "--steps", "1", "--out", one, *COMMON], ("--at", "--latent", "--psi")),
        (["invert", str(world.picture), "--method", "optimize", "--steps", "1", *out, *COMMON],
         ("--method", "--steps", "--target-perceptual", "--target-id", "--face", "--encoder", "--batch", "--set")),
        (["edit", latent, "--attr", "smile", *out, *COMMON],
         ("--attr", "--strength", "--to", "--regions", "--preserve", "--method", "--editors", "--batch", "--from-image",
          "--photo", "--set", "--clip")),
        (["undo", latent, *out, *COMMON], ("--edits", "--model")),
        (["models", "info", MODEL, "--json"], ()), (["models", "verify", "--json"], ()),
        (["models", "add", "new", "--json"], ("--file", "--encoder", "--flow", "--domain")),
        (["models", "convert", latent, str(world.out / "c.pt")], ()),
        (["convert", latent, str(world.out / "c.npz"), "--json"], ()),
        (["models", "export", MODEL, "--runtime", "."], ("--format", "--part", "--out", "--runtime", "--runs")),
        (["data", "scan", "."], ("--label-map", "--domain", "--size")),
        (["train", "portraits-tiny", "--dry-run"], ("--start", "--images", "--seed", "--set", "--label-map")),
        (["adapt", "--style", "cel", "--model", MODEL, "--dry-run"], ("--style", "--model", "--freeze-local")),
    )  # fmt: skip
    line, options = rng.choice(choices)
    line = list(line)
    for option in rng.sample(options, min(len(options), rng.choice((1, 1, 2)))):
        text = rng.choice(TEXTS)
        line += [option, text] if rng.random() < 0.5 else [f"{option}={text}"]
    if rng.random() < 0.3:
        line.insert(rng.randrange(1, len(line) + 1), rng.choice(TEXTS))
    return line


def lines(world: World, rng: random.Random) -> Case:
    """A command line with hostile values; one that is told a number that is not finite must be refused."""
    line = _lines(world, rng)
    return Case("lines", " ".join(line), lambda: run(line))


def numbers(world: World, rng: random.Random) -> Case:
    """A command line, or a call, with NaN or infinity where a number is wanted."""
    bad, out, latent = rng.choice(("nan", "inf", "-inf", "NaN", "1e999")), str(world.out), str(world.natives["latent"])
    edit = ["edit", latent, "--out", out, *COMMON]
    chosen: list[str] = rng.choice((
        ["sample", "--count", "1", "--psi", bad, "--out", out, *COMMON],
        ["mix", "--psi", bad, "--out", f"{out}/m.png", *COMMON],
        ["interpolate", "--psi", bad, "--out", f"{out}/i.png", *COMMON],
        ["components", "--psi", bad, "--out", f"{out}/c.png", *COMMON],
        [*edit, "--strength", bad], [*edit, "--attr", f"smile={bad}"], [*edit, "--to", bad],
        [*edit, "--from-image", latent, "--regions", "hair", "--strength", bad],
        ["compose", str(world.picture), "--at", f"{bad},0", "--out", f"{out}/k.png", *COMMON],
        ["invert", str(world.picture), "--out", out, "--target-perceptual", bad, *COMMON],
        ["invert", str(world.picture), "--out", out, "--target-id", bad, *COMMON],
        ["invert", str(world.picture), "--out", out, "--method", "optimize", "--set", f"lr={bad}", *COMMON],
        ["train", "portraits-tiny", "--dry-run", "--set", f"lr={bad}"],
    ))  # fmt: skip
    return Case("numbers", " ".join(chosen), lambda: run(chosen), poisoned=True)


NAMES = (
    "...png", "..png", ".png", "photo[1].png", "a**b.png", "x[red].png", "a[b].gif", "-x.png", "--json.png", " .png",
    "a\nb.png", "é" * 100 + ".png", "x" * 251 + ".png", "manifest.json.png", "latent.safetensors.png", "mean.png",
    "\udcff\udcfe.png", "CON.png", "a:b.png", "edits.png", "💥.png", "sheet.png", "..", "a" * 120 + ".png", "photo.png",
    "photo.PNG", "\x1b[31m.png",
)  # fmt: skip


def names(world: World, rng: random.Random) -> Case:
    """A picture of an odd name, inverted and sometimes edited; it may end nowhere but in a folder of OUT."""
    folder = world.broken / f"names{rng.randrange(3)}"
    folder.mkdir(exist_ok=True)
    path = folder / rng.choice(NAMES)
    if not path.is_dir():
        path.write_bytes(world.picture.read_bytes() + bytes([rng.randrange(3)]))
    command = rng.choice(("invert", "invert", "edit"))
    more = ["--steps", "1", "--method", "optimize"] if command == "invert" else ["--attr", "smile"]
    if command == "edit":
        path = path.with_name(f"{path.name[:240]}.safetensors") if len(os.fsencode(path.name)) < 240 else path
        path.write_bytes(world.natives["latent"].read_bytes())
    line = [command, *more, "--out", str(world.out / "named"), *COMMON, "--", str(path)]
    return Case("names", f"{command} {path.name!r}", lambda: run(line))


def outputs(world: World, rng: random.Random) -> Case:
    """A result where something of the user's is already: a file, a link, a pipe, a folder, a device."""
    place = world.user / "taken"
    place.mkdir(exist_ok=True)
    kind = rng.choice(("file", "link", "loose", "pipe", "folder", "device", "notes"))
    path = place / f"{kind}.png"
    if not os.path.lexists(path):
        if kind == "file":
            path.write_text("mine")
        elif kind in ("link", "loose"):
            path.symlink_to(world.user / ("notes.txt" if kind == "link" else "nowhere"))
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
    target = {"device": "/dev/full", "notes": str(world.user / "notes.txt")}.get(kind, str(path))
    out = ["--out", str(world.out / "o")]
    line = rng.choice((
        ["sample", "--count", "1", "--sheet", target, *out, *COMMON],
        ["mix", "--samples", "1", "--out", target, *COMMON],
        ["components", "--out", target, *COMMON], ["sample", "--count", "1", "--out", target, *COMMON],
        ["draw", "--count", "1", "--size", "16", "--sheet", target, "--sheet-only", "--json"],
        ["invert", target, *out, *COMMON], ["edit", target, *out, *COMMON], ["data", "scan", target],
        ["models", "convert", str(world.natives["generator"]), target],
    ))  # fmt: skip
    if kind != "folder" and rng.random() < 0.3 and kind not in ("file", "notes") and line[0] in ("sample", "draw"):
        line = [*line, "--overwrite"]
    return Case("outputs", " ".join(line), lambda: run(line))


def signals(world: World, rng: random.Random) -> Case:
    """Ctrl-C at a random moment."""
    line = rng.choice((
        ["sample", "--count", "6", "--out", str(world.out / "s"), *COMMON],
        ["invert", str(world.picture), "--method", "optimize", "--steps", "60", "--out", str(world.out / "s"), *COMMON],
        ["edit", str(world.natives["latent"]), "--attr", "smile", "--strip", "--out", str(world.out / "s"), *COMMON],
        ["draw", "--count", "4", "--size", "64", "--out", str(world.out / "s"), "--json"],
    ))  # fmt: skip
    after = rng.random() * 1.5

    def act() -> int:
        waiting = threading.Timer(after, lambda: os.kill(os.getpid(), signal.SIGINT))
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        waiting.start()
        try:
            code = run(line)
            while waiting.is_alive():
                time.sleep(0.01)
        except KeyboardInterrupt:  # it came when the command was done
            code = 130
        finally:
            waiting.cancel()
            signal.signal(signal.SIGINT, before)
        return code

    return Case("signals", f"{line[0]}, after {after:.2f} s", act, allowed=(0, 130))


#: What is tried, and how often of a hundred cases.
MAKERS: dict[Maker, int] = {
    pictures: 24, safetensors: 27, arrays: 3, pickles: 14, texts: 8, lines: 11, numbers: 3, names: 4, outputs: 4,
    signals: 2,
}  # fmt: skip
