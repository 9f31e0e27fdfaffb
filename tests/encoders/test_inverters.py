"""The contract of every method of inversion, and what each adds to it."""

from types import SimpleNamespace

import pytest
import torch

from encoders import DOMAIN_OPTIONS, INVERTERS, default_options
from encoders.inverters import PivotalConfig, RefinedOptimizationInverter, RestyleConfig, RestyleInverter
from encoders.measures import Measures
from encoders.optimization import OptimizationConfig, OptimizationInverter
from encoders.restyle import Refiner
from semedit.domains import DOMAINS
from semedit.editing.model import Model
from semedit.errors import ConfigError, ImageError, MissingWeights
from semedit.metrics.pixels import mse
from tests.encoders.test_optimization import Pixels, target
from tests.encoders.test_restyle import encoder_for

#: Budgets that make every method quick.
QUICK = {
    "restyle": ["refinements=2"],
    "optimize": ["steps=3"],
    "restyle+optimize": ["refinements=2", "steps=3"],
    "pti": ["refinements=2", "steps=3", "tuning.steps=2"],
}


class Brightness:
    """An identity for tests: persons are as alike as their pictures are equally bright."""

    protocol = "test-brightness"

    def to(self, device):
        return self

    def identity(self, a, b):
        return 1 - (a.mean((1, 2, 3)) - b.mean((1, 2, 3))).abs()


@pytest.fixture(scope="module")
def bundle(small):
    domain = SimpleNamespace(
        perceptual=Pixels, identity=Brightness, identity_loss=Brightness, features=lambda: None, name="test"
    )
    refiner = Refiner(small, encoder_for(small), small.mean_w())
    return SimpleNamespace(generator=small, domain=domain, refiner=refiner, precision="fp32")


def made(bundle, method):
    config = INVERTERS[method].options().with_overrides(QUICK[method])
    return INVERTERS[method].for_model(bundle, config)


@pytest.mark.parametrize("method", INVERTERS)
class TestEveryInverter:
    def test_the_result(self, bundle, small, method):
        result = made(bundle, method).invert(target(small, count=2))
        assert len(result.latent) == 2 and result.latent.fingerprint == small.fingerprint
        assert set(result.metrics) == set(result.protocols) and all(v.shape == (2,) for v in result.metrics.values())
        assert result.reconstruction.shape == result.target.shape == (2, 3, 32, 32) and result.seconds > 0
        assert result.trajectory.shape[1:] == (2, small.layout.rows, 16)
        torch.testing.assert_close(result.trajectory[-1], result.latent.data)

    def test_a_single_one_of_a_batch(self, bundle, small, method):
        one = made(bundle, method).invert(target(small, count=2))[1]
        assert len(one) == len(one.synthesis.image) == len(one.target) == 1 and one.trajectory.shape[1] == 1
        assert len(one.stopped) <= 1 and len(one.tuned) <= 1

    def test_progress_ends_at_its_total(self, bundle, small, method):
        seen = []
        made(bundle, method).invert(target(small), lambda done, total: seen.append((done, total)))
        assert seen and seen[-1][0] == seen[-1][1]

    def test_the_generator_stays_as_it_is(self, bundle, small, method):
        before = {name: value.clone() for name, value in small.state_dict().items()}
        made(bundle, method).invert(target(small))
        assert all(torch.equal(value, before[name]) for name, value in small.state_dict().items())

    def test_other_shapes_are_refused(self, bundle, method):
        with pytest.raises(ImageError, match=r"\(B, 3, H, W\)"):
            made(bundle, method).invert(torch.zeros(3, 32, 32))

    def test_options_of_every_domain_are_valid(self, bundle, method):
        for domain in DOMAINS:
            assert isinstance(default_options(method, domain), INVERTERS[method].options)
            assert not getattr(default_options(method, domain, regions=False), "labels_weight", 0)
        assert {m for _, m in DOMAIN_OPTIONS} <= set(INVERTERS)


def test_the_search_goes_on_from_the_encoders_code(bundle, small):
    refined = RestyleInverter(bundle.refiner, Measures(Pixels()), RestyleConfig(refinements=2)).invert(target(small))
    both = made(bundle, "restyle+optimize").invert(target(small))
    torch.testing.assert_close(both.trajectory[2], refined.latent.data)
    assert len(both.trajectory) == 1 + 2 + 3


def test_pivotal_tuning_comes_nearer_and_keeps_the_pivot(bundle, small):
    config = PivotalConfig(refinements=1, steps=2).with_overrides(["tuning.steps=20", "tuning.lr=0.003"])
    result = INVERTERS["pti"].for_model(bundle, config).invert(target(small, count=2))
    untuned = small(result.latent.data).image
    for index, generator in enumerate(result.tuned):
        one = slice(index, index + 1)
        assert torch.equal(generator(result.latent.data[one]).image, result.reconstruction[one])
        assert mse(result.reconstruction[one], result.target[one]) < mse(untuned[one], result.target[one])
        assert generator(result.latent[index]).image.shape == (1, 3, 32, 32)  # reads the source's codes


class TestTargets:
    def inverter(self, small, **options):
        measures = Measures(Pixels(), identity=Brightness())
        return OptimizationInverter(small, measures, OptimizationConfig(**{"steps": 25, **options}))

    def test_a_target_within_reach_ends_the_search(self, small):
        free = self.inverter(small).invert(target(small))
        wanted = free.history[12]["perceptual"]
        result = self.inverter(small, target_perceptual=wanted).invert(target(small))
        assert result.stopped == ("target",) and len(result.history) < 25
        assert Pixels().distance(result.reconstruction, result.target) <= wanted

    def test_one_out_of_reach_uses_up_the_budget(self, small):
        result = self.inverter(small, target_perceptual=0.0, target_id=0.0).invert(target(small))
        assert result.stopped == ("budget",) and len(result.history) == 25

    def test_all_targets_must_be_reached(self, small):
        assert self.inverter(small, target_id=-1.0).invert(target(small)).stopped == ("target",)
        assert self.inverter(small, target_id=-1.0, target_perceptual=0.0).invert(target(small)).stopped == ("budget",)

    def test_a_picture_at_its_target_is_left_alone_while_others_go_on(self, small):
        with torch.no_grad():
            easy = small(small.mean_w()).image
        result = self.inverter(small, target_perceptual=1e-3).invert(torch.cat([easy, target(small)]))
        assert result.stopped == ("target", "budget")
        assert torch.equal(result.trajectory[-1, 0], result.trajectory[0, 0])
        assert not torch.equal(result.trajectory[-1, 1], result.trajectory[0, 1])

    def test_what_a_target_needs_must_be_there(self, small):
        with pytest.raises(ConfigError, match="target_id needs an identity network"):
            OptimizationInverter(small, Measures(Pixels()), OptimizationConfig(target_id=0.5))


def test_the_score_network_is_not_the_losss(bundle):
    """What a loss has pushed cannot score: the two roles are different networks wherever both exist."""
    portraits = DOMAINS["portraits"]
    assert portraits.identity().protocol != portraits.identity_loss().protocol
    found = RefinedOptimizationInverter.for_model(
        bundle, RefinedOptimizationInverter.options(identity_weight=1.0, target_id=0.9, steps=1)
    )
    assert found.search.measures.identity is not found.search.measures.identity_loss


def test_a_model_without_encoder_says_so(small):
    model = Model(small, DOMAINS["portraits"], "mine")
    assert not model.has_encoder
    with pytest.raises(MissingWeights, match="semedit fit encoder --model mine"):
        model.inverter("restyle")
