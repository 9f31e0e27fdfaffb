"""LPIPS on a backbone of the published form, with random weights."""

import pytest
import torch
from torch.nn import functional as F
from torchvision.models import alexnet

from semedit.metrics.lpips import BACKBONES, Lpips


@pytest.fixture(scope="module")
def lpips(tmp_path_factory):
    torch.manual_seed(0)
    state = {f"features.{key}": value for key, value in alexnet().features.state_dict().items()}
    path = tmp_path_factory.mktemp("weights") / BACKBONES["alex"]
    torch.save(state, path)
    return Lpips("alex", path)


@pytest.mark.parametrize("size", [64, 512])
def test_pictures_come_to_the_size_that_the_id_names(lpips, size):
    a, b = torch.rand(2, 1, 3, size, size, generator=torch.Generator().manual_seed(size)) * 2 - 1
    pooled = [F.adaptive_avg_pool2d(x, 256) for x in (a, b)]
    assert lpips.protocol == "lpips-alex-v0.1@256"
    assert torch.equal(lpips.distance(a, b), lpips.distance(*pooled))
    assert lpips.distance(a, b) > lpips.distance(a, a) == 0
