"""Measures between sets of pictures at values that are known."""

import pytest
import torch

from semedit.domains.portraits.domain import PORTRAITS
from semedit.domains.portraits.pool import draw_pool
from semedit.errors import ConfigError
from semedit.metrics.sets import (
    frechet,
    inception_score,
    kernel_distance,
    legacy_frechet,
    legacy_inception_score,
    precision_recall,
    set_measures,
)


def test_frechet_of_shifted_sets():
    x = torch.randn(2000, 6, generator=torch.Generator().manual_seed(0))
    shift = torch.tensor([3.0, 0, 0, 4.0, 0, 0])
    for measure in (frechet, legacy_frechet):
        assert abs(measure(x, x)) < 1e-3
        assert measure(x, x + shift) == pytest.approx(25, abs=1e-2)
        assert measure(x, 2 * x) == pytest.approx(measure(2 * x, x), abs=1e-6)


def test_legacy_frechet_always_adds_its_epsilon():
    x = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)).double()
    plain, offset = legacy_frechet(x, x, epsilon=0.0), legacy_frechet(x, x)
    assert offset - plain == pytest.approx(-2 * 3 * 1e-6, rel=0.05)


def test_inception_scores_at_their_ends():
    uniform, sure = torch.zeros(200, 5), torch.eye(5).repeat(40, 1) * 200
    for measure in (inception_score, legacy_inception_score):
        assert measure(uniform)[0] == pytest.approx(1) and measure(sure)[0] == pytest.approx(5, rel=0.1)
    with pytest.raises(ConfigError, match="at least 10"):
        legacy_inception_score(torch.zeros(5, 3))


def test_precision_and_recall_tell_quality_from_coverage():
    draw = torch.Generator().manual_seed(0)
    real = torch.randn(600, 4, generator=draw)
    narrow = 0.1 * torch.randn(600, 4, generator=draw)
    precision, recall = precision_recall(narrow, real)
    assert precision > 0.95 and recall < 0.3
    precision, recall = precision_recall(torch.randn(600, 4, generator=draw), real)
    assert precision > 0.8 and recall > 0.8
    assert precision_recall(real + 50, real) == (0.0, 0.0)


def test_kernel_distance():
    draw = torch.Generator().manual_seed(0)
    a, b = torch.randn(300, 8, generator=draw), torch.randn(300, 8, generator=draw)
    assert abs(kernel_distance(a, b)[0]) < 0.05 < kernel_distance(a, b + 1)[0]


def test_every_number_names_its_protocol():
    features = PORTRAITS.features()
    embedded = features.embed(draw_pool(64, 64, 1).images.float() / 127.5 - 1)
    found = set_measures(features, embedded[:32], embedded[32:])
    assert set(found) == {"frechet", "kernel_distance", "precision", "recall", "inception_score"}
    assert all(features.protocol in protocol for _, _, protocol in found.values())
    assert not any("fid" in protocol for _, _, protocol in found.values())
