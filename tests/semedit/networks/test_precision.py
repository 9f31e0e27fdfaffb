"""Which precision is chosen, and that a model's precision reaches its inverters."""

import copy

import pytest
import torch

from semedit.editing.loading import load
from semedit.editing.sessions.inverting import search_bytes
from semedit.networks import precision
from semedit.training.gan.memory import Kept


@pytest.mark.parametrize("gain, wanted", [(0.3, "fp32"), (1.4, "fp32"), (2.0, "bf16")])
def test_bf16_is_taken_where_it_gains(monkeypatch, gain, wanted):
    monkeypatch.setattr(precision, "bf16_gain", lambda: gain)
    assert precision.preferred("cpu") == wanted and precision.preferred("mps") == "fp32"
    assert load("portraits-adversarial", precision="auto").precision == wanted


def test_the_gain_is_measured():
    assert precision.bf16_gain(32, 1) > 0


@pytest.mark.parametrize("kind", ["fp32", "bf16"])
def test_a_models_precision_reaches_the_refinement_and_the_search(kind, monkeypatch):
    """The generator is asked in autocast where the model says bf16; codes and losses stay in float32."""
    model = load("portraits", precision=kind)
    inverter = model.inverter("restyle+optimize", steps=1, refinements=1)
    plain, seen = type(model.generator).forward, []

    def watched(self, *arguments, **options):
        seen.append(torch.is_autocast_enabled("cpu"))
        return plain(self, *arguments, **options)

    monkeypatch.setattr(type(model.generator), "forward", watched)
    found = inverter.invert(torch.zeros(1, 3, 128, 128))
    # one pass of the encoder, one step of the search, and the result, which is rendered in float32
    assert seen == [kind == "bf16", kind == "bf16", False]
    assert found.latent.data.dtype == torch.float32 and all(term == term for term in found.history[0].values())


def test_a_search_in_bf16_comes_as_near():
    target = load("portraits").synthesise(load("portraits").sample(1, seed=7)).image
    found = {}
    for kind in ("fp32", "bf16"):
        inverter = load("portraits", precision=kind).inverter("restyle")
        found[kind] = inverter.invert(target).metrics["mse"].item()
    assert found["bf16"] == pytest.approx(found["fp32"], rel=0.1)


def test_products_are_in_the_type_of_autocast_where_there_is_one():
    here, nowhere = torch.zeros(1), torch.zeros(1, device="meta")
    assert precision.working_dtype(here) == precision.working_dtype(nowhere) == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        assert precision.working_dtype(here) == precision.working_dtype(nowhere) == torch.bfloat16
    assert precision.working_dtype(here.double()) == torch.float64


@pytest.mark.parametrize("kind", ["fp32", "bf16"])
def test_what_a_search_keeps_is_told_in_its_precision(kind):
    """The count without data is what autograd keeps of a real rendering, and half as much again."""
    generator = copy.deepcopy(load("portraits-adversarial").generator).requires_grad_(True)
    kept = Kept(generator)
    with kept.hooks, precision.cast(kind, torch.device("cpu")):
        generator(torch.zeros(1, generator.layout.rows, generator.config.style_dim, requires_grad=True))
    assert search_bytes(generator, 2, kind) == pytest.approx(3 * kept.bytes, rel=0.2)


@pytest.mark.parametrize("kind", ["fp32", "bf16"])
def test_without_data_products_are_as_autocast_makes_them(kind):
    here, there = torch.ones(2, 3, 4), torch.ones(2, 3, 4, device="meta")
    with precision.cast(kind, torch.device("cpu")):
        found = [here @ here.mT, torch.nn.functional.conv2d(here[None], here[None]), here + here]
    with precision.sketched_cast(kind):
        sketched = [there @ there.mT, torch.nn.functional.conv2d(there[None], there[None]), there + there]
    assert [one.dtype for one in sketched] == [one.dtype for one in found]
