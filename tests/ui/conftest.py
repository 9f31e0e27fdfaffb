"""What the tests of the page share: a shipped model, a desk of it, a photo."""

import pytest

from semedit.domains.portraits.drawing.renderer import render
from semedit.domains.portraits.law import sample_factors
from semedit.editing.loading import load
from semedit.pictures.sheets import save_picture
from semedit.ui.beginning import begin_at_random
from semedit.ui.desk import Desk


@pytest.fixture(scope="session")
def shipped():
    return load("portraits-128")


@pytest.fixture(scope="session")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "a photo.png"
    save_picture(render(sample_factors(1, 31), 128)[0][0], path)
    return path


@pytest.fixture
def desk(shipped, tmp_path):
    return Desk(shipped, tmp_path / "desk", "portraits-128")


@pytest.fixture
def begun(desk):
    """A desk with a random portrait on it."""
    begin_at_random(desk, 3)
    return desk
