"""The drawn domain: deterministic, exactly labelled, any size, two styles."""

import pytest
import torch

from semedit.data.drawn import cached_pool, draw_batch, draw_pool
from semedit.data.source import Share
from semedit.domains.faces import FACES
from semedit.domains.portraits.captions import (
    PROPERTIES,
    captions,
    property_captions,
    property_values,
    short_captions,
)
from semedit.domains.portraits.domain import PORTRAITS
from semedit.domains.portraits.drawing.renderer import render
from semedit.domains.portraits.factors import ATTRIBUTES, HAIR, attributes, hair_colours
from semedit.domains.portraits.law import identity_vector, sample_factors
from semedit.errors import ConfigError, UnknownName
from semedit.latents.regions import CELEBAMASK


@pytest.fixture(scope="module")
def drawn():
    factors = sample_factors(96, 4)
    return factors, *render(factors, 64)


def test_the_same_seed_draws_the_same_portraits(drawn):
    factors, images, labels = drawn
    again = sample_factors(96, 4)
    assert all(torch.equal(factors[name], again[name]) for name in factors.values)
    images_again, labels_again = render(again, 64)
    assert torch.equal(images, images_again) and torch.equal(labels, labels_again)
    assert not torch.equal(images, render(sample_factors(96, 5), 64)[0])


def test_a_portrait_does_not_depend_on_its_batch(drawn):
    factors, images, labels = drawn
    image, label = render(factors.select(slice(40, 41)), 64)
    torch.testing.assert_close(image[0], images[40], rtol=0, atol=1e-5)
    assert (label[0] != labels[40]).float().mean() < 1e-3


def test_ranges_and_shapes(drawn):
    _, images, labels = drawn
    assert images.shape == (96, 3, 64, 64) and images.min() >= -1 and images.max() <= 1 and not images.isnan().any()
    assert labels.shape == (96, 64, 64) and labels.dtype == torch.uint8


def test_beards_are_edited_in_the_paper_s_face():
    """Rows 4 and 5, the face of the paper, are those of our region 'skin'."""
    assert CELEBAMASK.select(PORTRAITS.edit_regions["beard"]).rows(2) == (4, 5)


def test_all_thirteen_regions_occur_and_the_main_ones_always(drawn):
    _, _, labels = drawn
    assert set(labels.unique().tolist()) == set(range(13))
    for name in ("background", "skin", "nose", "mouth", "neck"):
        assert (labels == CELEBAMASK.index(name)).flatten(1).any(1).float().mean() > 0.95, name
    eyes_or_lenses = (labels == CELEBAMASK.index("eyes")) | (labels == CELEBAMASK.index("glasses"))
    assert eyes_or_lenses.flatten(1).any(1).all()


@pytest.mark.parametrize("size", [16, 48, 128])
def test_label_maps_agree_across_sizes(size, drawn):
    factors, _, labels = drawn
    _, other = render(factors.select(slice(0, 16)), size)
    area = [(x[:16] == 7).float().mean() for x in (labels, other)]
    assert abs(area[0] - area[1]) < 0.03


@pytest.mark.parametrize("attr, factor, region", [("glasses", "glasses", 10), ("hat", "hat", 11)])
def test_a_switch_puts_its_region_on_and_off(attr, factor, region, drawn):
    factors, _, _ = drawn
    on, off = (render(factors.with_values(**{factor: value}), 64)[1] for value in (1.0, 0.0))
    assert (on == region).flatten(1).any(1).all() and not (off == region).any()


def test_one_factor_changes_its_own_part_of_the_picture(drawn):
    factors, _, _ = drawn
    neutral, smiling = (render(factors.with_values(smile=value), 64) for value in (0.0, 1.0))
    change = (neutral[0] - smiling[0]).abs().sum(1)
    face = torch.isin(neutral[1].long(), torch.tensor(CELEBAMASK.members("face") + CELEBAMASK.members("glasses")))
    assert (change * face).sum() / change.sum() > 0.97


def test_attributes_follow_the_factors(drawn):
    factors, _, _ = drawn
    truth = attributes(factors)
    assert truth.shape == (96, len(ATTRIBUTES)) and set(truth.unique().tolist()) == {0.0, 1.0}
    bald = attributes(factors.with_values(bald=1.0))
    assert (bald[:, ATTRIBUTES.index("bald")] == 1).all() and (bald[:, ATTRIBUTES.index("long_hair")] == 0).all()
    rates = attributes(sample_factors(4000, 9)).mean(0)
    assert (rates > 0.05).all() and (rates < 0.65).all()


def test_identities_are_shared_and_separate_from_the_scene():
    factors = sample_factors(6, 3, identities=torch.tensor([0, 0, 0, 1, 1, 1]))
    people = identity_vector(factors)
    assert torch.equal(people[0], people[2]) and not torch.equal(people[0], people[3])
    assert people.min() >= -1 and people.max() <= 1
    assert len(factors["yaw"].unique()) == 6


