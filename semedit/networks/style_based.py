"""What all style-based generators share: z is mapped to w, rows of w become a picture, and codes know whose they are.

Reference: Karras et al., "A Style-Based Generator Architecture for Generative Adversarial Networks", 2019,
https://arxiv.org/abs/1812.04948. Inverters and editors ask no more of a generator than what stands here, so that they
run on any; what needs regions finds out by ``regions``, which is empty where a generator knows none.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from semedit.config import Config
from semedit.errors import ConfigError, LatentError
from semedit.latents.latent import Latent
from semedit.latents.layout import LatentLayout
from semedit.latents.regions import RegionTable
from semedit.networks.layers import EqualLinear, Folded
from semedit.networks.ops import pixel_norm
from semedit.storage.tensors import check_finite

Noise = Literal["const", "random"] | list[Tensor]
#: No network is wider, makes larger pictures, or is deeper than this.
MOST, MOST_LAYERS = 2**14, 256


class StyleBasedConfig(Config):
    """The sizes that every style-based generator has: pictures of ``size`` px, codes of width ``style_dim``, and a
    mapping network of ``mapping_layers`` that learns at the share ``mapping_lr_mul`` of the rate."""

    size: int = Field(description="side of pictures in px, a power of two")
    style_dim: int = Field(description="width D of z and of w")
    mapping_layers: int = Field(description="layers from z to w")
    mapping_lr_mul: float = Field(description="share of the learning rate at which the mapping learns")


class MappingNetwork(nn.Module):
    """z (B, D) -> w (B, D): PixelNorm, then EqualLinear layers with the leaky activation.

    ``dim`` is D, ``layers`` their number, ``lr_mul`` the share of the learning rate at which they learn.
    """

    def __init__(self, dim: int, layers: int, lr_mul: float):
        super().__init__()
        self.dim = dim
        self.layers = nn.ModuleList(EqualLinear(dim, dim, lr_mul=lr_mul, activate=True) for _ in range(layers))
        self._means: dict[tuple[int, int], Folded] = {}

    def forward(self, z: Tensor) -> Tensor:
        w = pixel_norm(z)
        for layer in self.layers:
            w = layer(w)
        return w

    @torch.no_grad()
    def mean(self, samples: int, seed: int) -> Tensor:
        """Mean mapped code (1, D) over ``samples`` draws of z from a CPU generator with ``seed``.

        While the weights are frozen it is computed once, and again after they have changed.
        """

        def make() -> Tensor:
            z = torch.randn(samples, self.dim, generator=torch.Generator().manual_seed(seed))
            like = next(self.parameters(), z)
            with torch.autocast(like.device.type, enabled=False):  # what is kept must not depend on who asks first
                return self(z.to(like)).mean(0, keepdim=True)

        kept = self._means.setdefault((samples, seed), Folded())
        return kept(make, *self.parameters()).clone()


def noise_maps(noise: Noise, buffers: list[Tensor], batch: int) -> list[Tensor]:
    """The maps that ``noise`` stands for: the buffers, fresh draws (B, 1, H, W), or those given.

    Raises ConfigError for another word, or for maps of other sizes than the buffers.
    """
    if isinstance(noise, str):
        if noise == "const":
            return buffers
        if noise == "random":
            return [torch.randn(batch, *b.shape[1:], device=b.device, dtype=b.dtype) for b in buffers]
        raise ConfigError(f"noise is 'const', 'random' or a list of tensors, not '{noise}'")
    if len(noise) != len(buffers) or any(n.shape[-2:] != b.shape[-2:] for n, b in zip(noise, buffers, strict=True)):
        wanted = ", ".join(f"{b.shape[-1]}x{b.shape[-2]}" for b in buffers)
        raise ConfigError(f"noise needs {len(buffers)} maps of sizes {wanted}")
    return list(noise)


class StyleBasedGenerator(nn.Module, ABC):
    """A generator as inverters, editors and trainers see it.

    Called with a Latent or a tensor of codes, and ``noise``, it returns a Rendering; a function ``visit`` sees, and may
    replace, what its layers read: their number, their input, and the picture so far. ``layout`` says how the rows of
    its codes are laid out, ``regions`` which regions it knows.
    """

    #: What its native weight files say they hold.
    KIND: ClassVar[str]
    #: The names of its parts, modules or parameters, besides the mapping.
    PARTS: ClassVar[tuple[str, ...]]

    config: StyleBasedConfig
    regions: RegionTable
    layout: LatentLayout
    mapping: MappingNetwork
    #: Set by whoever loads or saves the weights; ties latent codes to them.
    fingerprint: str = ""
    #: Fingerprints of the generators that this one was adapted from, whose codes it reads too.
    lineage: tuple[str, ...] = ()
    #: Fingerprints of the generators that were grown from this one or those, so that codes mean the same in all.
    grown: tuple[str, ...] = ()

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where its weights lie."""

    @abstractmethod
    def noise_maps(self, noise: Noise, batch: int) -> list[Tensor]:
        """The noise maps that ``noise`` stands for: buffers, fresh draws (B, 1, H, W), or a given list."""

    @abstractmethod
    def save_memory(self, on: bool) -> None:
        """Whether the layers of its synthesis are computed anew in the backward pass, instead of being kept."""

    @property
    def label_table(self) -> RegionTable:
        """What the label maps of its pictures mean, where they have any."""
        return self.regions

    def check(self, latent: Latent) -> None:
        """LatentError unless ``latent`` is a finite code of this generator, of one that it was adapted from, or of one
        that was grown from these."""
        if not isinstance(latent, Latent):
            raise LatentError(
                f"a {type(latent).__name__} where a Latent is wanted; sample, invert and generator.latent give one"
            )
        check_finite({"latent": latent.data}, "a code", LatentError)
        latent.check_generator(self.fingerprint, *self.lineage, *self.grown)

    def mean_w(self, samples: int = 10_000, seed: int = 0) -> Tensor:
        """Mean mapped code (1, D) over ``samples`` draws of z from a CPU generator with ``seed``; see the mapping's."""
        return self.mapping.mean(samples, seed)

    def latent(self, data: Tensor, **metadata: object) -> Latent:
        """Wrap a code tensor of this generator as a Latent, its space told by its shape."""
        return Latent.of(data, layout=self.layout, regions=self.regions, fingerprint=self.fingerprint, **metadata)

    def in_style_space(self, latent: Latent) -> Latent:  # noqa: ARG002
        """The same codes in S. LatentError for a generator that has no such space."""
        raise LatentError(f"a {self.KIND} has no codes in S; they are StyleGAN2's")

    def placing(self, latent: Latent, device: torch.device) -> dict[str, Tensor]:  # noqa: ARG002
        """Further options of a call for codes whose regions were moved; none where regions cannot be."""
        return {}

    def stored(self) -> Mapping[str, Tensor]:
        """The tensors of its weight file."""
        return self.state_dict()
