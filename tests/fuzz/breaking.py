"""Ways to break what is intact: bytes, JSON, tensors, and files of pictures."""

import io
import json
import math
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from semedit.storage.tensors import DIGEST, digest

#: JSON that is something else than what any reader expects.
JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 3, 2**70, 1e308, -0.5, "", "x", "../../etc/passwd", "[/b]", "\x00", "a" * 400, [], [[]], {},
    [1, "a"],
    {"a": {"b": []}}, [None] * 5, {"": ""}, float("nan"), float("inf"),
)  # fmt: skip
#: Text where a name, number or path is expected.
TEXTS = (
    "", " ", "nan", "inf", "-inf", "1e999", "-1", "0", "5", "1.5", "99999999999999999999", "0x10", "None", "[/b]",
    "[red]x", "a**b", "photo[1].png",
    "**", "*", "?", "..", ".", "/", "~", "-", "--", "=", "smile=nan", "smile=", "=1", "x" * 300,
    "é" * 200, "\u202e", "\x1b[2J", "a\nb", "\udcff", "nariné", "💥", "nose,", ",", ":", "hair:", "hair:x", "cuda",
    "meta", "cpu:7",
    "/dev/zero", "/dev/null", "/proc/self/mem", "nosuch", "notes.txt", "photo.png", "../photo.png",
)  # fmt: skip


def mangled(content: bytes, rng: random.Random) -> bytes:
    """Bytes with a few bits turned, cut short, overwritten, repeated, or replaced altogether."""
    data, way = bytearray(content), rng.randrange(7)
    if way == 0 or not data:
        return bytes(data[: rng.randrange(len(data) + 1)])
    if way == 1:
        return rng.randbytes(rng.randrange(400))
    if way == 2:
        at = rng.randrange(len(data))
        return bytes(data[:at] + rng.randbytes(rng.randrange(1, 64)) + data[at:])
    if way == 3:
        at = rng.randrange(len(data))
        data[at : at + rng.randrange(1, 32)] = bytes(rng.choice((0, 255, 127)) for _ in range(rng.randrange(1, 32)))
        return bytes(data)
    for _ in range(1 << rng.randrange(6)):
        at = rng.randrange(min(len(data), 200) if way == 4 else len(data))
        data[at] ^= 1 << rng.randrange(8)
    return bytes(data)


def broken_json(data: Any, rng: random.Random) -> Any:
    """JSON with one place in it lost, replaced, or wrapped."""
    if not isinstance(data, dict | list) or not data or rng.random() < 0.1:
        return rng.choice(JUNK)
    copy = json.loads(json.dumps(data))
    key = rng.choice(list(copy)) if isinstance(copy, dict) else rng.randrange(len(copy))
    way = rng.randrange(4)
    if way == 0:
        del copy[key]
    elif way == 1:
        copy[key] = [copy[key]]
    else:
        copy[key] = broken_json(copy[key], rng) if rng.random() < 0.75 else rng.choice(JUNK)
    return copy


def header_of(path: Path) -> dict[str, Any]:
    """The JSON header of a safetensors file, digest and all."""
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        return dict(json.loads(json.loads(file.read(length))["__metadata__"]["semedit"]))


def write_broken(source: Path, target: Path, rng: random.Random) -> bool:
    """Write a broken twin of a safetensors file; returns whether one of its tensors is not finite.

    Half of those whose content is broken carry a digest that fits, as a program of somebody else's would write it.
    """
    way = rng.randrange(6)
    if way == 0:
        target.write_bytes(mangled(source.read_bytes(), rng))
        return not_finite(target)
    header, tensors = header_of(source), load_file(source)
    known = header.pop(DIGEST, None)
    if way in (1, 2):
        header = broken_json(header, rng)
    elif way == 3:
        header = broken_json(broken_json(header, rng), rng)
    else:
        tensors = broken_tensors(tensors, rng)
    if isinstance(header, dict) and rng.random() < 0.7:
        plain = json.loads(json.dumps(header))
        header = {**header, DIGEST: digest(plain, tensors) if rng.random() < 0.8 else known}
    text = json.dumps(header) if rng.random() < 0.95 else "[" * 3000
    save_file(tensors, target, {"semedit": text})
    return not_finite(target)


