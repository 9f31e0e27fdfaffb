"""ReStyle's iterative refinement (Alaluf et al. 2021): encode target and reconstruction, add the residual, render.

In SemanticStyleGAN's form: the code is the generator's W+ code, refinement starts from the mean code and its rendering,
and gradients never flow from one step into the one before.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from encoders.backbone import ResidualEncoder
from encoders.stored import StoredEncoder
from semedit.errors import ConfigError
from semedit.networks.precision import Precision, cast
from semedit.networks.style_based import Noise, StyleBasedGenerator
from semedit.pictures.tensors import fit


@dataclass(frozen=True)
class Refinement:
    """The whole way of a refinement, start included: codes (B, L, D) and pictures (B, 3, H, W), one a step."""

    codes: tuple[Tensor, ...]
    images: tuple[Tensor, ...]


class Refiner:
    """An encoder with the generator that it reads for.

    Raises ConfigError if the encoder's rows or width are not the generator's.
    """

    def __init__(self, generator: StyleBasedGenerator, encoder: ResidualEncoder, latent_avg: Tensor):
        rows, dim, own = generator.layout.rows, generator.config.style_dim, encoder.config
        if (own.rows, own.style_dim) != (rows, dim):
            raise ConfigError(
                f"an encoder of {own.rows} rows of width {own.style_dim} for a generator of {rows} rows of width {dim}"
            )
        self.generator, self.size, self.enlarging = generator, own.size, own.enlarging
        #: In which the generator renders between the passes: "fp32", or "bf16" in autocast.
        self.precision: Precision = "fp32"
        #: The encoder, or a data-parallel wrapper around it.
        self.encoder: nn.Module = encoder
        self.start_code = latent_avg.to(generator.device).expand(rows, -1)[None]
        with torch.no_grad():
            self.start_image = generator(self.start_code).image

    @classmethod
    def of(cls, generator: StyleBasedGenerator, stored: StoredEncoder, dtype: torch.dtype = torch.float32) -> "Refiner":
        """For inference: the stored encoder, folded, its weights in ``dtype``; in bfloat16 the generator renders in it
        too.

        An encoder reads for its own generator, and for those that were made of it. Raises ConfigError for any other.
        """
        known = (generator.fingerprint, *generator.lineage)
        if stored.fingerprint and generator.fingerprint and stored.fingerprint not in known:
            raise ConfigError(f"this encoder belongs to generator {stored.fingerprint}, not to {generator.fingerprint}")
        made = cls(generator, stored.encoder.for_inference(dtype).to(generator.device), stored.latent_avg)
        made.precision = "bf16" if dtype == torch.bfloat16 else "fp32"
        return made

    def to(self, device: torch.device | str) -> Self:
        """Move the encoder and what refinement starts from, after the generator; returns this object."""
        self.encoder.to(device)
        self.start_code, self.start_image = self.start_code.to(device), self.start_image.to(device)
        return self

    def start(self, batch: int) -> tuple[Tensor, Tensor]:
        """The mean code (B, L, D) and its rendering (B, 3, H, W)."""
        return self.start_code.expand(batch, -1, -1), self.start_image.expand(batch, -1, -1, -1)

    def fit(self, images: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) at the encoder's size, smaller ones enlarged as it was trained to read them."""
        return fit(images.to(self.generator.device), self.size, self.enlarging)

    def step(self, target: Tensor, code: Tensor, image: Tensor, noise: Noise = "const") -> tuple[Tensor, Tensor]:
        """The next code and its rendering, of pictures (B, 3, S, S) at the encoder's size; differentiable in the
        encoder through this step alone."""
        code = self.encode(target, code, image)
        with cast(self.precision, code.device):
            return code, self.generator(code, noise=noise).image

    def encode(self, target: Tensor, code: Tensor, image: Tensor) -> Tensor:
        """The code after this one (B, L, D), of pictures (B, 3, S, S) and the code's rendering (B, 3, H, W)."""
        shown = self.fit(image.detach())
        return code.detach() + self.encoder(torch.cat([target, shown], dim=1))

    def refine(
        self, images: Tensor, steps: int, start: tuple[Tensor, Tensor] | None = None, noise: Noise = "const"
    ) -> Refinement:
        """``steps`` refinements of pictures (B, 3, H, W) in [-1, 1], from the mean code or ``start`` (code, image)."""
        target = self.fit(images)
        code, image = start or self.start(len(images))
        codes, pictures = [code], [image]
        for _ in range(steps):
            code, image = self.step(target, code, image, noise)
            codes.append(code)
            pictures.append(image)
        return Refinement(tuple(codes), tuple(pictures))
