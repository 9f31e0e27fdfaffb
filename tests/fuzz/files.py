"""The makers of broken files that hold networks, codes, arrays and tables, opened and used by what reads them."""

import argparse
import os
import random
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from semedit.cli.main import run
from tests.fuzz.breaking import broken_table, broken_tensors, mangled, write_broken
from tests.fuzz.judge import Case
from tests.fuzz.openers import ARRAYS, NATIVES, OFFICIALS, TABLES, Opener
from tests.fuzz.world import MODEL, RIVAL, World

#: Ways to take regions over by a file of their own.
METHODS = {"catalogue": "editing-in-style", "hierarchy": "stylefusion"}
COMMON = ("--model", MODEL, "--json")


def _opened(opener: Opener, path: Path, world: World) -> None:
    """Open a file and use it; what comes of it is nobody's."""
    opener(path, world)


def safetensors(world: World, rng: random.Random) -> Case:
    """A broken native file, opened by what opens such files."""
    kind = rng.choice((*world.natives, "latent"))
    path = world.broken / f"{kind}.safetensors"
    poisoned = write_broken(world.natives[kind], path, rng)
    if kind in ("latent", "directions", "generator") and rng.random() < 0.06:
        own = {"latent": [str(path)], "directions": [str(world.natives["latent"]), "--editors", str(path)],
               "generator": ["--mean"]}[kind]  # fmt: skip
        model = str(path) if kind == "generator" else MODEL
        line = ["edit", *own, "--attr", "smile", "--model", model, "--out", str(world.out), "--json"]
        return Case("safetensors", f"edit with a broken {kind}", lambda: run(line), poisoned)
    if kind in METHODS and rng.random() < 0.15:
        code = str(world.natives["rival-latent"])
        line = ["edit", code, "--from-image", code, "--regions", "hair", "--method", METHODS[kind], "--editors",
                str(path), "--model", RIVAL, "--out", str(world.out), "--json"]  # fmt: skip
        return Case("safetensors", f"edit with a broken {kind}", lambda: run(line), poisoned)
    return Case("safetensors", kind, lambda: _opened(NATIVES[kind], path, world), poisoned)


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
        {"g_ema": {"input.input": torch.zeros(2)}}, {"g_ema": {"input.input": 3}}, {"output_layer.3.weight": "x"},
        {"g_ema": {"input.input": torch.zeros(1, 8, 4, 4)}, "latent_avg": torch.zeros(())}, {"g_ema": 7},
        {"blender_common.disentangle_net.0.weight": torch.zeros(8, 0)}, {"state_dict": {3: torch.zeros(2)}},
    )  # fmt: skip
    torch.save(rng.choice(strange), path)


#: Where the tensors of an official file lie in it.
PLACES = {"generator": "g_ema", "stylegan2": "g_ema", "encoder": "state_dict", "fusion": "state_dict"}


def pickles(world: World, rng: random.Random) -> Case:
    """A broken torch file, or one with code in it, opened by what opens the official formats."""
    kind, way, poisoned = rng.choice(list(OFFICIALS)), rng.randrange(6), False
    path, source, key = world.broken / f"{kind}.pt", world.officials[kind], PLACES.get(kind)
    if way < 2:
        path.write_bytes(mangled(source.read_bytes(), rng))
    elif way == 2:
        _strange_pickle(path, {key: {}, "args": {}} if key else {}, world, rng)
    elif way == 3:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", rng.choice((b"", b"\0" * 10**7, b"\x80\x02}.", rng.randbytes(99))))
    else:
        content = torch.load(source, weights_only=False)
        state = content[key] if key else content
        changed = broken_tensors(state, rng)
        poisoned = any(not torch.isfinite(t.float()).all() for t in changed.values() if t.is_floating_point())
        torch.save({**content, key: changed} if key else changed, path)
    opener = OFFICIALS[kind if rng.random() < 0.9 else rng.choice(list(OFFICIALS))]
    return Case("pickles", f"{kind}, way {way}", lambda: _opened(opener, path, world), poisoned)


def arrays(world: World, rng: random.Random) -> Case:
    """A broken NumPy file: bytes, arrays of other types and shapes, one too few, objects that would be code."""
    kind, way, poisoned = rng.choice(list(ARRAYS)), rng.randrange(5), False
    source = world.arrays[kind]
    path = world.broken / source.name
    if way == 0:
        path.write_bytes(mangled(source.read_bytes(), rng))
    elif kind == "boundary":
        changed = broken_tensors({"x": torch.from_numpy(np.load(source))}, rng).get("x", torch.zeros(2, 2))
        poisoned = _write_array(path, changed, way == 1)
    else:
        with np.load(source) as file:
            content = {name: file[name] for name in file.files}
        said = {name: value for name, value in content.items() if value.dtype.kind == "U"}
        if way == 1:
            content[rng.choice(list(content))] = np.array([Payload(world.user / "pwned")], dtype=object)
        elif way == 2:
            content |= {
                name: np.array(mangled(str(value).encode(), rng).decode("latin1")) for name, value in said.items()
            }
        else:
            tensors = {name: torch.from_numpy(value) for name, value in content.items() if name not in said}
            changed_all = broken_tensors(tensors, rng)
            content = {**said, **{name: _array(tensor) for name, tensor in changed_all.items()}}
            poisoned = any(v.dtype.kind == "f" and not np.isfinite(v).all() for v in content.values())
        with open(path, "wb") as opened:
            np.savez(opened, **content)  # type: ignore[arg-type]
    return Case("arrays", f"{kind}, way {way}", lambda: _opened(ARRAYS[kind], path, world), poisoned)


def _array(tensor: torch.Tensor) -> np.ndarray:
    """A tensor as NumPy knows it, where NumPy has its type."""
    plain = tensor.float() if tensor.dtype in (torch.bfloat16, torch.float8_e4m3fn) else tensor
    return np.asarray(plain.numpy())


def _write_array(path: Path, tensor: torch.Tensor, as_objects: bool) -> bool:
    """Write one array; returns whether it has a value that is not finite."""
    value = _array(tensor)
    with open(path, "wb") as file:
        np.save(file, value.astype(object) if as_objects else value)
    return not as_objects and value.dtype.kind == "f" and not np.isfinite(value).all()


def tables(world: World, rng: random.Random) -> Case:
    """A broken table: CelebA's lists, scores of one's own, factors of pictures."""
    kind = rng.choice(list(TABLES))
    source = world.tables[kind]
    folder = world.broken / kind
    shutil.copytree(source.parent, folder, dirs_exist_ok=True)
    path = folder / source.name
    if rng.random() < 0.1:
        path.unlink()
        rng.choice((lambda: os.mkfifo(path), path.mkdir, lambda: path.symlink_to(folder / "nosuch")))()
        return Case("tables", f"{kind}, no file", lambda: _tried(kind, path, world))
    text, cell = broken_table(source.read_text(), rng)
    path.write_bytes(text)
    poisoned = kind in ("scores", "factors") and cell in ("nan", "inf", "-inf", "1e999")
    return Case("tables", f"{kind}, {cell!r}", lambda: _opened(TABLES[kind], path, world), poisoned)


def _tried(kind: str, path: Path, world: World) -> None:
    """Open what is no file; it makes room for the next one."""
    try:
        TABLES[kind](path, world)
    finally:
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
