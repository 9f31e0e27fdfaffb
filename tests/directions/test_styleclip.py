"""StyleCLIP's optimisation: the laws of its loss and its search."""

import pytest
import torch
from torch import nn

from directions import StyleClip, StyleClipConfig
from semedit.errors import ConfigError
from semedit.metrics.clip import Clip, ClipConfig
from semedit.training.engine.schedule import ramp


@pytest.fixture
def codes(small):
    return small.latent(torch.randn(2, 16, generator=torch.Generator().manual_seed(2)))


class Linear(nn.Module):
    """A CLIP whose pictures are encoded linearly."""

    context_length = 16

    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.weight = nn.Parameter(torch.randn(3 * 32 * 32, 8) / 50)
        self.words = nn.Parameter(torch.randn(8))
        self.logit_scale = nn.Parameter(torch.tensor(2.0))

    def encode_image(self, images):
        return images.flatten(1) @ self.weight

    def encode_text(self, tokens):
        return self.words.expand(len(tokens), -1)


@pytest.fixture
def linear():
    return Clip(Linear(), ClipConfig(context=16).tokenizer(), "linear", 32)


class Brightness:
    """An identity network that a test can read: similarity falls with the change of brightness."""

    protocol = "brightness"

    def to(self, device):
        return self

    def identity(self, a, b):
        return 1 - 20 * (a - b).mean((1, 2, 3)).abs()


def editor(small, clip, identity=None, **options):
    return StyleClip("purple hair", small, clip, identity, StyleClipConfig(**options))


def test_the_loss_at_the_start_is_one_minus_cosine(small, tiny_clip, codes):
    made = editor(small, tiny_clip, Brightness(), steps=1, identity_weight=1.0)
    made.edit(codes, 1.0, "all")
    with torch.no_grad():
        wanted = (1 - tiny_clip.similarity(small(codes).image, ("purple hair",), "official")).sum()
    terms = made.losses_[0]
    assert terms["clip"] == pytest.approx(wanted.item(), abs=1e-5)
    assert terms["l2"] == 0 and terms["identity"] == pytest.approx(0, abs=1e-6)


def test_one_step_changes_nothing_as_its_rate_is_zero(small, tiny_clip, codes):
    assert ramp(0.0) == 0
    edited = editor(small, tiny_clip, steps=1).edit(codes, 1.0, "region1")
    torch.testing.assert_close(edited.data, codes.wplus().data, rtol=0, atol=0)


def test_a_huge_l2_weight_keeps_the_start(small, tiny_clip, codes):
    free = editor(small, tiny_clip, steps=12, l2_weight=0.0).edit(codes, 1.0, "all").data
    held = editor(small, tiny_clip, steps=12, l2_weight=1e6).edit(codes, 1.0, "all").data
    start = codes.wplus().data
    assert (held - start).abs().max() < 0.2 * (free - start).abs().max()


def test_the_prompt_is_approached(small, linear, codes):
    made = editor(small, linear, steps=20, preprocess="correct")
    made.edit(codes, 1.0, "all")
    assert made.losses_[-1]["clip"] < made.losses_[0]["clip"] - 0.01 and made.stopped_ == ("steps", "steps")


def test_texture_rows_alone_keep_the_coarse_mask(small, tiny_clip, codes):
    edited = editor(small, tiny_clip, steps=4).edit(codes, 1.0, "region1:texture,region2:texture")
    assert torch.equal(small(edited).coarse_segmentation, small(codes).coarse_segmentation)
    assert not torch.equal(edited.data, codes.wplus().data)


def test_half_the_strength_goes_half_the_way(small, tiny_clip, codes):
    made = editor(small, tiny_clip, steps=4)
    start, whole, half = codes.wplus().data, made.edit(codes, 1.0, "all").data, made.edit(codes, 0.5, "all").data
    torch.testing.assert_close(half - start, (whole - start) / 2, rtol=1e-3, atol=1e-5)


def test_other_strengths_need_no_new_search_and_other_codes_do(small, tiny_clip, codes, monkeypatch):
    made, searches = editor(small, tiny_clip, steps=4), []
    search = made.search
    monkeypatch.setattr(made, "search", lambda start, rows, at: searches.append(rows) or search(start, rows, at))
    for latent, strength, regions in ((codes, 1.0, "region1"), (codes, 0.5, "region1"), (codes, 1.0, "region2"),
                                      (codes[0], 1.0, "region2")):  # fmt: skip
        fresh = editor(small, tiny_clip, steps=4).edit(latent, strength, regions)
        assert torch.equal(made.edit(latent, strength, regions).data, fresh.data)
    assert len(searches) == 3


