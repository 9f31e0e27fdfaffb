"""The law of portraits: what codes stand for, row by row, and back."""

import pytest
import torch

from semedit.domains.portraits.distributions import Switch
from semedit.domains.portraits.drawing.renderer import draw
from semedit.domains.portraits.factors import ATTRIBUTES, attributes
from semedit.domains.portraits.law import (
    BY_NAME,
    COORDINATES,
    LAW,
    TURNS,
    WIDTH,
    codes_of,
    draw_codes,
    factors_of,
    row_of,
    sample_factors,
    turned,
)
from semedit.errors import ConfigError, LatentError, UnknownName
from semedit.latents.regions import CELEBAMASK

BASE = 2
ROWS = BASE + 2 * len(CELEBAMASK)


@pytest.fixture(scope="module")
def codes():
    return torch.randn(4000, 128, generator=torch.Generator().manual_seed(3))


def test_codes_and_the_sampler_draw_the_same_distribution(codes):
    read, drawn = factors_of(codes), sample_factors(4000, 5)
    for name, value in read.values.items():
        spread = drawn[name].std(0).clamp(min=1e-3)
        assert ((value.mean(0) - drawn[name].mean(0)).abs() / spread < 0.1).all(), name
    rates = [attributes(factors).mean(0) for factors in (read, drawn)]
    torch.testing.assert_close(rates[0], rates[1], rtol=0, atol=0.03)


def test_factors_lie_in_their_ranges_and_switches_at_their_rates(codes):
    factors = factors_of(codes)
    for entry in LAW:
        low, high = entry.distribution.range
        if entry.name not in ("hair_length",):  # hair in a bun is shorter
            assert factors[entry.name].min() >= low - 1e-5 and factors[entry.name].max() <= high + 1e-5, entry.name
        if isinstance(entry.distribution, Switch) and entry.name not in ("bangs", "bun"):  # a bald head has neither
            assert abs(factors[entry.name].mean().item() - entry.distribution.rate) < 0.03, entry.name


def test_a_code_in_every_row_is_the_code_itself(codes):
    some = codes[:16]
    rows = some[:, None].expand(-1, ROWS, -1)
    one, other = factors_of(some), factors_of(rows)
    for name in one.values:
        torch.testing.assert_close(one[name], other[name], rtol=0, atol=1e-6)


@pytest.mark.parametrize("region", ["hair", "mouth", "skin", "glasses", "background"])
def test_a_row_owns_its_factors_and_no_others(region, codes):
    rows = codes[:32, None].repeat(1, ROWS, 1)
    index = CELEBAMASK.index(region)
    own = [BASE + 2 * index, BASE + 2 * index + 1]
    rows[:, own] = codes[32:64, None]
    before, after = factors_of(codes[:32]), factors_of(rows)
    for entry in LAW:
        same = torch.equal(before[entry.name], after[entry.name])
        assert same == (row_of(entry, BASE) not in own), entry.name


def test_another_background_leaves_every_other_pixel_alone(codes):
    rows = codes[:6, None].repeat(1, ROWS, 1)
    rows[:, BASE : BASE + 2] = codes[6:12, None]
    before, after = draw(factors_of(codes[:6]), 64), draw(factors_of(rows), 64)
    assert torch.equal(before.labels, after.labels)
    inside = torch.nn.functional.max_pool2d((before.labels == 0).float()[:, None], 3, 1, 1)[:, 0] == 0
    change = (before.images - after.images).abs().amax(1)[inside]
    assert (change > 0.02).float().mean() < 1e-3  # slivers between strands that show through


def test_codes_of_inverts_factors_of(codes):
    factors = factors_of(codes[:500])
    found = codes_of(factors, 128)
    torch.testing.assert_close(found.norm(dim=1), torch.full((500,), 128**0.5))
    again = factors_of(found)
    for entry in LAW:
        if entry.name not in ("bangs", "bun", "hair_length"):
            tolerance = 1e-3 * (entry.distribution.range[1] - entry.distribution.range[0])
            torch.testing.assert_close(again[entry.name], factors[entry.name], rtol=0, atol=tolerance)


@pytest.mark.parametrize("attribute", TURNS)
def test_turning_an_attribute_changes_it_and_little_else(attribute, codes):
    some, index = codes[:64], ATTRIBUTES.index(attribute)
    on, off = turned(some, attribute, True), turned(some, attribute, False)
    visible = torch.ones(64, dtype=torch.bool)
    if attribute in ("bangs", "long_hair", "dyed_hair"):  # of hair that is there, and not in a bun or under a hat
        visible = (on["bald"] == 0) & (on["bun"] == 0) & (on["hat"] == 0)
    if attribute == "earrings":
        visible = (on["bald"] == 1) | (on["hair_length"] < 0.3)
    assert attributes(on)[visible, index].all() and not attributes(off)[:, index].any()
    changed = {name for name in on.values if not torch.equal(on[name], off[name])}
    follows = {"bald": {"bangs", "bun", "hair_length"}, "dyed_hair": {"brow_dyed", "beard_dyed"},
               "smile": {"skin_smile", "eyes_smile"}}  # fmt: skip
    known = set(TURNS[attribute]) | follows.get(attribute, set())
    assert {name for name in changed if not name.endswith("_colour")} <= known


def test_turning_within_rows_changes_what_they_own():
    rows = draw_codes(16, 128, 1, BASE).rows()
    mouth = torch.zeros(ROWS, dtype=torch.bool)
    mouth[BASE + 2 * CELEBAMASK.index("mouth")] = True
    before, after = factors_of(rows), turned(rows, "smile", True, mouth)
    assert (after["smile"] > 0.7).all() and torch.equal(before["skin_smile"], after["skin_smile"])


def test_coordinates_are_monotone_and_belong_to_one_factor():
    ramp = torch.linspace(-3, 3, 101)
    for entry in LAW:
        assert (entry.distribution.of(ramp).diff() >= 0).all(), entry.name
        assert entry.reads == "" or COORDINATES[entry.name] == COORDINATES[entry.reads]
    assert len({COORDINATES[entry.name] for entry in LAW}) == WIDTH and len(BY_NAME) == len(LAW)


def test_codes_that_the_law_cannot_read_are_refused():
    with pytest.raises(ConfigError, match=f"reads {WIDTH} coordinates"):
        factors_of(torch.randn(2, 16))
    with pytest.raises(LatentError, match="base"):
        factors_of(torch.randn(2, 5, 128))
    with pytest.raises(UnknownName, match="did you mean 'smile'"):
        turned(torch.randn(2, 128), "smiel", True)
