"""The world in which hostile cases are tried: a user's folder, a tiny random model, files of every kind."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from baselines.stylefusion.checkpoint import save_fusion_net
from baselines.stylefusion.fusion_net import FusionConfig, FusionNet
from directions.interfacegan.editor import InterFaceGAN
from directions.interfacegan.library import DirectionLibrary
from directions.styleflow.flow import ConditionalFlow, FlowConfig
from directions.styleflow.official import save_official_flow
from encoders.backbone import EncoderConfig, ResidualEncoder
from encoders.checkpoint import save_encoder
from encoders.official import to_official as encoder_to_official
from encoders.pivotal_tuning import save_difference
from encoders.stored import StoredEncoder
from semedit.checkpoints import zoo
from semedit.checkpoints.native import freeze, save_discriminator, save_generator
from semedit.checkpoints.official import save_official
from semedit.latents.regions import CELEBAMASK
from semedit.networks.discriminator import DualDiscriminator
from semedit.networks.generator import SemanticGenerator
from semedit.training.gan.recipes import recipe
from semedit.training.gan.state import initial_state, save_state

MODEL = "tiny"


@dataclass(frozen=True)
class World:
    """``root`` is all there is; the user works in ``root/user``, results belong into ``root/out``.

    ``natives`` and ``officials`` are intact files, by kind, from which broken ones are made in ``root/out/broken``.
    """

    root: Path
    natives: dict[str, Path]
    officials: dict[str, Path]

    @property
    def user(self) -> Path:
        return self.root / "user"

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def broken(self) -> Path:
        return self.out / "broken"

    @property
    def picture(self) -> Path:
        return self.user / "photo.png"


def build(root: Path) -> World:
    """Make the world, and move into the user's folder."""
    user, made = root / "user", root / "intact"
    for folder in (user, made, root / "out" / "broken", root / "home"):
        folder.mkdir(parents=True)
    os.environ["SEMEDIT_HOME"] = str(root / "home")
    os.chdir(user)
    picture = np.random.default_rng(0).integers(0, 255, (24, 20, 3), np.uint8)
    Image.fromarray(picture).resize((60, 72), Image.Resampling.BICUBIC).save(user / "photo.png")
    (user / "notes.txt").write_text("mine")
    (user / "manifest.json").write_text('{"mine": true}')
    config = recipe("portraits-tiny")
    torch.manual_seed(0)
    generator = freeze(SemanticGenerator(config.generator, CELEBAMASK))
    natives = _natives(made, generator)
    zoo.add(MODEL, natives["generator"], "portraits")
    folder = root / "home" / "models" / MODEL
    (folder / DirectionLibrary.FILE).write_bytes(natives["directions"].read_bytes())
    return World(root, natives, _officials(made, generator))


def _natives(folder: Path, generator: SemanticGenerator) -> dict[str, Path]:
    config, dim = recipe("portraits-tiny"), generator.config.style_dim
    names = ("generator", "discriminator", "directions", "encoder", "difference", "fusion", "state", "latent")
    paths = {name: folder / f"{name}.safetensors" for name in names}
    save_generator(paths["generator"], generator, extra={"domain": "portraits"})
    save_discriminator(paths["discriminator"], DualDiscriminator(config.discriminator))
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((64, dim)).astype(np.float32)
    fitted = {name: InterFaceGAN(name, regions="mouth", chosen=0.25).fit(codes, codes[:, i])
              for i, name in enumerate(("smile", "bangs"))}  # fmt: skip
    DirectionLibrary(fitted, generator.fingerprint).save(paths["directions"])
    rows = generator.layout.rows
    encoder = ResidualEncoder(EncoderConfig(size=32, rows=rows, style_dim=dim, widths=(16, 16), units=(1, 1)))
    save_encoder(paths["encoder"], StoredEncoder(encoder, torch.zeros(1, dim), generator.fingerprint))
    twin = SemanticGenerator(generator.config, CELEBAMASK)
    save_difference(paths["difference"], twin, generator)
    save_fusion_net(paths["fusion"], FusionNet(FusionConfig(width=8, hidden=(8,))), half=True)
    save_state(paths["state"], config, initial_state(config, torch.device("cpu"), CELEBAMASK))
    latent = generator.latent(generator.mapping(torch.randn(1, dim))).annotated(source="photo.png")
    latent = fitted["smile"].edit(latent, 1.0)
    latent.save(paths["latent"])
    return paths


def _officials(folder: Path, generator: SemanticGenerator) -> dict[str, Path]:
    paths = {name: folder / f"{name}.pt" for name in ("generator", "encoder", "flow")}
    save_official(paths["generator"], generator)
    encoder = ResidualEncoder(EncoderConfig(size=32, rows=4, style_dim=16, widths=(16, 16), units=(1, 1)))
    state = {f"encoder.{name}": tensor for name, tensor in encoder_to_official(encoder).items()}
    torch.save({"state_dict": state, "latent_avg": torch.zeros(16)}, paths["encoder"])
    save_official_flow(paths["flow"], ConditionalFlow(FlowConfig(dim=16, attributes=2, layers=2)))
    return paths