def test_a_sequence_goes_on_from_the_last_result(small, tiny_clip, codes):
    first = editor(small, tiny_clip, steps=4).edit(codes, 1.0, "region1")
    second = StyleClip("blue eyes", small, tiny_clip, config=StyleClipConfig(steps=4)).edit(first, 1.0, "region2")
    assert [event["text"] for event in second.history] == ["purple hair", "blue eyes"]
    rows = list(codes.rows("region1"))
    assert torch.equal(second.data[:, rows], first.data[:, rows]) and torch.equal(second.undo().data, first.data)


def test_several_prompts_are_summed(small, tiny_clip, codes):
    image = small(codes).image
    one, two = (StyleClip(p, small, tiny_clip).loss(image) for p in ("purple hair", "blue eyes"))
    torch.testing.assert_close(StyleClip(("purple hair", "blue eyes"), small, tiny_clip).loss(image), one + two)


def test_the_gradient_is_that_of_finite_differences(small, linear, codes):
    made = editor(small, linear)
    image = small(codes).image.detach().double()
    linear.network.double()
    made.text = made.text.double()
    image.requires_grad_(True)
    (gradient,) = torch.autograd.grad(made.loss(image).sum(), image)
    direction = torch.randn(image.shape, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    with torch.no_grad():
        apart = (made.loss(image + 1e-5 * direction) - made.loss(image - 1e-5 * direction)).sum() / 2e-5
    assert (gradient * direction).sum().item() == pytest.approx(apart.item(), rel=1e-5)


def test_an_identity_budget_ends_a_picture_within_it(small, tiny_clip, codes):
    free = editor(small, tiny_clip, Brightness(), steps=20).edit(codes, 1.0, "all")
    before = small(codes).image
    loss = 1 - Brightness().identity(small(free).image, before)
    budget = loss.min().item() / 2
    made = editor(small, tiny_clip, Brightness(), steps=20, identity_budget=budget)
    edited = made.edit(codes, 1.0, "all")
    assert made.stopped_ == ("identity", "identity") and len(made.losses_) < 20
    assert [code.history[-1]["stopped"] for code in edited] == ["identity", "identity"]
    assert (1 - Brightness().identity(small(edited).image, before) <= budget + 1e-5).all()
    with pytest.raises(ConfigError, match="identity network"):
        editor(small, tiny_clip, identity_budget=0.1)


def test_defaults_are_the_scripts():
    config = StyleClipConfig()
    assert (config.steps, config.lr, config.l2_weight, config.identity_weight) == (300, 0.1, 0.008, 0.0)
    assert config.preprocess == "official" and config.identity_budget is None
    with pytest.raises(ConfigError, match="valid options"):
        StyleClipConfig(step=3)


def test_the_search_may_begin_at_the_best_of_random_rows(small, linear, codes):
    """What it begins at is no worse than the code's own rows; other rows are not touched; a batch is one by one."""
    made = editor(small, linear, steps=1, candidates=12, l2_weight=0.0)
    edited, rows = made.edit(codes, 1.0, "region1"), list(codes.rows("region1"))
    before, after = (made.loss(small(code).image) for code in (codes, edited))
    assert (after <= before + 1e-6).all() and (after < before - 1e-4).any()
    others = [r for r in range(codes.layout.rows) if r not in rows]
    assert torch.equal(edited.data[:, others], codes.wplus().data[:, others])
    for index in range(2):
        alone = editor(small, linear, steps=1, candidates=12, l2_weight=0.0).edit(codes[index], 1.0, "region1")
        torch.testing.assert_close(alone.data[0], edited.data[index])
    held = editor(small, linear, steps=1, candidates=12, l2_weight=1e6).edit(codes, 1.0, "region1")
    assert torch.equal(held.data, codes.wplus().data)


def test_no_strength_is_no_search(small, tiny_clip, codes):
    """A fresh editor that was asked for nothing has the record of a search of no steps."""
    made = editor(small, tiny_clip)
    same = made.edit(codes, 0, "all")
    assert torch.equal(same.data, codes.wplus().data) and made.losses_ == [] and made.stopped_ == ("steps", "steps")
