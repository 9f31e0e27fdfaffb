"""A region's slider: what is kept is exact, and what is computed is a window."""

import pytest
import torch

from semedit.checkpoints.zoo import load_generator
from semedit.errors import LatentError
from semedit.networks.retouching import Retouching, Window
from semedit.networks.synthesis import Synthesis
from tests.conftest import SMALL, random_generator


def same(found: Synthesis, wanted: Synthesis):
    for name in ("image", "segmentation", "coarse_segmentation", "depths"):
        torch.testing.assert_close(getattr(found, name), getattr(wanted, name), rtol=0, atol=1e-5, msg=name)


def moved(generator, latent, region, by=0.3, seed=0):
    """The code with the shape and texture rows of one region changed."""
    changed, first = latent.clone(), generator.layout.base_rows + 2 * region
    draw = torch.Generator().manual_seed(seed)
    changed[:, first : first + 2] += by * torch.randn(changed[:, first : first + 2].shape, generator=draw)
    return changed


@pytest.fixture(scope="module")
def shipped():
    return load_generator("portraits").eval().requires_grad_(False)


def sampled(generator, count=1):
    draw = torch.Generator().manual_seed(3)
    w = generator.mapping(torch.randn(count, generator.config.style_dim, generator=draw))
    return w[:, None].repeat(1, generator.layout.rows, 1)


@pytest.mark.parametrize("region", ["mouth", "eyes", "glasses", "nose", "hair", "background"])
def test_a_slider_gives_the_picture_of_a_full_render(shipped, region):
    latent, index = sampled(shipped), shipped.regions.names.index(region)
    retouching = Retouching(shipped)
    same(retouching.render(latent), shipped(latent))
    for step in range(3):
        now = moved(shipped, latent, index, 0.2 * (step + 1), step)
        same(retouching.render(now), shipped(now))
    before = retouching.render(latent)
    same(before, shipped(latent))


def test_small_regions_are_small_windows(shipped):
    latent, retouching = sampled(shipped), Retouching(shipped)
    retouching.render(latent)
    assert retouching.share == 1
    for name in ("mouth", "nose"):
        retouching.render(moved(shipped, latent, shipped.regions.names.index(name)))
        assert 0 < retouching.share < 0.6
    retouching.render(latent)
    assert retouching.share == 0


def test_what_lies_outside_is_untouched_bit_for_bit(shipped):
    latent, retouching = sampled(shipped), Retouching(shipped)
    before = retouching.render(latent)
    after = retouching.render(moved(shipped, latent, shipped.regions.names.index("mouth")))
    assert (before.image == after.image).all(1).float().mean() > 1 - retouching.share - 1e-6
    again = retouching.render(moved(shipped, latent, shipped.regions.names.index("mouth")))
    assert torch.equal(after.image, again.image)


def test_one_slider_after_another_and_back(shipped):
    latent, retouching, code = sampled(shipped, 2), Retouching(shipped), None
    retouching.render(latent)
    code = latent
    for step, name in enumerate(("mouth", "eyes", "mouth", "hat", "brows", "glasses")):
        code = moved(shipped, code, shipped.regions.names.index(name), 0.3, step)
        same(retouching.render(code), shipped(code))
    same(retouching.render(latent), shipped(latent))


def test_pose_and_other_people_are_rendered_in_full(shipped):
    latent, retouching = sampled(shipped), Retouching(shipped)
    retouching.render(latent)
    posed = latent.clone()
    posed[:, 0] += 0.3
    for other in (posed, latent[:, :1].squeeze(1), sampled(shipped, 3)):
        found = retouching.render(other)
        same(found, shipped(other))
    assert retouching.share == 1


@pytest.mark.parametrize("options", [
    {}, {"heads": "convolution"}, {"residual_refine": False}, {"min_feature_size": 16}, {"detach_texture": True},
    {"depth_layers": 5}, {"transparent": ()}, {"size": 64, "render_channels": {16: 8, 32: 8, 64: 8}},
])  # fmt: skip
def test_every_form_of_the_generator(options):
    generator = random_generator(SMALL.replace(**options))
    latent, retouching = torch.randn(2, generator.layout.rows, 16), Retouching(generator)
    retouching.render(latent)
    for region in range(5):
        now = moved(generator, latent, region, 1.0, region)
        same(retouching.render(now), generator(now))


def test_no_map_is_changed_by_a_look(shipped):
    """A slider that moves there and back leaves the first picture as it was."""
    latent, retouching = sampled(shipped), Retouching(shipped)
    first = retouching.render(latent)
    kept = first.image.clone()
    retouching.render(moved(shipped, latent, 4))
    assert torch.equal(first.image, kept) and torch.equal(retouching.render(latent).image, kept)


def test_windows():
    seen = torch.zeros(16, 16, dtype=torch.bool)
    assert Window.around(seen, 4) is None
    seen[5, 9] = seen[8, 10] = True
    window = Window.around(seen, 4)
    assert window == Window(4, 12, 8, 12, 16) and window.share == pytest.approx(32 / 256)
    assert window.scaled(4) == Window(1, 3, 2, 3, 4) and window.grown(6) == Window(0, 16, 2, 16, 16)


def test_bf16_stays_what_a_full_render_in_bf16_is(shipped):
    latent, retouching = sampled(shipped), Retouching(shipped, "bf16")
    retouching.render(latent)
    now = moved(shipped, latent, shipped.regions.names.index("mouth"))
    with torch.autocast("cpu", torch.bfloat16):
        wanted = shipped(now).image
    assert (retouching.render(now).image - wanted).abs().max() < 0.03
    with pytest.raises(LatentError):
        retouching.render(torch.zeros(1, 3))
