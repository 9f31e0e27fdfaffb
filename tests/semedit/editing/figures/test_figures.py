"""The pictures that show a generator: what moves, what joins, what is mixed, and what stays."""

import pytest
import torch

from semedit.data.drawn import draw_pool
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.figures.compose import Place, compose, picture_features
from semedit.editing.figures.generator import components, mixing_grid, spline
from semedit.editing.model import Model
from semedit.errors import ConfigError, LatentError
from semedit.latents.latent import Latent
from semedit.metrics.pixels import psnr
from semedit.pictures.tensors import to_images
from tests.conftest import SMALL, random_generator


@pytest.fixture(scope="module")
def model():
    config = SMALL.replace(regions=13, transparent=(10, 12))
    return Model(random_generator(config), PORTRAITS, "random")


def test_a_spline_goes_through_its_keys_and_closes(model):
    keys = model.sample(4, 1).wplus()
    path = spline(keys, 40)
    for index in range(4):
        torch.testing.assert_close(path.data[10 * index], keys.data[index], rtol=1e-4, atol=1e-5)
    steps = (path.data.roll(-1, 0) - path.data).flatten(1).norm(dim=1)
    assert steps.max() < 4 * steps.mean()  # the last frame leads back to the first
    line = spline(keys[slice(0, 2)], 5, loop=False)
    torch.testing.assert_close(line.data[2], (keys.data[0] + keys.data[1]) / 2, rtol=1e-4, atol=1e-5)


def test_a_regional_spline_leaves_all_other_rows(model):
    keys = model.sample(3, 1).wplus()
    path, rows = spline(keys, 6, "hair"), keys.rows("hair")
    others = [row for row in range(keys.data.shape[1]) if row not in rows]
    assert torch.equal(path.data[:, others], keys.data[:1, others].expand(6, -1, -1))
    assert not torch.equal(path.data[1, list(rows)], keys.data[0, list(rows)])
    with pytest.raises(ConfigError, match="two codes and two frames"):
        spline(keys[0], 5)


def test_components_join_one_by_one(model):
    pictures, depths, names = components(model, model.sample(1, 2))
    assert names[0] == "background" and names[-2:] == ["glasses", "earrings"] and len(pictures) == len(depths) == 13
    whole = model.synthesise(model.sample(1, 2)).image[0]
    torch.testing.assert_close(pictures[-1], whole, rtol=1e-3, atol=1e-4)
    assert depths.min() >= -1 and depths.max() <= 1
    other = model.sample(1, 3).wplus().with_rows(model.sample(1, 2).wplus(), model.sample(1, 2).rows("background"))
    torch.testing.assert_close(components(model, other)[0][0], pictures[0], rtol=1e-3, atol=1e-4)
    with pytest.raises(LatentError, match="one code"):
        components(model, model.sample(2))


def test_mixing_takes_the_columns_rows_only(model):
    samples, references = model.sample(2, 1), model.sample(2, 2)
    grid = mixing_grid(model, samples, references, {"hair": "hair", "mouth": "mouth"})
    assert len(grid) == 9 and (grid[0] == 1).all()
    torch.testing.assert_close(grid[1], model.synthesise(references).image[0])
    base = samples.wplus()
    expected = base.with_rows(references[0].wplus().repeat(2), base.rows("hair"))
    torch.testing.assert_close(grid[4], model.synthesise(expected).image[0])
    with pytest.raises(LatentError, match="need as many references"):
        mixing_grid(model, samples, references, {"hair": "hair"})


def test_a_real_picture_becomes_a_background(model):
    picture = to_images(draw_pool(PORTRAITS.draw, 1, 32, 5).images)
    features, rendered = picture_features(model, picture, steps=60)
    worse = picture_features(model, picture, steps=1)[1]
    assert features.shape == (1, 8, 16, 16) and psnr(rendered, picture) > psnr(worse, picture) + 3


def test_far_away_the_background_stays_alone(model):
    features, _ = picture_features(model, torch.zeros(1, 3, 32, 32), steps=1)
    here, gone, empty = compose(model, model.sample(1, 4), features, [Place(), Place(right=1.5), Place(right=-1.5)])
    torch.testing.assert_close(gone, empty, rtol=1e-3, atol=1e-3)
    assert (here - gone).abs().mean() > 0.01


def test_moving_shifts_the_foreground(model):
    """Half a side to the right: the right half shows what the left half showed."""
    place = Place(right=0.5).coords(model)[0, 1]
    still = Place().coords(model)[0, 1]
    size = still.shape[-1]
    assert torch.allclose(place[0, :, size // 2 :], still[0, :, : size - size // 2], atol=2 / size)
    assert torch.equal(Place(zoom=0.5).coords(model)[0, 0], still)  # the background never moves


def test_below_its_last_line_the_foreground_ends(model):
    """Moved up by a quarter, the lowest quarter of the picture shows the background alone, not a line drawn out."""
    features, _ = picture_features(model, torch.zeros(1, 3, 32, 32), steps=1)
    place = Place(down=-0.25)
    outside = (place.coords(model)[0, 1].abs() > 1 + 1e-6).any(0)
    assert outside[-4:].all() and not outside[:-4].any()
    raised, empty = compose(model, model.sample(1, 4), features, [place, Place(right=1.5)])
    change = (raised - empty).abs().mean((0, 2))
    assert change[-3:].mean() < 0.1 * change[8:16].mean()


def test_the_default_places_bring_shoulders_to_the_edge(model):
    for place in (Place(0.2, 0.1, 0.8), Place(-0.22, 0.2, 0.6)):
        assert place.coords(model)[0, 1, 1].max() <= 1 + 1e-6


@pytest.mark.parametrize("text", ["1", "a,b", "0,0,0", "1,2,3,4", "0,0,nan"])
def test_places_that_make_no_sense(text):
    with pytest.raises(ConfigError, match="RIGHT,DOWN"):
        Place.parse(text)


def test_composition_may_vary_over_the_picture(model):
    latent = model.sample(1, 1)
    everywhere = torch.ones(1, 13, 16, 16)
    by_region = model.synthesise(latent, composition=torch.ones(1, 13)).image
    assert torch.equal(model.synthesise(latent, composition=everywhere).image, by_region)


def test_codes_of_one_generator_join(model, small):
    joined = Latent.cat([model.sample(1, 1), model.sample(2, 2).wplus()])
    assert joined.space == "w+" and len(joined) == 3
    other = small.latent(torch.zeros(1, 16))
    with pytest.raises(LatentError):
        Latent.cat([joined, other])
