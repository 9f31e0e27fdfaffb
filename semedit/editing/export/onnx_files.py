"""Networks as ONNX files, each compared with torch before anybody is told that it is there."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from semedit.editing.export.parts import NetworkPart
from semedit.editing.export.runtime import OnnxSession, require_packages
from semedit.editing.model import Model
from semedit.errors import CheckpointError
from semedit.networks.tracing import quietly, traceable
from semedit.packages import VERSION
from semedit.storage.atomic import replacing

#: The version of ONNX's operators that files are written in.
OPSET = 18
#: The largest difference from torch that passes: half a level of an 8-bit picture, as a share of the output's range.
TOLERANCE = 0.5 / 255
#: The batches that a file is compared on.
BATCHES = (1, 2, 3)


@dataclass(frozen=True)
class Exported:
    """A file that was written: the part, its path, the opset, and for each output the largest difference from torch."""

    part: str
    path: Path
    opset: int
    bytes: int
    differences: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "path": str(self.path)}


def export_part(model: Model, part: NetworkPart, path: str | Path) -> Exported:
    """Write one network of a model as an ONNX file, with a batch of any size, and compare it with torch.

    The file's metadata says which model it is of (``model``, ``fingerprint``, ``part``, ``version``), and in ``facts``
    (JSON) what its user has to know. Raises MissingWeights without the packages of the extra ``onnx``, CheckpointError
    for a network that cannot be written down or comes out otherwise than torch has it, OutputError.
    """
    require_packages()
    import onnx

    with replacing(path) as temporary:
        written = program(part)
        facts = {"model": model.name, "fingerprint": model.generator.fingerprint, "part": part.name, "version": VERSION}
        onnx.helper.set_model_props(written, {**facts, "facts": json.dumps(part.facts)})
        temporary.write_bytes(written.SerializeToString())
        differences = compared(part, temporary)
    return Exported(part.name, Path(path), OPSET, Path(path).stat().st_size, differences)


def program(part: NetworkPart) -> Any:
    """The network as ONNX's message, its batch symbolic. Raises CheckpointError for one that cannot be written down."""
    examples = tuple(one.cpu() for one in part.draw(2, 0))
    batch = torch.export.Dim("batch")
    with quietly():
        try:
            # With gradients on, the local layers are one product each instead of one for each tile of points.
            with torch.enable_grad():
                traced = torch.export.export(
                    traceable(part.network), examples, dynamic_shapes=tuple({0: batch} for _ in examples)
                )
            made = torch.onnx.export(
                traced, dynamo=True, opset_version=OPSET, input_names=list(part.inputs),
                output_names=list(part.outputs), verbose=False,
            )  # fmt: skip
        except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)[:160]
            raise CheckpointError(f"the {part.name} cannot be written as ONNX ({reason})") from None
    assert made is not None  # a program is returned whenever no path is given
    return made.model_proto


def compared(part: NetworkPart, path: Path) -> dict[str, float]:
    """The largest difference between ONNX Runtime and torch in each output, on batches of several sizes.

    Raises CheckpointError where it is more than TOLERANCE of the output's range.
    """
    session = OnnxSession(path)
    differences = dict.fromkeys(part.outputs, 0.0)
    for batch in BATCHES:
        arguments = part.draw(batch, batch)
        for name, ours, theirs in zip(part.outputs, part.run(*arguments), session(*arguments), strict=True):
            difference = (ours.cpu() - theirs).abs().max().item()
            if not difference <= TOLERANCE * max(1.0, (ours.max() - ours.min()).item()):
                raise CheckpointError(
                    f"the {part.name} in ONNX Runtime differs from torch's by {difference:.1e} in '{name}', at a "
                    f"batch of {batch}"
                )
            differences[name] = max(differences[name], difference)
    return differences
