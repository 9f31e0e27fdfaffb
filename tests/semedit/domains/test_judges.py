"""Who scores: never the network that was optimised, unless its id says so."""

import dataclasses
from pathlib import Path

import pytest
import torch

from semedit.cli.main import run
from semedit.domains import DOMAINS, domain
from semedit.domains.judges import alike, attribute_panel, clip_panel, panel, perceptual_panel
from semedit.domains.portraits.fitting import attributes as classifiers
from semedit.domains.portraits.fitting import clip as clips
from semedit.domains.portraits.fitting import features as feature_networks
from semedit.errors import MissingWeights, UnknownName
from semedit.metrics.attributes import AttributeClassifier, AttributeScorer
from semedit.metrics.clip import Clip, ClipConfig
from semedit.metrics.features import DomainFeatures, FeatureNetwork
from semedit.metrics.roles import GUIDE, JUDGE, ROLES, file_name
from semedit.networks.trunk import TrunkConfig

PORTRAITS, CPU = DOMAINS["portraits"], torch.device("cpu")
TRUNK = TrunkConfig(size=32, widths=(4, 8))


def classifier(seed: int, role: str = GUIDE) -> AttributeScorer:
    torch.manual_seed(seed)
    return AttributeScorer(AttributeClassifier(TRUNK, 10), PORTRAITS.attribute_names, role=role)


def features(seed: int, role: str = GUIDE) -> DomainFeatures:
    torch.manual_seed(seed)
    network = FeatureNetwork(TRUNK, attributes=10, factors=2, regions=13)
    return DomainFeatures(network, "portraits", role=role)


def small_clip(seed: int, protocol: str = "portraits-clip@32") -> Clip:
    torch.manual_seed(seed)
    config = ClipConfig(size=32, width=4, dim=8, text_width=8, text_layers=1)
    return Clip(config.build(), config.tokenizer(), protocol, 32)


def absent():
    raise MissingWeights("no such network")


def judged(**loaders):
    return dataclasses.replace(PORTRAITS, **loaders)


@pytest.mark.parametrize("kind, make, of", [
    ("attributes", classifier, attribute_panel), ("clip", small_clip, clip_panel),
])  # fmt: skip
class TestKinds:
    def test_the_judge_scores_and_the_optimised_stands_beside_it(self, kind, make, of):
        guide, judge = make(1), make(2)
        made = of(judged(**{kind: lambda: guide, f"{kind}_judge": lambda: judge}), CPU)
        assert made.first.network is judge and not made.first.optimised and made.guide.network is guide
        assert made.first.named("score") == "score" and made.guide.named("score") == "score_optimised"
        assert made.guide.protocol == f"{guide.protocol} (optimised)" and not made.missing

    def test_without_a_judge_the_id_says_so(self, kind, make, of):
        guide = make(1)
        made = of(judged(**{kind: lambda: guide, f"{kind}_judge": absent}), CPU)
        assert made.first.optimised and made.first.protocol.endswith("(optimised)") and not made.beside
        assert "no such network" in made.missing

    def test_the_same_weights_are_no_judge(self, kind, make, of):
        guide, copy = make(1), make(1)
        made = of(judged(**{kind: lambda: guide, f"{kind}_judge": lambda: copy}), CPU)
        assert made.first.optimised and made.first.network is guide and "is the network that" in made.missing

    def test_a_judge_alone_and_nobody(self, kind, make, of):
        judge = make(2)
        alone = of(judged(**{kind: absent, f"{kind}_judge": lambda: judge}), CPU)
        assert alone.first.network is judge and alone.guide is None
        with pytest.raises(MissingWeights, match="no such network"):
            of(judged(**{kind: absent, f"{kind}_judge": absent}), CPU)


def test_all_networks_of_losses_stand_beside_the_perceptual_judge():
    search, training, judge = features(1), features(2), features(3, JUDGE)
    made = perceptual_panel(
        judged(perceptual=lambda: search, perceptual_training=lambda: training, perceptual_judge=lambda: judge), CPU
    )
    assert [one.network for one in made] == [judge, search, training]
    assert made.first.protocol == "portraits-features-judge@32" != made.guide.protocol
    shared = perceptual_panel(
        judged(perceptual=lambda: search, perceptual_training=lambda: search, perceptual_judge=lambda: judge), CPU
    )
    assert len(shared.beside) == 1


def test_a_clip_of_ones_own_is_judged_by_any_other():
    """The domain's own CLIP judges a search with another one, where the second is not there."""
    brought, own = small_clip(5, "ViT/brought"), small_clip(1)
    made = clip_panel(judged(clip=lambda: own, clip_judge=absent), CPU, brought)
    assert made.first.network is own and not made.first.optimised and made.guide.network is brought
    itself = clip_panel(judged(clip=lambda: own, clip_judge=absent), CPU, own)
    assert itself.first.optimised


def test_a_prompt_that_the_judge_cannot_read_is_not_judged():
    guide, judge = small_clip(5, "ViT/brought"), small_clip(1, "portraits-clip-judge@32")
    judge.network.context_length = 4
    brief, long = (clip_panel(judged(clip_judge=lambda: judge), CPU, guide, text) for text in ("hair", "a b c d e"))
    assert brief.first.network is judge and long.first.optimised and "reads 1 to 2" in long.missing


def test_a_panel_of_what_is_made_of_each():
    one, two = classifier(1), classifier(2, JUDGE)
    made = panel((lambda: one,), (lambda: two,), CPU).each(lambda scorer: (scorer.names, scorer))
    assert [(x.network[1], x.optimised) for x in made] == [(two, False), (one, True)]
    assert not alike(one, two) and alike(one, classifier(1, JUDGE))


@pytest.mark.parametrize("load", ["perceptual_judge", "attributes_judge", "clip_judge"])
def test_real_faces_have_no_judge_by_themselves(load, monkeypatch, tmp_path):
    for variable in ("TORCH_HOME", "SEMEDIT_FACE_ATTRIBUTES_JUDGE", "SEMEDIT_CLIP_JUDGE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(MissingWeights, match="judg"):
        getattr(domain("faces"), load)()


@pytest.mark.parametrize("fitting", [classifiers, feature_networks, clips])
def test_the_roles_share_neither_seed_nor_sizes(fitting):
    guide, judge = (fitting.ROLES[role] for role in ROLES)
    size = "network" if fitting is clips else "trunk"
    assert guide.seed != judge.seed and getattr(guide, size) != getattr(judge, size)
    assert guide == judge.replace(seed=guide.seed, **{size: getattr(guide, size)})


@pytest.mark.parametrize("kind, load, options", [
    ("attributes", AttributeScorer.load, ["--epochs", "1"]), ("features", DomainFeatures.load, ["--epochs", "1"]),
    ("clip", Clip.load, ["--epochs", "1", "--set", "batch=16", "--set", "network.size=32"]),
])  # fmt: skip
def test_a_judge_is_fitted_saved_and_loaded(kind, load, options, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["fit", kind, "--role", "judge", "--pictures", "64", "--held-out", "16", *options, "--json"]) == 0
    file = Path("semedit-runs/portraits") / file_name(kind, JUDGE)
    assert file.name == f"{kind}-judge.safetensors" and "-judge@" in load(file, JUDGE).protocol
    assert load(file, JUDGE).card["config"]["seed"] in (51, 61, 71)
    capsys.readouterr()


def test_roles_are_named():
    with pytest.raises(UnknownName, match="role"):
        file_name("clip", "jury")
    assert run(["fit", "attributes", "--role", "jury"]) == 2
