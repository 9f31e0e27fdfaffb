"""Native checkpoints: a folder (``model.safetensors`` + ``config.json``) or one ``.safetensors`` file.

A single file carries its JSON in the safetensors header. Everything is tensors and JSON, loaded strictly; nothing
in a weight file is ever executed.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from semedit.discriminator import DiscriminatorConfig, DualDiscriminator
from semedit.errors import CheckpointError
from semedit.files import make_folder, write_json, write_safetensors
from semedit.generator import GeneratorConfig, SemanticGenerator
from semedit.regions import RegionTable

FORMAT = "semedit-weights-1"
WEIGHTS, CONFIG = "model.safetensors", "config.json"
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Weights:
    """What a native weight file holds: ``kind`` of network, its ``config``, ``tensors``, and free ``extra`` JSON."""

    kind: str
    config: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    extra: Mapping[str, Any] = field(default_factory=dict)


def save_weights(path: str | Path, weights: Weights, *, half: bool = False) -> None:
    """Write a native file (a name ending in .safetensors) or folder (any other), atomically.

    ``half`` stores floating-point tensors as float16 (they load as float32 again).
    """
    path = Path(path)
    header = {"format": FORMAT, "kind": weights.kind, "config": dict(weights.config), "extra": dict(weights.extra)}
    tensors = {n: t.half() if half and t.is_floating_point() else t for n, t in weights.tensors.items()}
    if path.suffix == ".safetensors":
        write_safetensors(path, tensors, {"semedit": json.dumps(header)})
        return
    make_folder(path)
    write_safetensors(path / WEIGHTS, tensors, {"semedit": json.dumps(header)})
    write_json(path / CONFIG, header)


def load_weights(path: str | Path, kind: str | None = None) -> Weights:
    """Read a native file or folder; CheckpointError if it is corrupt, foreign, or not of ``kind``."""
    path = Path(path)
    file_path = path / WEIGHTS if path.is_dir() else path
    try:
        with safe_open(str(file_path), framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("semedit", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{file_path}: cannot be read as safetensors weights ({error})") from None
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{file_path}: a safetensors file without a '{FORMAT}' header")
    if kind is not None and header["kind"] != kind:
        raise CheckpointError(f"{file_path}: holds a {header['kind']}, not a {kind}")
    tensors = {n: t.float() if t.dtype == torch.float16 else t for n, t in tensors.items()}
    return Weights(header["kind"], header["config"], tensors, header.get("extra", {}))


def load_state(module: nn.Module, tensors: Mapping[str, Tensor], source: str | Path) -> None:
    """Strict ``load_state_dict`` whose error names a few missing, unexpected and misshapen entries, never all."""
    own = module.state_dict()
    problems = []
    for label, names in (("missing", own.keys() - tensors.keys()), ("unexpected", tensors.keys() - own.keys())):
        if names:
            problems.append(f"{len(names)} {label}, such as '{min(names)}'")
    for name in sorted(own.keys() & tensors.keys()):
        if own[name].shape != tensors[name].shape:
            problems.append(f"'{name}' is {tuple(tensors[name].shape)} instead of {tuple(own[name].shape)}")
            break
    if problems:
        raise CheckpointError(f"{source}: does not fit the network ({'; '.join(problems)})")
    module.load_state_dict(dict(tensors))


def fingerprint(module: nn.Module, config: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits that name a network's weights (as float32) and what its configuration departs in."""
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def save_generator(
    path: str | Path, generator: SemanticGenerator, *, half: bool = False, extra: Mapping[str, Any] | None = None
) -> None:
    """Write a generator natively; ``extra`` is free JSON, such as the name of its domain."""
    header = {"regions": generator.regions.to_json(), "lineage": list(generator.lineage), **(extra or {})}
    weights = Weights("generator", generator.config.to_json(), generator.state_dict(), header)
    save_weights(path, weights, half=half)


def save_discriminator(path: str | Path, discriminator: DualDiscriminator, *, half: bool = False) -> None:
    """Write a discriminator natively, for runs that start from a trained model."""
    config = discriminator.config.to_json()
    save_weights(path, Weights("discriminator", config, discriminator.state_dict()), half=half)


def load_discriminator(path: str | Path) -> DualDiscriminator:
    """Read a file written by :func:`save_discriminator`; CheckpointError if it is anything else."""
    weights = load_weights(path, "discriminator")
    discriminator = DualDiscriminator(DiscriminatorConfig.from_json(dict(weights.config)))
    load_state(discriminator, weights.tensors, path)
    return discriminator


def build_generator(weights: Weights, source: str | Path) -> SemanticGenerator:
    """The generator in ``weights``, in eval mode, with gradients off and its fingerprint set."""
    regions = RegionTable.from_json(weights.extra["regions"])
    generator = SemanticGenerator(GeneratorConfig.from_json(dict(weights.config)), regions)
    load_state(generator, weights.tensors, source)
    generator.lineage = tuple(weights.extra.get("lineage", ()))
    return freeze(generator)


def freeze(generator: Network) -> Network:
    """Put a generator into eval mode without gradients, and set its fingerprint."""
    own: Any = generator.eval().requires_grad_(False)
    own.fingerprint = fingerprint(own, own.config.model_dump(mode="json", exclude_defaults=True))
    return generator