def test_captions_name_what_is_there(drawn):
    factors, _, _ = drawn
    for i, caption in enumerate(captions(factors)):
        assert caption.startswith("a person with")
        assert ("smiling" in caption) == bool(factors["smile"][i] > 0.5)
        assert ("glasses" in caption) == bool(factors["glasses"][i])
        if factors["bald"][i]:
            assert "a bald head" in caption
        else:
            assert f"{list(HAIR)[int(hair_colours(factors)[i])]} hair" in caption


def test_cel_style_is_flatter_and_keeps_the_labels(drawn):
    factors, soft, labels = drawn
    cel, cel_labels = render(factors, 64, "cel")
    assert torch.equal(labels, cel_labels)
    background = labels[:, 5, 5] == 0
    assert (
        cel[background][:, :, 2:6, 2:6].flatten(2).std(2).max()
        < soft[background][:, :, 2:6, 2:6].flatten(2).std(2).max()
    )
    with pytest.raises(UnknownName, match="soft"):
        render(factors, 64, "oil")  # type: ignore[arg-type]


def test_unknown_factors_are_refused(drawn):
    with pytest.raises(UnknownName, match="did you mean 'smile'"):
        drawn[0].with_values(smiel=1.0)


def test_pools_are_drawn_once_and_batches_follow_their_seed(tmp_path):
    first = cached_pool(PORTRAITS.draw, tmp_path, 20, 16, 1, "soft")
    again = cached_pool(PORTRAITS.draw, tmp_path, 20, 16, 1, "soft")
    fresh = draw_pool(PORTRAITS.draw, 20, 16, 1)
    assert torch.equal(first.images, again.images) and torch.equal(first.images, fresh.images)
    assert len(list(tmp_path.glob("pool-*"))) == 1
    one, two, other = (first.batch(4, seed, 13) for seed in (7, 7, 8))
    assert torch.equal(one.images, two.images) and not torch.equal(one.images, other.images)
    assert one.masks.shape == (4, 13, 16, 16) and torch.equal(one.masks.sum(1), torch.full((4, 16, 16), 2.0 - 13))


def test_a_painter_draws_any_slots_of_a_batch_and_what_is_known_of_them():
    paint = PORTRAITS.painter()
    whole = paint(6, 32, 5, "soft")
    factors = sample_factors(6, 5)
    images, labels = render(factors, 32)
    assert torch.equal(whole.images, images) and torch.equal(whole.labels, labels)
    assert torch.equal(whole.attributes, attributes(factors))
    part = paint(6, 32, 5, "soft", slots=slice(1, None, 2))
    assert torch.equal(part.images, images[1::2]) and torch.equal(part.attributes, whole.attributes[1::2])
    assert not torch.equal(paint(6, 32, 5, "cel").images, whole.images) and paint.styles == ("soft", "cel")
    with pytest.raises(UnknownName, match="drawing style"):
        paint(6, 32, 5, "oil")


def test_shares_of_a_drawn_batch_make_the_whole_one():
    options = {"regions": 13, "device": torch.device("cpu")}
    whole = draw_batch(PORTRAITS.draw, 6, 16, 2, "soft", share=Share(), **options)
    parts = [draw_batch(PORTRAITS.draw, 6, 16, 2, "soft", share=Share(i, 2), **options) for i in range(2)]
    for i, part in enumerate(parts):
        assert torch.equal(part.images, whole.images[i::2]) and torch.equal(part.masks, whole.masks[i::2])


def test_a_domain_without_a_painter_says_so():
    with pytest.raises(ConfigError, match="'faces' cannot be drawn; name them with --data"):
        FACES.painter()
    assert FACES.own_features() is None and PORTRAITS.own_features() is PORTRAITS.features()


def test_short_captions_and_properties_say_what_the_long_ones_say():
    factors = sample_factors(64, 12)
    whole, short = captions(factors), short_captions(factors, 6, 1)
    each, values = property_captions(factors), property_values(factors)
    assert short == short_captions(factors, 6, 1) and len({text for row in short for text in row}) > 100
    for i, caption in enumerate(whole):
        hair, skin, eyes, glasses, beard = each[i]
        assert skin.removeprefix("a person with ") in caption and eyes.removeprefix("a person with ") in caption
        assert ("without" in glasses) == (" glasses" not in caption) and ("without" in beard) == (
            " beard" not in caption
        )
        bald = "bald" in caption
        assert ("bald" in hair) == bald == (values[i, 0].item() == -1)
        for text in short[i]:
            for word in ("glasses", "beard", "bangs", "hat"):
                if word in text and not any(f"{no} {word}" in text for no in ("no", "without", "without a")):
                    assert word in caption, (text, caption)
    assert values.shape == (64, len(PROPERTIES))
