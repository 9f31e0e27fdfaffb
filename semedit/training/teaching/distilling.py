"""A trained generator as a teacher: its own samples are the lessons of a smaller one."""

import torch
from torch import Tensor
from torch.nn import functional as F

from semedit.data.lessons import Lessons, mixed_rows
from semedit.errors import ConfigError
from semedit.networks.generator import GeneratorConfig, SemanticGenerator
from semedit.networks.style_based import StyleBasedConfig
from semedit.pictures.tensors import to_bytes

BATCH = 16


class GeneratorTeacher:
    """A generator teaches a smaller one (distillation): its samples are the lessons, its w is what w should tell.

    The student reads the same z, so it has the teacher's style width and, if it knows any, regions and base rows; it
    may be of any size up to the teacher's. Raises ConfigError where these differ.
    """

    def __init__(self, generator: SemanticGenerator, student: StyleBasedConfig, mixing: float = 0.6):
        own = generator.config
        rows = ("regions", "base_layers") if isinstance(student, GeneratorConfig) else ()
        for name in ("style_dim", *rows):
            if getattr(own, name) != getattr(student, name):
                raise ConfigError(
                    f"the teacher's {name} is {getattr(own, name)}, the student's {getattr(student, name)}; "
                    "they read the same codes and must agree"
                )
        if student.size > own.size:
            raise ConfigError(f"a generator of {own.size} px cannot teach one of {student.size} px")
        self.generator, self.size, self.mixing = generator, student.size, mixing

    @property
    def key(self) -> str:
        return f"generator {self.generator.fingerprint} at {self.size} px, mixing {self.mixing}"

    @torch.no_grad()
    def lessons(self, count: int, seed: int, held_out: bool = False) -> Lessons:  # noqa: ARG002 (samples never repeat)
        """``count`` samples of the teacher."""
        generator, draws = self.generator, torch.Generator().manual_seed(seed)
        width, device = generator.config.style_dim, generator.device
        first, second = (torch.randn(count, width, generator=draws) for _ in range(2))
        rows = mixed_rows(count, generator.layout.regions, generator.layout.base_rows, self.mixing, draws)
        images, labels, opaque = [], [], []
        solid = torch.ones(generator.config.regions, dtype=torch.bool, device=device)
        solid[list(generator.config.transparent)] = False
        factor = generator.config.size // self.size
        for part in torch.arange(count).split(BATCH):
            a, b = (generator.mapping(z[part].to(device))[:, None] for z in (first, second))
            out = generator(torch.where(rows[part, :, None].to(device), b, a))
            images.append(to_bytes(F.avg_pool2d(out.image, factor)).cpu())
            masks = F.avg_pool2d(out.segmentation, factor)
            labels.append(masks.argmax(1).byte().cpu())
            opaque.append(masks.where(solid[None, :, None, None], -torch.inf).argmax(1).byte().cpu())
        return Lessons(torch.cat(images), torch.cat(labels), torch.cat(opaque), first, second, rows)

    @torch.no_grad()
    def targets(self, codes: Tensor) -> Tensor:
        """The teacher's w (B, D)."""
        return self.generator.mapping(codes)
