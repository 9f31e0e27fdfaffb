"""The world in which hostile cases are tried: a user's folder, a tiny random model, files of every kind."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from directions.interfacegan.library import DirectionLibrary
from semedit.checkpoints import zoo
from semedit.checkpoints.native import freeze
from semedit.editing.generators import load_generator
from semedit.latents.regions import CELEBAMASK
from semedit.networks.generator import SemanticGenerator
from semedit.training.gan.recipes import recipe
from tests.fuzz import intact

MODEL, RIVAL = "tiny", "rival"


@dataclass(frozen=True)
class World:
    """``root`` is all there is; the user works in ``root/user``, results belong into ``root/out``.

    ``natives``, ``officials``, ``arrays`` and ``tables`` are intact files, by kind, from which broken ones are made in
    ``root/out/broken``.
    """

    root: Path
    natives: dict[str, Path]
    officials: dict[str, Path]
    arrays: dict[str, Path]
    tables: dict[str, Path]

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
    natives = intact.natives(made, generator) | intact.networks(made)
    zoo.add(MODEL, natives["generator"], "portraits")
    folder = root / "home" / "models" / MODEL
    (folder / DirectionLibrary.FILE).write_bytes(natives["directions"].read_bytes())
    zoo.add(RIVAL, natives["stylegan2"], "portraits", opener=load_generator)
    others = intact.officials(made, generator), intact.arrays(made), intact.tables(made, generator)
    return World(root, natives, *others)
