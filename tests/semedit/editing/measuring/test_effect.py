"""What an edit did, as its files show it: 8 bits, a judge's scores, the optimised network's beside."""

import dataclasses

import pytest
import torch

from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.measuring.effect import compare
from semedit.editing.measuring.judging import judges_of
from semedit.editing.model import Model
from semedit.editing.requests.request import EditRequest
from semedit.editing.results.subjects import Subject
from semedit.editing.sessions.chain import TextReport, check
from semedit.editing.sessions.session import EditSession
from semedit.errors import MissingWeights
from semedit.networks.synthesis import Synthesis
from tests.conftest import random_generator
from tests.semedit.domains.test_judges import absent, classifier, features, small_clip

CPU = torch.device("cpu")
GUIDE, JUDGE = classifier(1), classifier(2, "judge")


def domain(**loaders):
    own = {
        "attributes": lambda: GUIDE, "attributes_judge": lambda: JUDGE, "perceptual": lambda: DISTANCE,
        "perceptual_training": lambda: DISTANCE, "perceptual_judge": lambda: DISTANCE_JUDGE, "edit_regions": {},
    }  # fmt: skip
    return dataclasses.replace(PORTRAITS, **{**own, **loaders})


DISTANCE, DISTANCE_JUDGE = features(3), features(4, "judge")


def pictures(step: float) -> tuple[Synthesis, Synthesis]:
    """A grey picture and one that is brighter by ``step`` of 255 levels, both in the middle of a level."""
    labels = torch.zeros(1, 2, 32, 32)
    old = torch.full((1, 3, 32, 32), (100.5 - 127.5) / 127.5)
    return tuple(Synthesis(image, labels, labels, labels) for image in (old, old + step / 127.5))


def test_what_the_files_do_not_show_is_no_change():
    """A change of a third of a grey level is lost in an 8-bit file."""
    nothing = compare(domain(), *pictures(1 / 3), (0,))
    assert nothing.preservation.item() == 1 and nothing.perceptual.item() == 0 and nothing.inside_share.item() == 1
    one = compare(domain(), *pictures(1), (0,))
    assert one.preservation.item() == pytest.approx(1 - 1 / 255) and one.perceptual.item() > 0


class TestJudges:
    def test_scores_are_the_judges_and_the_guides_stand_beside(self):
        model = Model(random_generator(), domain(), "m")
        old, new = pictures(60)
        report = compare(model.domain, old, new, (0,), "smile", judges_of(model, "smile"))
        column = PORTRAITS.attribute_names.index("smile")
        for network, found in ((JUDGE, report.score_after), (GUIDE, report.score_after_optimised)):
            torch.testing.assert_close(found, network.score(new.image)[:, column], atol=5e-3, rtol=0)
        assert not torch.equal(report.score_after, report.score_after_optimised)
        assert report.protocols["score"] == "portraits-attributes-judge@32"
        assert report.protocols["score_optimised"] == "portraits-attributes@32 (optimised)"
        assert report.protocols["perceptual"] == "portraits-features-judge@32"
        assert report.protocols["perceptual_optimised"] == "portraits-features@32 (optimised)"
        torch.testing.assert_close(report.perceptual, DISTANCE_JUDGE.distance(old.image, new.image), atol=5e-3, rtol=0)

    def test_without_a_judge_the_ids_say_who_scored(self):
        model = Model(random_generator(), domain(attributes_judge=absent, perceptual_judge=absent), "m")
        report = compare(model.domain, *pictures(60), (0,), "smile", judges_of(model, "smile"))
        assert torch.equal(report.score_after, report.score_after_optimised)
        assert report.protocols["score"] == "portraits-attributes@32 (optimised)" == report.protocols["score_optimised"]
        assert report.protocols["perceptual"].endswith("(optimised)")
        with pytest.raises(MissingWeights):
            check(Model(random_generator(), domain(perceptual=absent, perceptual_training=absent,
                                                   perceptual_judge=absent), "m"), [])  # fmt: skip

    def test_words_are_judged_by_another_clip_than_the_searchs(self):
        from semedit.domains.judges import clip_panel

        guide, judge = small_clip(5), small_clip(6, "portraits-clip-judge@32")
        clips = clip_panel(domain(clip=lambda: guide, clip_judge=lambda: judge), CPU)
        old, new = (one.image for one in pictures(60))
        report = TextReport.of(clips, "a person with blue eyes", old, new, PORTRAITS.properties)
        assert report.protocol == "portraits-clip-judge@32" and report.named == "eye colour"
        assert report.optimised.protocol == "portraits-clip@32 (optimised)"
        for clip, found in ((judge, report), (guide, report.optimised)):
            expected = clip.similarity(new, ("a person with blue eyes",))[:, 0]
            torch.testing.assert_close(found.clip_after, expected, atol=5e-3, rtol=0)
        alone = TextReport.of(
            clip_panel(domain(clip=lambda: guide, clip_judge=absent), CPU), "blue eyes", old, new, PORTRAITS.properties
        )
        assert alone.optimised is None and alone.protocol.endswith("(optimised)")


def test_a_record_tells_both(tmp_path):
    from semedit.editing.loading import load

    shipped = load("portraits")
    model = Model(shipped.generator, domain(attributes=PORTRAITS.attributes), "m", shipped.entry)
    path = tmp_path / "one" / "latent.safetensors"
    model.sample(1, 3).wplus().save(path)
    session = EditSession(model, EditRequest(attrs=("beard",), regions=("skin",)))
    (record,) = session.edit([Subject(path.parent, path, "one")])
    shown = record.to_json()
    assert shown["protocols"]["score"] == "portraits-attributes-judge@32"
    assert shown["score_after"] != shown["score_after_optimised"] and shown["perceptual_optimised"] is not None
    (step,) = shown["steps"]
    assert step["protocols"]["score_optimised"].endswith("(optimised)") and step["protocols"]["clip"] is None
