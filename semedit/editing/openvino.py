"""Pictures by OpenVINO on a CPU, an optional backend for rendering: compared with torch before anybody is shown one."""

from dataclasses import fields

import torch
from torch import Tensor, nn

from semedit.errors import CheckpointError, MissingWeights
from semedit.latents.latent import Latent
from semedit.networks.precision import Precision
from semedit.networks.style_based import StyleBasedGenerator
from semedit.networks.synthesis import Rendering
from semedit.networks.tracing import drawn_codes, quietly, traceable
from semedit.packages import installed

#: By precision, the largest difference from torch's float32 pictures that passes, as a share of their range.
TOLERANCE: dict[Precision, float] = {"fp32": 1e-3, "bf16": 0.05}


class _Fields(nn.Module):
    """W+ codes (B, L, D) -> all that a ``generator`` puts out, in the order of its fields."""

    def __init__(self, generator: StyleBasedGenerator):
        super().__init__()
        self.generator = generator

    def forward(self, codes: Tensor) -> tuple[Tensor, ...]:
        out = self.generator(codes)
        return tuple(getattr(out, field.name) for field in fields(out))


class OpenVinoBackend:
    """A frozen generator in OpenVINO, with as many threads as torch has; noise is its constant.

    Raises MissingWeights without the package, CheckpointError for a generator that OpenVINO cannot read, or whose
    picture of one code differs from torch's.
    """

    def __init__(self, generator: StyleBasedGenerator, precision: Precision):
        if not installed("openvino"):
            raise MissingWeights("backend 'openvino' needs openvino, which 'pip install \"semedit[openvino]\"' brings")
        import openvino

        self.generator, codes = generator, drawn_codes(generator, 1, 0)
        hint = {"fp32": "f32", "bf16": "bf16"}[precision]
        options = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": torch.get_num_threads()}
        try:
            with quietly(), torch.no_grad():
                traced = torch.export.export(traceable(_Fields(generator)), (codes,))
                read = openvino.convert_model(traced)
                self._compiled = openvino.Core().compile_model(read, "CPU", options)
        except Exception as error:  # each library has errors of its own
            reason = next(iter(str(error).splitlines()), type(error).__name__)[:160]
            raise CheckpointError(f"OpenVINO cannot read this generator ({reason})") from None
        self._verify(codes, TOLERANCE[precision])

    @torch.no_grad()
    def _verify(self, codes: Tensor, tolerance: float) -> None:
        wanted = self.generator(codes)
        self._kind: type[Rendering] = type(wanted)
        found = self._one(codes)
        difference = (found.image - wanted.image).abs().max() / (wanted.image.max() - wanted.image.min())
        if not difference <= tolerance:
            raise CheckpointError(f"OpenVINO's picture differs from torch's by {100 * difference:.1f} % of its range")

    def _one(self, codes: Tensor) -> Rendering:
        found = self._compiled([codes.numpy()])
        return self._kind(*(torch.from_numpy(found[index]) for index in range(len(fields(self._kind)))))

    def takes(self, latent: Latent) -> bool:
        """Whether it can render a latent: codes in W or W+ whose regions were not moved."""
        return latent.space in ("w", "w+") and not self.generator.placing(latent, latent.data.device)

    def __call__(self, latent: Latent) -> Rendering:
        """The pictures of a latent that it :meth:`takes`, one after the other."""
        codes = latent.wplus().data.contiguous()
        return Rendering.cat([self._one(codes[index : index + 1]) for index in range(len(codes))])
