"""ONNX Runtime, and what writing ONNX files takes: packages of the extra ``onnx``, asked for when they are used."""

from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from semedit.errors import CheckpointError, MissingWeights
from semedit.packages import installed

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
COMMAND = "'pip install \"semedit[onnx]\"'"


def missing_packages() -> list[str]:
    """Which of the packages that write and run ONNX files are not installed."""
    return [name for name in PACKAGES if not installed(name)]


def require_packages() -> None:
    """MissingWeights, with the command that brings them, unless all packages are installed."""
    if absent := missing_packages():
        raise MissingWeights(f"exporting to ONNX needs {', '.join(absent)}, which {COMMAND} brings")


class OnnxSession:
    """An ONNX file in ONNX Runtime on the CPU, with as many threads as torch has.

    ``inputs`` and ``outputs`` are the names of what goes in and out, ``metadata`` what the file says of itself. Raises
    MissingWeights where the package is not installed, CheckpointError for a file that cannot be run.
    """

    def __init__(self, path: str | Path):
        if not installed("onnxruntime"):
            raise MissingWeights(f"running ONNX files needs onnxruntime, which {COMMAND} brings")
        import onnxruntime as runtime

        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise CheckpointError(f"{path}: ONNX Runtime cannot open it ({str(error).splitlines()[0][:120]})") from None
        self.inputs = tuple(one.name for one in self._session.get_inputs())
        self.outputs = tuple(one.name for one in self._session.get_outputs())
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)

    def __call__(self: Self, *arguments: Tensor) -> tuple[Tensor, ...]:
        """Its outputs for tensors in the order of ``inputs``."""
        fed = {name: value.cpu().numpy() for name, value in zip(self.inputs, arguments, strict=True)}
        return tuple(torch.from_numpy(array) for array in self._session.run(None, fed))
