"""Fixtures that the tests of the benchmarks share."""

import pytest

from baselines.stylegan2 import StyleGAN2Generator
from tests.baselines.networks import random_stylegan2


@pytest.fixture(scope="session")
def stylegan2() -> StyleGAN2Generator:
    """A small generator with random weights."""
    return random_stylegan2()
