"""Opening a model or an encoder, by name or from a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from encoders import Refiner, checkpoint
from semedit.checkpoints import zoo
from semedit.domains import domain
from semedit.editing.generators import load_generator
from semedit.editing.model import Model
from semedit.editing.openvino import OpenVinoBackend
from semedit.errors import ConfigError, MissingWeights, UnknownName
from semedit.networks.precision import preferred
from semedit.networks.style_based import StyleBasedGenerator
from semedit.storage.content import exists, shaped
from semedit.storage.weights import load_weights

#: What renders.
BACKENDS = ("torch", "openvino")


def load(
    name_or_path: str | Path = "portraits",
    domain_name: str | None = None,
    precision: Literal["fp32", "bf16", "auto"] = "fp32",
    encoder: str | Path | None = None,
    editors: Mapping[str, str | Path] | None = None,
    device: str = "cpu",
    without: tuple[str, ...] = (),
    backend: Literal["torch", "openvino"] = "torch",
) -> Model:
    """Load a model by name, or wrap a generator file; ``domain_name`` overrides what its card or file says.

    ``encoder`` is the file of an encoder, native or official, instead of the model's own; ``editors`` are files of
    editors, such as {"interfacegan": "mine.safetensors"}, likewise.

    ``precision`` bf16 renders, searches and refines up to twice as fast where the hardware has it, at up to 3 % of the
    range in error; "auto" takes it where this processor does it well, as ``semedit doctor`` says.

    ``device`` is where it computes, as torch names it; ``without`` names measures that are done without, see
    :meth:`semedit.domains.Domain.without`.

    ``backend`` "openvino" (extra ``openvino``) renders codes by OpenVINO on a CPU, compared with torch's picture of one
    code first; what it cannot do, and all else, torch does. ``docs/speed.md`` says what it brings.

    Raises UnknownName, MissingWeights or CheckpointError, or ConfigError for a device that is not there.
    """
    if backend not in BACKENDS:
        raise UnknownName("backend", backend, BACKENDS)
    if backend == "openvino" and device != "cpu":
        raise ConfigError(f"backend 'openvino' renders on the CPU, not on '{device}'")
    model = _model(name_or_path, domain_name, precision, encoder, editors)
    model.domain = model.domain.without(*without) if without else model.domain
    try:
        model.to(device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ConfigError(f"device '{device}' cannot be used here ({str(error).splitlines()[0][:100]})") from None
    if backend == "openvino":
        model.backend = OpenVinoBackend(model.generator, model.precision)
    return model


def _model(name_or_path: str | Path, domain_name: str | None, precision: Literal["fp32", "bf16", "auto"],
           encoder: str | Path | None, editors: Mapping[str, str | Path] | None) -> Model:  # fmt: skip
    generator, chosen = load_generator(name_or_path), preferred() if precision == "auto" else precision
    path = Path(name_or_path)
    generator.grown = zoo.grown_from({generator.fingerprint, *generator.lineage} - {""})
    if exists(path):
        own = None if path.suffix in (".pt", ".pth") else load_weights(path, generator.KIND).extra.get("domain")
        own = shaped(str | None, own, f"{path}: domain")  # type: ignore[arg-type]
        return Model(generator, domain(domain_name or own or "faces"), path.stem, None, chosen, encoder, editors)
    entry = zoo.find(str(name_or_path))
    return Model(generator, domain(domain_name or entry.domain), entry.name, entry, chosen, encoder, editors)


def load_encoder(name_or_path: str | Path, generator: StyleBasedGenerator) -> Refiner:
    """An encoder with the generator that it reads for: a model's name, a native file, or an official ReStyle ``.pt``.

    ``load_encoder(...).refine(images, 5)`` gives the codes and the pictures of every step. Raises UnknownName,
    MissingWeights, CheckpointError, or ConfigError for an encoder of another generator.
    """
    path = Path(name_or_path)
    if not exists(path):
        found = zoo.find(str(name_or_path)).encoder_path
        if found is None:
            raise MissingWeights(f"model '{name_or_path}' has no encoder")
        path = found
    return Refiner.of(generator, checkpoint.load_encoder(path))
