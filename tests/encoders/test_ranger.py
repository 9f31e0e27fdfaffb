"""Ranger: a golden run."""

import pytest
import torch

from encoders.ranger import Ranger


def test_ranger_golden_run():
    weight = torch.nn.Parameter(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    bias = torch.nn.Parameter(torch.tensor([0.5, -0.5]))
    optimiser, x = Ranger([weight, bias], lr=0.1), torch.tensor([0.5, 1.5])
    golden = {
        1: ([1.0545, 1.9455, 2.9105, 4.0895], [0.4, -0.4]),
        5: ([1.269951, 1.730049, 2.562226, 4.437774], [0.097095, -0.097095]),
        6: ([1.136264, 1.863736, 2.779827, 4.220173], [0.297436, -0.297436]),
        7: ([1.139534, 1.860466, 2.776564, 4.223436], [0.294549, -0.294549]),
        12: ([1.150041, 1.849959, 2.76607, 4.233931], [0.284842, -0.284842]),
    }
    for step in range(1, 13):
        optimiser.zero_grad()
        loss = torch.tensor([1.0, -2.0]) @ (weight @ x) + bias.square().sum() + 0.01 * weight.pow(3).sum()
        loss.backward()
        optimiser.step()
        if step in golden:
            w, b = golden[step]
            assert weight.flatten().tolist() == pytest.approx(w, abs=2e-5), step
            assert bias.tolist() == pytest.approx(b, abs=2e-5), step
    assert set(optimiser.state[weight]) == {"step", "exp_avg", "exp_avg_sq", "slow_buffer"}
