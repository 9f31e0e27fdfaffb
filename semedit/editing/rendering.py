"""Random codes of a generator, and the pictures of codes."""

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, Protocol

import torch
from torch import Tensor

from semedit.config import check_seed, finite
from semedit.editing.generators import semantic
from semedit.errors import ConfigError, UnknownName
from semedit.latents.latent import Latent
from semedit.latents.truncation import TRUNCATION
from semedit.networks.precision import Precision, cast
from semedit.networks.retouching import Retouching
from semedit.networks.style_based import StyleBasedGenerator
from semedit.networks.synthesis import Rendering

Progress = Callable[[int, int], None]


class Backend(Protocol):
    """Another runtime that renders a generator's codes, those that it ``takes``."""

    def takes(self, latent: Latent) -> bool: ...

    def __call__(self, latent: Latent) -> Rendering: ...


class CodeRenderer:
    """A generator in a precision: it draws codes and shows them. Raises UnknownName for another precision."""

    def __init__(self, generator: StyleBasedGenerator, precision: Precision = "fp32"):
        if precision not in ("fp32", "bf16"):
            raise UnknownName("precision", precision, ("fp32", "bf16"))
        self.generator, self.precision = generator, precision
        #: What renders in torch's place where it can.
        self.backend: Backend | None = None

    @property
    def device(self) -> torch.device:
        return self.generator.device

    def sample(self, count: int, seed: int = 0, psi: float = TRUNCATION) -> Latent:
        """``count`` random codes in W (B, D), truncated towards the mean by ``psi`` (1 leaves them).

        Raises ConfigError for a count below 1, a seed that is none, or a ``psi`` that is no finite number.
        """
        if not isinstance(count, int) or count < 1:
            raise ConfigError(f"a count is a whole number of at least 1, not {count}")
        seed, psi = check_seed(seed), finite(psi, "psi")
        z = torch.randn(count, self.generator.config.style_dim, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            latent = self.generator.latent(self.generator.mapping(z.to(self.generator.device)))
        if psi != 1:
            latent = latent.truncate(self.generator.mean_w(), psi)
        return latent.annotated(seed=seed, psi=psi)

    def synthesise(
        self,
        latent: Latent,
        batch: int = 8,
        noise: Literal["const", "random"] = "const",
        progress: Progress | None = None,
        **options: Tensor,
    ) -> Rendering:
        """Render codes, ``batch`` at a time, in the model's precision. LatentError for codes of another generator.

        ``noise`` is "const" or "random"; ``options`` are the semantic generator's ``composition``, ``coords`` and
        ``background``, one entry for each code; ConfigError where the model has no regions. ``progress`` hears of the
        codes that are done.
        """
        return Rendering.cat(list(self.renders(latent, batch, noise, progress, **options)))

    def renders(
        self,
        latent: Latent,
        batch: int = 8,
        noise: Literal["const", "random"] = "const",
        progress: Progress | None = None,
        **options: Tensor,
    ) -> Iterator[Rendering]:
        """As :meth:`synthesise`, ``batch`` pictures after the other: of many, no more than these are in memory."""
        self.generator.check(latent)
        if options:
            semantic(self.generator, " and ".join(options))
        for i in range(0, len(latent), batch):
            if progress:
                progress(i, len(latent))
            yield self._render(
                latent[i : i + batch], noise, {name: value[i : i + batch] for name, value in options.items()}
            )

    @torch.no_grad()
    def _render(self, latent: Latent, noise: Literal["const", "random"], options: Mapping[str, Tensor]) -> Rendering:
        device = self.generator.device
        if self.backend and noise == "const" and not options and device.type == "cpu" and self.backend.takes(latent):
            return self.backend(latent)
        here = {name: value.to(device) for name, value in options.items()}
        with cast(self.precision, device):
            made: Rendering = self.generator(latent.to(device), noise=noise, **here)
        return made

    def retouching(self) -> Retouching:
        """Renders for a slider: of codes that differ in some regions, what did not change is kept between them.

        ``retouching().render(latent)`` gives what :meth:`synthesise` does, to 1e-5 in fp32, in a fraction of the time
        where small regions move. Raises ConfigError for a generator without regions.
        """
        return Retouching(semantic(self.generator, "a slider of regions"), self.precision)
