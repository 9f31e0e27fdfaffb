"""Muon: orthogonal updates, stack by stack."""

import torch

from semedit.networks.layers import EqualLinear, FixedConv
from semedit.training.engine.muon import Muon, matrices_of, orthogonalised


def test_singular_values_come_near_one_and_singular_vectors_stay():
    matrices = torch.randn(6, 12, 40, generator=torch.Generator().manual_seed(0))
    for x in (matrices, matrices.mT):
        found = orthogonalised(x)
        values = torch.linalg.svdvals(found)
        assert values.min() > 0.5 and values.max() < 1.3
        u, _, v = torch.linalg.svd(x, full_matrices=False)
        assert ((found * (u @ v)).flatten(1).sum(1) / found.flatten(1).norm(dim=1) / 12**0.5).min() > 0.95


def test_a_stack_is_so_many_matrices():
    stack = torch.randn(2, 3, 8, 10, generator=torch.Generator().manual_seed(1))
    whole, single = torch.nn.Parameter(stack.clone()), torch.nn.Parameter(stack[1, 2].clone())
    for parameter, gradient in ((whole, stack * 2), (single, stack[1, 2] * 2)):
        parameter.grad = gradient.clone()
        Muon([parameter], lr=0.1).step()
    torch.testing.assert_close(whole[1, 2], single)
    assert not torch.equal(whole, stack)


def test_a_step_has_the_size_of_its_rate():
    weight = torch.nn.Parameter(torch.zeros(32, 48))
    weight.grad = torch.randn(32, 48, generator=torch.Generator().manual_seed(2)) * 1e-4
    Muon([weight], lr=0.02).step()
    assert 0.012 < weight.square().mean().sqrt() < 0.024  # whatever the gradient's size


def test_it_minimises_a_quadratic():
    target = torch.randn(16, 16, generator=torch.Generator().manual_seed(3))
    weight = torch.nn.Parameter(torch.zeros(16, 16))
    optimiser = Muon([weight], lr=0.05)
    for step in range(200):
        optimiser.param_groups[0]["lr"] = 0.05 * (1 - step / 200)
        optimiser.zero_grad()
        (weight - target).square().sum().backward()
        optimiser.step()
    assert (weight - target).square().mean() < 0.01 * target.square().mean()


def test_matrices_are_found_and_vectors_left():
    linear, conv = EqualLinear(16, 16), FixedConv(16, 16)
    assert [p is linear.weight for p in matrices_of(linear)] == [True]
    assert [p is conv.weight for p in matrices_of(conv)] == [True]
    assert matrices_of(EqualLinear(16, 3)) == []
