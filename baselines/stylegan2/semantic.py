"""SemanticGAN: a StyleGAN2 that puts out masks beside its pictures, with its own training or SemanticStyleGAN's.

Reference: Li et al., "Semantic Segmentation with Generative Models", 2021, https://arxiv.org/abs/2104.05833, as Shi et
al. 2022 compare with it (table 1): all labels are used; in the row "+ proposed training" the dual-branch discriminator
takes the place of the patch discriminator (:mod:`baselines.stylegan2.patches`). Departure: the head of a size puts out
picture and masks with one style, so that codes in S are those of a StyleGAN2. Codes have no regions: a mask is what w
says, and no row is its own.
"""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from torch import Tensor

from baselines.stylegan2 import recipes
from baselines.stylegan2.generator import StyleGAN2Config, StyleGAN2Generator, Visit
from baselines.stylegan2.patches import PatchDiscriminator, PatchDiscriminatorConfig
from baselines.stylegan2.style_code import StyleCode
from semedit.checkpoints.native import freeze
from semedit.errors import ConfigError
from semedit.latents.latent import Latent
from semedit.latents.regions import CELEBAMASK, RegionTable
from semedit.networks.discriminator import DiscriminatorConfig, DualDiscriminator
from semedit.networks.style_based import Noise
from semedit.networks.synthesis import Segmented
from semedit.storage.content import reading, shaped
from semedit.storage.weights import load_weights, opened
from semedit.training.engine.feed import DataConfig
from semedit.training.engine.state import STATE
from semedit.training.gan.config import GanConfig
from semedit.training.gan.state import GanState, initial_state, read_networks, state_of
from semedit.training.gan.trainer import Run


class SemanticGANConfig(StyleGAN2Config):
    """Sizes of a generator with masks."""

    noun: ClassVar[str] = "SemanticGAN configuration"

    regions: int = Field(13, ge=1, le=255, description="masks of each picture; 13 are CelebAMask-HQ's")

    @property
    def outputs(self) -> int:
        return 3 + self.regions


class SemanticGAN(StyleGAN2Generator):
    """A StyleGAN2 with masks of the regions of a table; ConfigError if these are not as many as its configuration's."""

    KIND: ClassVar[str] = "semanticgan"
    config: SemanticGANConfig

    def __init__(self, config: SemanticGANConfig, table: RegionTable = CELEBAMASK):
        if len(table) != config.regions:
            raise ConfigError(f"the region table has {len(table)} regions, the generator {config.regions}")
        super().__init__(config)
        self.table = table

    @property
    def label_table(self) -> RegionTable:
        return self.table

    def forward(
        self, latent: Latent | Tensor | StyleCode, *, noise: Noise = "const", visit: Visit | None = None
    ) -> Segmented:
        """Pictures and masks of codes in W, W+ or S; see :meth:`StyleGAN2Generator.forward`."""
        made = self.run(self.styles(latent), noise, visit)[1]
        return Segmented(made[:, :3], made[:, 3:])


class SemanticGANTrainConfig(GanConfig):
    """One run with the proposed training (dual-branch discriminator, R1 of pictures and masks apart), or with the patch
    discriminator, whose sizes ``discriminator`` has then."""

    noun: ClassVar[str] = "SemanticGAN training configuration"

    generator: SemanticGANConfig = Field(description="sizes of the generator")
    discriminator: DiscriminatorConfig | PatchDiscriminatorConfig = Field(
        description="sizes of the dual-branch discriminator, or, with scales, of the patch discriminator"
    )
    style_mixing: float = Field(0.9, ge=0, le=1, description="probability that a batch's rows come from two codes")
    lambda_mask: float = Field(0.0, ge=0, le=0, description="no weight: there are no coarse masks to agree with")

    def build_generator(self, regions: RegionTable) -> SemanticGAN:
        return SemanticGAN(self.generator, regions)

    def build_discriminator(self) -> DualDiscriminator | PatchDiscriminator:
        if isinstance(self.discriminator, PatchDiscriminatorConfig):
            return PatchDiscriminator(self.discriminator)
        return DualDiscriminator(self.discriminator)

    @property
    def regions(self) -> int:
        return self.generator.regions