def broken_tensors(tensors: dict[str, Tensor], rng: random.Random) -> dict[str, Tensor]:
    """Tensors of which one is lost, not finite, of another type or shape, or not expected."""
    found, name = {k: v.clone() for k, v in tensors.items()}, rng.choice(sorted(tensors))
    changes: list[Callable[[Tensor], Tensor]] = [
        lambda t: t.double(), lambda t: t.bfloat16(), lambda t: t.long(), lambda t: t.bool(),
        lambda t: t.to(torch.complex64),
        lambda t: t.flatten()[: t.numel() // 2].clone(), lambda t: t[None].clone(), lambda t: t[:0].clone(),
        lambda t: torch.zeros(3, 5, 7), lambda t: t.to(torch.float8_e4m3fn) if t.is_floating_point() else t.char(),
    ]  # fmt: skip
    way = rng.randrange(4)
    if way == 0:
        del found[name]
    elif way == 1:
        found[rng.choice(("extra", "latent", "before.0", "weight"))] = torch.zeros(2)
    elif way == 2 and found[name].is_floating_point() and found[name].numel():
        found[name].view(-1)[rng.randrange(found[name].numel())] = rng.choice((math.nan, math.inf, -math.inf))
    else:
        found[name] = rng.choice(changes)(found[name].reshape(-1) if found[name].dim() == 0 else found[name])
    return found


def broken_table(text: str, rng: random.Random) -> tuple[bytes, str]:
    """A table, of words between commas or blanks, with one of its words below the first line replaced by the text that
    is returned too, or else its bytes or lines in disorder."""
    way, lines = rng.randrange(5), text.splitlines()
    if way == 0:
        return mangled(text.encode(), rng), ""
    if way == 1:
        rng.shuffle(lines)
        return "\n".join(lines[: rng.randrange(len(lines) + 1)]).encode(), ""
    at, comma = rng.randrange(1, len(lines)), "," if "," in text else " "
    words, cell = lines[at].replace("  ", " ").split(comma), rng.choice(TEXTS)
    place = rng.randrange(len(words))
    words[place] = cell
    lines[at] = comma.join(words)
    return "\n".join(lines).encode(errors="surrogateescape"), cell if place else ""


def not_finite(path: Path) -> bool:
    """Whether a safetensors file that can be read at all has a value that is not finite."""
    try:
        tensors = load_file(path)
    except Exception:  # whatever is wrong with it, there is no tensor
        return False
    return any(t.is_floating_point() and not torch.isfinite(t.float()).all() for t in tensors.values())


def picture_bytes(rng: random.Random) -> tuple[bytes, str]:
    """An intact picture file of some format and mode, and its ending."""
    kind, mode, ending = rng.choice((
        ("PNG", "RGB", "png"), ("PNG", "RGBA", "png"), ("PNG", "P", "png"), ("PNG", "L", "png"), ("PNG", "I;16", "png"),
        ("PNG", "1", "png"), ("JPEG", "RGB", "jpg"), ("JPEG", "CMYK", "jpeg"), ("JPEG", "L", "jpg"),
        ("WEBP", "RGB", "webp"), ("BMP", "RGB", "bmp"), ("GIF", "P", "gif"), ("TIFF", "RGB", "tif"),
        ("TIFF", "F", "tiff"),
        ("TIFF", "I;16", "tif"), ("PPM", "RGB", "ppm"), ("TIFF", "L", "tiff"),
    ))  # fmt: skip
    size = rng.choice(((24, 32), (32, 24), (16, 16), (15, 40), (1, 1), (64, 17)))
    values = np.random.default_rng(rng.randrange(2**32)).integers(0, 255, (size[1], size[0], 3), np.uint8)
    if mode == "F":
        floats = values[..., 0].astype(np.float32)
        if rng.random() < 0.5:
            floats[0, 0] = rng.choice((math.nan, math.inf))
        image = Image.fromarray(floats)
    elif mode == "I;16":
        image = Image.fromarray(values[..., 0].astype(np.uint16) * 257)
    else:
        image = Image.fromarray(values).convert(mode)
    options: dict[str, Any] = {"compression": rng.choice(("tiff_lzw", "tiff_deflate", "jpeg", None))} if (
        kind == "TIFF" and mode == "RGB"
    ) else {}  # fmt: skip
    written = io.BytesIO()
    image.save(written, format=kind, **options)
    return written.getvalue(), ending
