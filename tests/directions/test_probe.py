"""Calibration: what strength 1 has to mean."""

import pytest

from directions.probe import shortest


@pytest.mark.parametrize("curve, wanted", [
    ([0.1, 0.3, 0.5], (2.5, 0.4)), ([0.5, 0.6, 0.7], (0.8, 0.4)), ([0.1, 0.3, 0.2], (2.0, 0.3)),
])  # fmt: skip
def test_calibration_interpolates_or_takes_the_best(curve, wanted):
    assert shortest((1.0, 2.0, 3.0), curve) == pytest.approx(wanted)
