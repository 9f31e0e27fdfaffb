"""Pictures become codes: faces found and cut, the encoder of a generator, and methods of inversion."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from encoders import DEFAULT, INVERTERS, WITHOUT_ENCODER, Refiner, chosen_options, load_encoder
from semedit.checkpoints import zoo
from semedit.config import Config
from semedit.domains import Domain
from semedit.domains.judges import judged_distances
from semedit.editing.rendering import CodeRenderer, Progress
from semedit.errors import ConfigError, ImageError, MissingWeights
from semedit.metrics.placed import placed
from semedit.networks.precision import Precision
from semedit.networks.style_based import StyleBasedGenerator
from semedit.pictures.alignment import Aligned, already_aligned
from semedit.pictures.reading import read_picture
from semedit.pictures.tensors import quantise, to_tensor
from semedit.protocols import Inversion, Inverter

Picture = str | Path | Image.Image | Tensor


class PictureInverter(CodeRenderer):
    """A generator with its domain and, where there is one, the encoder of its pictures.

    ``entry`` is the folder of the model, ``name`` what messages call it, ``encoder_path`` another encoder's file.
    """

    def __init__(
        self,
        generator: StyleBasedGenerator,
        domain: Domain,
        name: str = "",
        entry: zoo.ModelFolder | None = None,
        precision: Precision = "fp32",
        encoder_path: str | Path | None = None,
    ):
        super().__init__(generator, precision)
        self.domain, self.name, self.entry, self.encoder_path = domain, name, entry, encoder_path

    def align(self, picture: Picture, face: int | None = None, *, aligned: bool = False) -> Aligned:
        """Find and cut the face of a picture at the generator's size, as the domain does it; ``aligned`` ones are taken
        as they are."""
        if isinstance(picture, Tensor):
            raise ConfigError("a tensor is taken as aligned already; pass a file or a Pillow image to align")
        image = picture if isinstance(picture, Image.Image) else read_picture(picture)
        rgb, size = image.convert("RGB"), self.generator.config.size
        return already_aligned(rgb, size) if aligned else self.domain.align(rgb, size, face)

    @cached_property
    def refiner(self) -> Refiner:
        """The encoder with this generator. Raises MissingWeights if there is none for it."""
        path = self.encoder_path or (self.entry and self.entry.encoder_path)
        if not path:
            raise MissingWeights(
                f"model '{self.name}' has no encoder; 'semedit fit encoder --model {self.name}' trains one, --encoder "
                f"FILE names one, and --method optimize does without"
            )
        dtype = torch.bfloat16 if self.precision == "bf16" else torch.float32
        return Refiner.of(self.generator, load_encoder(path), dtype)

    @property
    def has_encoder(self) -> bool:
        return bool(self.encoder_path or (self.entry and self.entry.encoder_path))

    @property
    def default_method(self) -> str:
        """How pictures are inverted where nothing is said."""
        return DEFAULT if self.has_encoder else WITHOUT_ENCODER

    def inverter(self, method: str | None = None, overrides: list[str] | None = None, **options: Any) -> Inverter:
        """The inverter of a registered method, set up for this model; by default one that uses its encoder, if any.

        ``options`` override its defaults, and so do ``overrides``, texts such as "tuning.steps=100". Raises
        UnknownName, ConfigError, or MissingWeights for what the method needs.
        """
        method = method or self.default_method
        config = self.inversion_options(method, overrides, **options)
        kind: Any = INVERTERS[method]  # takes the options of its own class
        inverter: Inverter = kind.for_model(self, config)
        return inverter

    def inversion_options(self, method: str | None = None, overrides: list[str] | None = None,
                          **options: Any) -> Config:  # fmt: skip
        """The options of :meth:`inverter`, checked, without opening anything. Raises UnknownName or ConfigError."""
        method = method or self.default_method
        return chosen_options(method, self.domain.name, bool(self.generator.regions), overrides or (), **options)

    def invert(self, pictures: Picture | Aligned | Sequence[Picture | Aligned], *, face: int | None = None,
               inverter: Inverter | None = None, progress: Progress | None = None) -> Inversion:  # fmt: skip
        """Invert pictures (files, Pillow images, or what :meth:`align` gave) together, or a tensor (B, 3, H, W) of
        aligned ones in [-1, 1].

        ``inverter`` is one from :meth:`inverter`, by default that method's default. Identity joins the metrics; the
        alignment of a file or image joins the metadata of its latent: of the one, or of each that is taken out of the
        inversion by index. Raises MissingWeights, before the search, for a network that it or its metrics need.
        """
        inverter, identity = inverter or self.inverter(), placed(self.domain.identity(), self.device)
        aligned = [] if isinstance(pictures, Tensor) else self._aligned(pictures, face)
        target = pictures if isinstance(pictures, Tensor) else torch.stack([to_tensor(one.crop) for one in aligned])
        inversion = inverter.invert(target, progress)
        shown = quantise(inversion.reconstruction)
        alike = identity.identity(shown, inversion.target)
        distances, protocols = judged_distances(self.domain, shown, inversion.target)
        inversion = replace(
            inversion,
            latent=inversion.latent.annotated(method=inverter.method),
            metrics={**inversion.metrics, **distances, "identity": alike},
            protocols={**inversion.protocols, **protocols, "identity": identity.protocol},
            alignments=tuple(one.alignment for one in aligned),
        )
        return inversion[0] if len(inversion) == 1 else inversion

    def _aligned(self, pictures: Picture | Aligned | Sequence[Picture | Aligned], face: int | None) -> list[Aligned]:
        several = [pictures] if isinstance(pictures, str | Path | Image.Image | Tensor | Aligned) else pictures
        if not several:
            raise ImageError("no picture to invert")
        return [one if isinstance(one, Aligned) else self.align(one, face) for one in several]
