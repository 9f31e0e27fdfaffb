"""Tiles of points give what the plain formulation gives: values, gradients, and gradients of gradients."""

import pytest
import torch

from semedit.networks import tiles
from semedit.networks.points import PointNetworks, shared_bmm

REGIONS, CHANNELS, LAYERS, FEATURES, POINTS = 3, 4, 4, 5, 13


def networks(dtype=torch.float64, depth_layers=2, held=REGIONS):
    draw = torch.Generator().manual_seed(0)

    def random(*shape):
        return torch.randn(*shape, generator=draw, dtype=torch.float64).to(dtype).requires_grad_()

    return PointNetworks(
        weights=random(LAYERS, 2, REGIONS, CHANNELS, CHANNELS),
        biases=random(LAYERS, REGIONS, CHANNELS),
        depth_heads=random(REGIONS, CHANNELS),
        depth_bias=random(REGIONS).to(torch.promote_types(dtype, torch.float32)).detach().requires_grad_(),
        feature_heads=random(FEATURES, REGIONS * CHANNELS),
        feature_bias=random(FEATURES, REGIONS),
        depth_layers=depth_layers,
        held=held,
    )


def points(*shape, dtype=torch.float64):
    draw = torch.Generator().manual_seed(1)
    return torch.randn(*shape, POINTS, generator=draw, dtype=torch.float64).to(dtype).requires_grad_()


def composite(depths, taking_part):
    masks = depths.softmax(1)
    if taking_part is not None:
        masks = masks * taking_part
    return masks, masks / (masks.sum(1, keepdim=True) + 0.1)


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    """Tiles of 5 points of 8 bytes: two whole ones and a part."""
    monkeypatch.setattr(tiles, "TILE", 40)


PLACES = {"shared": (CHANNELS,), "of each sample": (2, 1, CHANNELS), "of each region": (2, REGIONS, CHANNELS)}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("parts", ["all", "some", "some points"])
@pytest.mark.parametrize(("depth_layers", "held"), [(1, REGIONS), (2, 1), (2, REGIONS), (LAYERS, 1)])
def test_values_and_gradients_are_the_plain_ones(place, parts, depth_layers, held):
    net, where = networks(depth_layers=depth_layers, held=held), points(*PLACES[place])
    shape = {"all": None, "some": (2, REGIONS, 1), "some points": (2, REGIONS, POINTS)}[parts]
    taking_part = None if shape is None else (torch.arange(torch.Size(shape).numel()) % 2).view(shape).double()
    assert tiles.worth_tiles(where)
    found = []
    for compute in (tiles.composed, PointNetworks.plain):
        made = compute(net, where, composite, taking_part)
        outputs = made.features, made.masks, made.depths
        for_outputs = [torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out) for out in outputs]
        found.append((outputs, torch.autograd.grad(outputs, (where, *net.tensors()), for_outputs)))
    torch.testing.assert_close(found[0], found[1])


def test_second_derivatives_are_those_of_the_first():
    net, where = networks(), points(CHANNELS)
    inputs = (where, *net.tensors())

    def features(first, *rest):
        return tiles.composed(net.of(rest), first, composite).features[:, :2, ::4]

    assert torch.autograd.gradcheck(features, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(features, inputs, fast_mode=True)


def test_what_needs_no_gradient_is_not_asked_for_one():
    net, where = networks(), points(CHANNELS).detach()
    frozen = [tensor.detach() for tensor in net.tensors()[1:]]
    made = tiles.composed(net.of((net.weights, *frozen)), where, composite)
    whole = PointNetworks.plain(net, where, composite, None)
    gradients = [torch.autograd.grad(one.features.square().sum(), net.weights)[0] for one in (made, whole)]
    torch.testing.assert_close(*gradients)


def test_bfloat16_is_as_near_as_the_plain_formulation(monkeypatch):
    monkeypatch.setattr(tiles, "TILE", 8)
    made = []
    with torch.no_grad():
        for dtype, compute in (
            (torch.float64, PointNetworks.plain),
            (torch.bfloat16, PointNetworks.plain),
            (torch.bfloat16, tiles.composed),
        ):
            made.append(compute(networks(dtype), points(CHANNELS, dtype=dtype), composite, None))
    exact, plain, tiled = made
    assert tiled.features.dtype == torch.bfloat16 and tiled.depths.dtype == tiled.masks.dtype == torch.float32
    for name in ("features", "masks", "depths"):
        errors = [(getattr(one, name).double() - getattr(exact, name)).norm() for one in (tiled, plain)]
        assert errors[0] < 1.5 * errors[1] + 1e-6 * getattr(exact, name).norm()


def test_layers_without_a_gradient_are_the_plain_ones():
    net, where = networks(), points(CHANNELS)
    with torch.no_grad():
        torch.testing.assert_close(tiles.layers(net, where), net.layers(where))


def test_shared_matrices_multiply_each_sample():
    weight, x = torch.randn(3, 2, 4), torch.randn(5, 3, 4, 6)
    torch.testing.assert_close(shared_bmm(weight, x), weight @ x)
