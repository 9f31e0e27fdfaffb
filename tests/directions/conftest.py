"""What the tests of editors share: codes, a direction and a flow that are learnt in a moment."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from directions import FlowLibrary, FlowTraining, InterFaceGAN
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.model import Model
from semedit.latents.latent import Latent
from tests.conftest import random_generator


def fitted(width: int = 16, seed: int = 0, **options) -> InterFaceGAN:
    random = np.random.default_rng(seed)
    codes = random.normal(size=(2000, width)).astype(np.float32)
    normal = random.normal(size=width)
    return InterFaceGAN("smile", chosen=0.1, **options).fit(codes, (codes @ normal).astype(np.float32))


def brightness(latent: Latent) -> torch.Tensor:
    """A labeller for tests: two attributes of a code, smooth functions of its first row."""
    return torch.sigmoid(latent.wplus().data[:, 0, :2])


@pytest.fixture(scope="session")
def flow(small):
    codes = torch.randn(600, 16, generator=torch.Generator().manual_seed(5))
    training = FlowTraining(epochs=12, batch=64, lr=3e-3)
    library = FlowLibrary(("smile", "beard"), small.fingerprint, brightness, training=training)
    return library.fit(codes, torch.sigmoid(codes[:, :2]))


@pytest.fixture
def codes(small):
    return small.latent(torch.randn(3, 16, generator=torch.Generator().manual_seed(2)))


class Brightness:
    """A scorer that a test can read: how bright the upper and the lower half of a picture are."""

    names = ("smile", "beard")
    protocol = "brightness"

    def __init__(self):
        self.seen = 0

    def score(self, images):
        self.seen += len(images)
        halves = images.mean(1).chunk(2, dim=1)
        return torch.sigmoid(torch.stack([10 * half.mean((1, 2)) for half in halves], dim=1))


@pytest.fixture
def model():
    """A small random generator in a domain whose classifier is Brightness."""
    domain = replace(PORTRAITS, attributes=Brightness, edit_regions={"smile": "region1"})
    return Model(random_generator(), domain, "m")