class SemanticGANRun(Run):
    """One run folder of a SemanticGAN's training."""

    def check_start(self) -> None:
        """ConfigError for a start that is no other run's folder."""
        if not (Path(self.config.start) / STATE).is_file():
            raise ConfigError(f"{self.config.start}: a SemanticGAN starts from the folder of another run of one")

    def begin(self, regions: RegionTable) -> GanState:
        """Fresh networks, or those of another run folder; ConfigError for any other start."""
        config, device = self.config, self.team.device
        if not config.start:
            return initial_state(config, device, regions)
        self.check_start()
        generator, critic, average = read_networks(Path(config.start) / STATE, SemanticGANTrainConfig)
        if generator.config != config.generator or critic.config != config.discriminator:
            raise ConfigError(f"{config.start}: the start's networks are of other sizes than the run's")
        return state_of(config, device, generator, critic, average)


def load_semantic_gan(path: str | Path) -> SemanticGAN:
    """Open a native file or folder; the generator is frozen, in eval mode, with its fingerprint. CheckpointError."""
    weights = load_weights(path, SemanticGAN.KIND)
    with reading(path):
        table = RegionTable.from_json(weights.extra["regions"])
        config = SemanticGANConfig.from_json(dict(weights.config))
        generator = opened(lambda: SemanticGAN(config, table), weights.tensors, path)
        generator.lineage = tuple(shaped(list[str], weights.extra.get("lineage", []), path))
    return freeze(generator)


def celebamask_hq_256() -> SemanticGANTrainConfig:
    """The row "+ proposed training" of table 1: CelebAMask-HQ at 256 px, as SemanticStyleGAN is trained on it."""
    return SemanticGANTrainConfig(
        name="semanticgan-256", generator=SemanticGANConfig(size=256), discriminator=DiscriminatorConfig(size=256),
        data=DataConfig(domain="faces", path="celebamask-hq"),
    )  # fmt: skip


def with_patches(config: SemanticGANTrainConfig, name: str, **sizes: int) -> SemanticGANTrainConfig:
    """The same run with SemanticGAN's own patch discriminator. R1 of masks weighs like that of pictures: they are
    judged together."""
    critic = PatchDiscriminatorConfig(**config.discriminator.to_json(), **sizes)
    return config.replace(name=name, discriminator=critic, r1_mask=config.r1_image)


def portraits_tiny() -> SemanticGANTrainConfig:
    """A run of seconds, for tests and for looking at the machinery: 16 px."""
    plain = recipes.portraits_tiny()
    sizes = {name: value for name, value in plain.generator.to_json().items() if name != "regions"}
    return SemanticGANTrainConfig(
        name="semanticgan-portraits-tiny", generator=SemanticGANConfig(**sizes),
        discriminator=DiscriminatorConfig(size=16, channels=plain.discriminator.channels), images=160, batch=8,
        r1_image=1.0, r1_mask=20.0, data=plain.data, log_every=4, sheet_every=10, checkpoint_every=4, monitor_every=10,
        metric_samples=64,
    )  # fmt: skip


SEMANTIC_RECIPES: dict[str, Callable[[], SemanticGANTrainConfig]] = {
    "semanticgan-256": celebamask_hq_256,
    "semanticgan-patches-256": lambda: with_patches(celebamask_hq_256(), "semanticgan-patches-256"),
    "semanticgan-portraits-tiny": portraits_tiny,
    "semanticgan-patches-tiny": lambda: with_patches(
        portraits_tiny(), "semanticgan-patches-tiny", scales=1, patch_width=8
    ),
}
