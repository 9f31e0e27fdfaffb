"""The smallest set of regions that keeps an edit's gain."""

import pytest
import torch

from directions import AttributeEditor, Calibration, Probe, choose_regions


class OnlyOneRegion(AttributeEditor):
    """An editor whose default is one region."""

    DISTANCES = (1.0, 2.0)
    attribute, calibration_ = "smile", Calibration("region2")

    def check_fitted(self):
        pass

    def move(self, latent, strength, regions):
        raise AssertionError("edits are measured by Wanted")

    def preserving(self, others):
        return self


class Wanted(Probe):
    """A probe that says what each region is worth, instead of measuring pictures."""

    def __init__(self, model, worth):
        self.model, self.worth, self.names, self.target = model, worth, ("smile", "beard"), 0.4

    def changes(self, editor, strength, regions=None):
        parts = (regions or editor.regions_).split(",")
        unrelated = 0.01 * len(parts)
        gain = sum(self.worth.get(p.partition(":")[0], 0) * (0.3 if p.endswith(":texture") else 1) for p in parts)
        return torch.tensor([gain, unrelated]), 0.1 * len(parts)


@pytest.mark.parametrize("worth, wanted", [
    ({"region1": 0.5}, "region1:shape"), ({"region1": 0.30, "region3": 0.2}, "region1:shape,region3:shape"),
    ({"region2": 0.95, "region0": 0.05}, "region2:shape"), ({}, "region2"),
])  # fmt: skip
def test_the_smallest_set_that_keeps_the_gain(model, worth, wanted):
    found, _, table = choose_regions(Wanted(model, worth), OnlyOneRegion())
    assert found == wanted
    assert {"pose", "region0"} <= {effect.regions for effect in table} and "pose" not in found
