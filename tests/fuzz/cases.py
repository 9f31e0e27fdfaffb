"""The makers of hostile cases, by kind: each gives a case for a random generator."""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from baselines.stylefusion.hierarchy import Hierarchy
from semedit.cli.main import run
from semedit.data.label_map import LabelMap
from semedit.pictures.reading import read_picture
from tests.fuzz.breaking import TEXTS, broken_json, mangled, picture_bytes
from tests.fuzz.files import COMMON, arrays, pickles, safetensors, tables
from tests.fuzz.judge import Case
from tests.fuzz.world import MODEL, World

Maker = Callable[[World, random.Random], Case]


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
          "--photo", "--set", "--clip", "--move", "--zoom", "--blend", "--mask", "--invert-method", "--perceptual")),
        (["edit", latent, "--move", "mouth=0.01,0", *out, *COMMON], ("--move", "--zoom", "--strength", "--regions")),
        (["drag", latent, "--from", "0.5,0.5", "--to", "0.5,0.45", "--steps", "1", *out, *COMMON],
         ("--to", "--regions", "--steps", "--set", "--photo", "--blend", "--mask", "--invert-method", "--batch",
          "--seed")),
        (["transfers", "--model", MODEL, "--out", one, "--json"],
         ("--regions", "--method", "--psi", "--scale", "--out", "--model", "--seed")),
        (["attributes", *COMMON], ("--model", "--method")), (["inspect", str(world.picture), "--json"], ()),
        (["doctor", *COMMON], ("--model",)), (["models", "list", "--json"], ()),
        (["models", "pack", "."], ("--out", "--domain")),
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
    """A result where something of the user's is already: a file, a link, a pipe, a folder, a device.

    A folder that is named as the results' own is theirs, and no such case.
    """
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
        ["components", "--out", target, *COMMON],
        ["sample", "--count", "1", "--out", target, *COMMON] if kind != "folder" else ["components", "--out", target],
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
    pictures: 20, safetensors: 26, pickles: 12, arrays: 6, tables: 6, texts: 6, lines: 11, numbers: 3, names: 4,
    outputs: 4, signals: 2,
}  # fmt: skip
