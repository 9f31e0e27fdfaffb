"""Configurations: changed only by what checks the change, and read back without loss."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from semedit.config import Config
from semedit.errors import ConfigError

ROOT = Path(__file__).parents[2]


class Inner(Config):
    width: int = Field(4, ge=1)


class Outer(Config):
    noun = "example"
    inner: Inner = Inner()
    lr: float = Field(0.1, gt=0)


class TestReplace:
    @given(width=st.integers(1, 99), lr=st.floats(1e-6, 1e3))
    def test_it_is_what_a_new_one_would_be(self, width, lr):
        changed = Outer().replace(inner=Inner(width=width), lr=lr)
        assert changed == Outer(inner=Inner(width=width), lr=lr) == Outer.from_json(changed.to_json())

    def test_nothing_changed_is_the_same(self):
        assert Outer(lr=3.0).replace() == Outer(lr=3.0)

    @pytest.mark.parametrize(
        "change, word", [({"lr": -1.0}, "lr"), ({"lrr": 1.0}, "valid options"), ({"inner": 3}, "inner")]
    )
    def test_a_change_is_checked(self, change, word):
        with pytest.raises(ConfigError, match=word):
            Outer().replace(**change)

    def test_no_way_around_the_check_is_taken(self):
        """pydantic's own copy takes any value; ``replace`` stands for it everywhere."""
        unchecked = "model_" + "copy"
        for package in ("semedit", "encoders", "directions", "baselines", "benchmarks", "tests"):
            for path in (ROOT / package).rglob("*.py"):
                assert unchecked not in path.read_text(), path
