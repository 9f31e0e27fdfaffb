"""Fixtures that the tests of the baselines share."""

import pytest

from baselines.stylegan2 import StyleGAN2Generator
from tests.baselines.networks import golden_stylegan2, random_stylegan2


@pytest.fixture(scope="session")
def stylegan2() -> StyleGAN2Generator:
    """A small generator with random weights."""
    return random_stylegan2()


@pytest.fixture(scope="session")
def golden64() -> StyleGAN2Generator:
    """The 64 px generator of the golden values."""
    return golden_stylegan2(64)
