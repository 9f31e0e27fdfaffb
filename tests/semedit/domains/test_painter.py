"""How portraits are painted: part by part, each within its box, at pixels or at any points."""

from dataclasses import replace

import pytest
import torch

from semedit.domains.portraits.drawing import renderer
from semedit.domains.portraits.drawing.head import rectangle
from semedit.domains.portraits.drawing.renderer import STYLES, draw, draw_points
from semedit.domains.portraits.law import sample_factors
from semedit.latents.regions import CELEBAMASK

GREY_LEVEL = 2 / 255
#: Points and mean colours of the regions of 24 portraits of 64 px (seed 4), in either style.
REGIONS = {
    "background": (52438, (0.281, 0.255, 0.272), (0.431, 0.404, 0.424)),
    "skin": (13879, (0.199, -0.148, -0.310), (0.234, -0.104, -0.284)),
    "eyes": (616, (-0.011, 0.004, -0.029), (0.073, 0.085, 0.046)),
    "brows": (733, (-0.290, -0.506, -0.636), (-0.228, -0.460, -0.605)),
    "mouth": (724, (0.291, -0.159, -0.225), (0.168, -0.229, -0.288)),
    "nose": (775, (0.254, -0.046, -0.207), (0.378, 0.054, -0.152)),
    "ears": (236, (0.043, -0.288, -0.410), (-0.274, -0.497, -0.582)),
    "hair": (17696, (-0.257, -0.421, -0.510), (-0.269, -0.429, -0.521)),
    "neck": (3426, (0.229, -0.142, -0.301), (0.184, -0.144, -0.303)),
    "cloth": (4337, (-0.122, -0.286, -0.345), (-0.108, -0.273, -0.340)),
    "glasses": (2163, (-0.103, -0.251, -0.327), (-0.022, -0.178, -0.271)),
    "hat": (1248, (-0.143, -0.238, -0.312), (-0.157, -0.249, -0.325)),
    "earrings": (33, (0.558, 0.302, -0.385), (0.093, -0.078, -0.554)),
}


def pixel_centres(size, count):
    centres = (torch.arange(size) + 0.5) * (2 / size) - 1
    return torch.stack(torch.meshgrid(centres, centres, indexing="xy"), dim=-1).reshape(1, -1, 2).repeat(count, 1, 1)


def assert_alike(drawn, other, but_for=1e-4):
    """Same colours within half a grey level and same labels, but for a small share of points that lie on an edge."""
    different = (drawn.images - other.images).abs() > GREY_LEVEL / 2
    assert different.float().mean() <= but_for
    for labels, others in ((drawn.labels, other.labels), (drawn.opaque, other.opaque)):
        assert labels.dtype == others.dtype == torch.uint8 and (labels != others).float().mean() <= but_for


@pytest.fixture(scope="module")
def factors():
    """Portraits as the law has them, and some held at the ends of pose and size."""
    some = sample_factors(40, 17)
    ends = {"yaw": 0.55, "roll": 0.14, "pitch": 0.22, "x": 0.06, "y": 0.04, "hair_length": 0.97, "hair_wave": 0.97}
    values = dict(some.values)
    for name, end in ends.items():
        values[name] = values[name].clone()
        values[name][:8] = end
        values[name][8:16] = end if name.startswith("hair") else -end
    return replace(some, values=values)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size", [13, 64, 150])
def test_boxes_hold_their_parts(size, style, factors, monkeypatch):
    drawn = draw(factors, size, style)

    def whole(pose):
        side = torch.ones_like(pose["x"])
        return rectangle(-side, -side, side, side)

    monkeypatch.setattr(renderer, "PARTS", [replace(part, box=whole) for part in renderer.PARTS])
    assert_alike(drawn, draw(factors, size, style), but_for=2e-6 if style == "soft" else 2e-5)


@pytest.mark.parametrize("style", STYLES)
def test_a_portrait_is_the_same_alone_and_among_others_that_wear_more_or_less(style, factors):
    drawn = draw(factors, 72, style)
    for i in (0, 9, 30, 31, 32, 33):
        alone = draw(factors.select(slice(i, i + 1)), 72, style)
        assert_alike(alone, renderer.Drawing(drawn.images[i : i + 1], drawn.labels[i : i + 1], drawn.opaque[i : i + 1]))


def test_sheets_and_groups_of_any_size_draw_the_same(factors, monkeypatch):
    drawn = draw(factors, 40)
    monkeypatch.setattr(renderer, "POINTS_A_SHEET", 7 * 40**2)
    monkeypatch.setattr("semedit.domains.portraits.drawing.sheet.POINTS_AT_ONCE", {"cpu": 500})
    assert_alike(drawn, draw(factors, 40))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size", [24, 96])
def test_points_at_pixel_centres_are_the_pixels(size, style, factors):
    drawn, count = draw(factors, size, style), len(factors)
    order = torch.stack([torch.randperm(size**2, generator=torch.Generator().manual_seed(i)) for i in range(count)])
    points = pixel_centres(size, count).gather(1, order[:, :, None].expand(-1, -1, 2))
    at_points = draw_points(factors, points, 2 / size, style)
    assert at_points.images.shape == (count, 3, size**2) and at_points.labels.shape == (count, size**2)
    images = drawn.images.flatten(2).gather(2, order[:, None].expand(-1, 3, -1))
    labels, opaque = (maps.flatten(1).gather(1, order) for maps in (drawn.labels, drawn.opaque))
    assert_alike(at_points, renderer.Drawing(images, labels, opaque))


def test_each_picture_has_its_own_points_and_pixel_size(factors):
    few = factors.select(slice(0, 3))
    corner = pixel_centres(64, 3).unflatten(1, (64, 64))[:, 20:30, 15:40].flatten(1, 2)
    points = torch.stack([corner[0], corner[1] + 0.1, corner[2] * 0.5])
    widths = torch.tensor([2 / 64, 2 / 32, 2 / 256])
    together = draw_points(few, points, widths)
    for i, width in enumerate(widths.tolist()):
        one = slice(i, i + 1)
        assert_alike(
            draw_points(few.select(one), points[one], width),
            renderer.Drawing(together.images[one], together.labels[one], together.opaque[one]),
        )


def test_points_beside_the_picture_and_no_points_are_drawn_too(factors):
    far = draw_points(factors, torch.full((len(factors), 2, 2), -1.4), 2 / 64)
    assert (far.labels == 0).all() and far.images.isfinite().all()
    none = draw_points(factors, torch.zeros(len(factors), 0, 2), 2 / 64)
    assert none.images.shape == (len(factors), 3, 0) and none.labels.shape == (len(factors), 0)
    assert draw(factors.select(slice(0, 0)), 8).images.shape == (0, 3, 8, 8)


@pytest.mark.parametrize("style", STYLES)
def test_regions_keep_their_areas_and_colours(style):
    drawn = draw(sample_factors(24, 4), 64, style)
    for name, (area, *colours) in REGIONS.items():
        where = drawn.labels == CELEBAMASK.index(name)
        assert abs(int(where.sum()) - area) <= 2 + area * 1e-3, name
        mean = drawn.images.permute(0, 2, 3, 1)[where].mean(dim=0)
        torch.testing.assert_close(mean, torch.tensor(colours[STYLES.index(style)]), rtol=0, atol=0.01, msg=name)
