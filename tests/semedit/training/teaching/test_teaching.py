"""Teaching by pairs: what the objectives ask, and what stages keep across a kill."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from PIL import Image

from semedit.checkpoints import zoo
from semedit.checkpoints.native import save_generator
from semedit.data.label_map import LabelMap
from semedit.data.lessons import Lessons, make_lessons
from semedit.data.source import Share
from semedit.domains import domain
from semedit.domains.portraits.teacher import PortraitTeacher
from semedit.errors import ConfigError, UnknownName
from semedit.latents.regions import CELEBAMASK
from semedit.networks.generator import SemanticGenerator
from semedit.networks.ops import coordinate_grid
from semedit.networks.synthesis import Rendering, Synthesis
from semedit.pictures.tensors import one_hot_masks, to_images, to_picture
from semedit.training.teaching.config import PairsStage, PointsStage, TeachConfig
from semedit.training.teaching.course import teach
from semedit.training.teaching.distilling import GeneratorTeacher
from semedit.training.teaching.measures import measure_pictures, measure_points
from semedit.training.teaching.objectives import (
    PairLosses,
    PointReader,
    PointsObjective,
    label_weights,
    tiled,
    wplus,
)
from semedit.training.teaching.recipes import COURSES, course
from semedit.training.teaching.step import rate
from semedit.training.teaching.table import FactorTable, TableTeacher

TINY = course("portraits-taught-tiny")
PORTRAITS = domain("portraits")


@pytest.fixture(scope="module")
def lessons() -> Lessons:
    return make_lessons(PortraitTeacher(16, 64, 1), 24, 1)


@pytest.fixture
def generator() -> SemanticGenerator:
    torch.manual_seed(0)
    return SemanticGenerator(TINY.generator)


@pytest.mark.parametrize("name", COURSES)
def test_courses_survive_json(name):
    config = course(name)
    assert TeachConfig.from_json(json.loads(json.dumps(config.to_json()))) == config and config.name == name
    with pytest.raises(UnknownName, match="course"):
        course("portraits-1")


def test_lessons_are_the_law_of_their_codes(lessons):
    teacher = PortraitTeacher(16, 64, 1)
    again = make_lessons(teacher, 24, 1)
    assert torch.equal(lessons.images, again.images) and torch.equal(lessons.first, again.first)
    hidden = lessons.labels != lessons.opaque
    transparent = torch.tensor(CELEBAMASK.transparent_indices)
    assert torch.isin(lessons.labels[hidden].long(), transparent).all()
    assert not torch.isin(lessons.opaque.long(), transparent).any()
    assert not lessons.from_second[:, 0].any() and lessons.from_second.any()  # base rows are never mixed
    targets = teacher.targets(lessons.first)
    assert targets.shape[0] == 24 and targets.isfinite().all() and (targets.std(0) > 0).all()


def test_points_at_the_coarse_grid_are_the_local_generators_own(generator, lessons):
    """At as many pixels as grid points, pixel centres and grid points coincide."""
    config = TINY.generator.replace(size=16, coarse_size=8)
    reader = PointReader(generator, torch.nn.Linear(config.coarse_channels, 3), "fp32")
    codes = wplus(generator, lessons)[:3]
    at = torch.arange(8) * 2 + 0.5  # the middle of each pair of pixels
    points = torch.stack([at.expand(8, 8), at[:, None].expand(8, 8)], dim=-1).reshape(1, 64, 2).expand(3, -1, -1)
    grid = coordinate_grid(8, 8)
    torch.testing.assert_close(reader.coordinates(points)[0].T.view(2, 8, 8), grid, rtol=0, atol=1e-6)
    masks = reader(codes, points)[1]
    coarse = (generator(codes).coarse_segmentation + 1) / 2
    torch.testing.assert_close(masks, coarse.flatten(2), rtol=0, atol=1e-5)


def test_points_are_drawn_by_the_weight_of_their_label(generator):
    labels = torch.zeros(2, 16, 16, dtype=torch.uint8)
    labels[:, :4, :4] = 7  # a sixteenth of the area
    weights = torch.ones(13)
    weights[7] = 5.0
    stage = PointsStage(steps=1, batch=2, points=4000, candidates=16)
    reader = PointReader(generator, torch.nn.Linear(8, 3), "fp32")
    torch.manual_seed(0)
    chosen = PointsObjective(stage, reader, weights, Share()).choose(labels)
    found = (labels.flatten(1).gather(1, chosen) == 7).float().mean().item()
    assert 0.18 < found < 0.25  # towards 5 w against 15 w of the area, from 1 against 15
    balanced = label_weights(labels, 13, 0.5)
    assert balanced[7] > balanced[0] and torch.equal(label_weights(labels, 13, 0.0)[[0, 7]], torch.ones(2))


def test_what_lenses_hide_is_asked_for(generator, lessons):
    reader = PointReader(generator, torch.nn.Linear(8, 3), "fp32")
    objective = PointsObjective(PointsStage(steps=1, batch=24, points=8), reader, torch.ones(13), Share())
    some = lessons.select(slice(0, 8))
    hidden = replace(some, labels=torch.full_like(some.labels, 10))
    plain = replace(some, labels=hidden.labels, opaque=hidden.labels)
    at, codes = torch.randint(256, (8, 32)), wplus(generator, some)
    assert objective.at(hidden, codes, at)["labels"] > objective.at(plain, codes, at)["labels"]


def test_a_perfect_synthesis_has_no_loss(lessons):
    class Same:
        def distance(self, a, b):
            return (a - b).square().flatten(1).mean(1)

    images, masks = to_images(lessons.images), one_hot_masks(lessons.labels, 13)
    exact = Synthesis(images, masks, masks, torch.zeros_like(masks))
    losses = PairLosses(PairsStage(steps=1), Same(), torch.ones(13))
    assert all(value.abs() < 1e-3 for value in losses(exact, lessons).values())
    worse = losses(Synthesis(-images, -masks, -masks, masks), lessons)
    assert all(value > 0.1 for value in worse.values()) and set(worse) == set(losses.weights)


def test_a_perceptual_network_in_bf16_sees_the_same(lessons):
    images = to_images(lessons.images[:4])
    noisy = (images + 0.2 * torch.randn(images.shape, generator=torch.Generator().manual_seed(0))).requires_grad_()
    found = []
    for precision in ("fp32", "bf16"):
        losses = PairLosses(PairsStage(steps=1), PORTRAITS.perceptual_training(), torch.ones(13), precision)
        distance = losses(Rendering(noisy), lessons.select(slice(0, 4)))["perceptual"]
        found.append((distance, torch.autograd.grad(distance, noisy)[0].flatten()))
    (exact, direction), (rounded, other) = found
    assert rounded.dtype == torch.float32 and abs(rounded / exact - 1) < 0.02
    assert torch.cosine_similarity(direction, other, dim=0) > 0.98


def test_the_rate_rises_stays_and_falls_to_nothing():
    stage = PointsStage(steps=100, warmup=10, cooling=0.5)
    values = [rate(stage, step) for step in range(100)]
    assert values[0] == 0.1 and values[9:51] == [1.0] * 42 and 0 < values[-1] < 0.05
    assert all(a >= b for a, b in pairwise(values[50:]))


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    return folder, teach(TINY, folder, domain=PORTRAITS)


def bits(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def log(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_course_goes_through_its_stages_and_learns(taught):
    folder, generator = taught
    assert [
        (folder / name / "state.safetensors").exists() for name in ("mapping", "points", "pairs", "adversarial")
    ] == ([True] * 4)
    reading = [line["reading"] for line in log(folder / "mapping") if "reading" in line]
    labels = [line["labels"] for line in log(folder / "points") if "mse" in line]
    assert reading[-1] < reading[0] and labels[-1] > 0.25
    assert (folder / "points" / "samples" / "0000020.png").exists()
    assert (folder / "pairs" / "samples" / "0000020.png").exists()
    losses = log(folder / "adversarial")[-1]
    assert {"g", "d", "colour", "perceptual", "masks"} <= set(losses)
    before = zoo.load_generator(folder / "pairs" / "generator.safetensors")
    pairs = zip(before.parameters(), generator.parameters(), strict=True)
    changed = {name.split(".")[0] for (name, _), (a, b) in zip(generator.named_parameters(), pairs, strict=True)
               if not torch.equal(a, b)}  # fmt: skip
    assert changed == {"local", "render"}  # codes keep their meaning: the mapping stays
    held_out = make_lessons(PortraitTeacher(16, 64, 1), 8, 99)
    measured = measure_pictures(generator, held_out)
    torch.manual_seed(0)
    assert measured["mse"] < measure_pictures(SemanticGenerator(TINY.generator), held_out)["mse"]
    assert {f"iou/{name}" for name in CELEBAMASK.names} < set(measured)


def test_a_course_that_was_cut_short_ends_with_the_same_bits(taught, tmp_path):
    folder, whole = taught
    short = TINY.with_overrides(["points.steps=20", "pairs.steps=0", "adversarial=null"])
    # The learning rate's descent depends on the length of a stage, so the cut is made where it has not begun.
    calm = ["points.cooling=0", "adversarial=null", "pairs.steps=0"]
    teach(TINY.with_overrides([*calm, "points.steps=20"]), tmp_path / "cut", domain=PORTRAITS)
    cut = teach(TINY.with_overrides([*calm, "points.steps=40"]), tmp_path / "cut", domain=PORTRAITS)
    unbroken = teach(TINY.with_overrides(calm), tmp_path / "unbroken", domain=PORTRAITS)
    assert all(torch.equal(a, b) for a, b in zip(bits(cut).values(), bits(unbroken).values(), strict=True))
    again = teach(TINY, folder, domain=PORTRAITS)  # everything is done: nothing is trained again
    assert all(torch.equal(a, b) for a, b in zip(bits(again).values(), bits(whole).values(), strict=True))
    with pytest.raises(ConfigError, match=r"points\.batch"):
        teach(short.with_overrides(["points.batch=4", "points.steps=80"]), tmp_path / "cut", domain=PORTRAITS)


def test_a_course_goes_on_from_a_generator(taught, tmp_path):
    folder, _ = taught
    start = folder / "points" / "generator.safetensors"
    rest = ["mapping.steps=0", "points.steps=0", "pairs.steps=4", "adversarial=null", f"start={start}"]
    teach(TINY.with_overrides(rest), tmp_path, domain=PORTRAITS)
    began = next(line["coarse"] for line in log(tmp_path / "pairs") if "coarse" in line)
    fresh = next(line["coarse"] for line in log(folder / "pairs") if "coarse" in line)
    assert began == pytest.approx(fresh, rel=0.5) and not (tmp_path / "points").exists()
    with pytest.raises(ConfigError, match="local_channels"):
        teach(TINY.with_overrides([*rest, "generator.local_channels=6"]), tmp_path / "other", domain=PORTRAITS)


def test_a_course_grows_a_smaller_generator_whose_codes_stay(generator, tmp_path):
    """The render net learns alone at twice the size: latents of the start open, and show what they showed."""
    save_generator(tmp_path / "small.safetensors", generator)
    small = zoo.load_generator(tmp_path / "small.safetensors")
    sizes = ["generator.size=32", 'generator.render_channels={"8": 8, "16": 8, "32": 4}', "lessons.count=8"]
    rest = ["mapping.steps=0", "points.steps=0", "pairs.steps=3", "adversarial=null", "pairs.perceptual_tiles=2"]
    config = TINY.with_overrides([*sizes, *rest, f"start={tmp_path / 'small.safetensors'}"])
    alone = config.with_overrides(["pairs.render_alone=3"])
    grown = teach(alone, tmp_path / "alone", domain=PORTRAITS)
    assert alone.keeps_codes and grown.lineage == (small.fingerprint,)
    z = torch.randn(2, 64, generator=torch.Generator().manual_seed(3))
    latent = small.latent(small.layout.wplus(small.mapping(z)))
    shown = grown(latent)  # of another generator, and not refused
    assert shown.image.shape[-1] == 32
    torch.testing.assert_close(shown.coarse_segmentation, small(latent).coarse_segmentation, rtol=0, atol=1e-5)
    everything = teach(config.with_overrides(["pairs.render_alone=1"]), tmp_path / "all", domain=PORTRAITS)
    assert not everything.lineage
    with pytest.raises(ConfigError, match="cannot be shrunk"):
        teach(config.with_overrides(["generator.size=8", "generator.render_channels={\"8\": 8}"]), tmp_path / "less",
              domain=PORTRAITS)  # fmt: skip


def test_tiles_are_the_picture_in_pieces():
    images = torch.arange(2 * 3 * 4 * 4).view(2, 3, 4, 4).float()
    tiles = tiled(images, 2)
    assert tiles.shape == (8, 3, 2, 2)
    assert torch.equal(tiles[0], images[0, :, :2, :2]) and torch.equal(tiles[3], images[1, :, :2, 2:])
    assert torch.equal(torch.cat([tiles[4:6], tiles[6:8]], 3), images[:, :, 2:])


def test_a_generator_teaches_a_smaller_one(generator, tmp_path):
    student = TINY.generator.replace(local_channels=6, render_channels={8: 6, 16: 6})
    teacher = GeneratorTeacher(generator.eval().requires_grad_(False), student)
    some = make_lessons(teacher, 32, 4)
    torch.testing.assert_close(teacher.targets(some.first), generator.mapping(some.first))
    out = generator(wplus(generator, some))
    assert (to_images(some.images) - out.image.clamp(-1, 1)).abs().max() < 2 / 127
    assert torch.equal(some.labels.long(), out.labels)
    measured = measure_pictures(generator, some)
    assert measured["labels"] == 1.0 and measured["psnr"] > 45
    for change, word in (({"style_dim": 32}, "style_dim"), ({"size": 32, "render_channels": {}}, "cannot teach")):
        with pytest.raises(ConfigError, match=word):
            GeneratorTeacher(generator, student.replace(**change))


def test_a_student_of_a_generator_learns_through_the_stages(generator, tmp_path):
    save_generator(tmp_path / "teacher.safetensors", generator)
    changes = [f"lessons.generator={tmp_path / 'teacher.safetensors'}", "generator.local_channels=12",
               "points.steps=60", "points.batch=16", "pairs.steps=0", "adversarial=null"]  # fmt: skip
    teach(TINY.with_overrides(changes), tmp_path / "student", domain=PORTRAITS)
    learnt = [line["labels"] for line in log(tmp_path / "student" / "points") if "colour" in line]
    held_out = [line["labels"] for line in log(tmp_path / "student" / "points") if "mse" in line]
    assert learnt[-1] < 0.9 * learnt[0] and held_out[-1] > held_out[0]


def test_a_table_of_factors_teaches(lessons, tmp_path):
    pictures, labels = tmp_path / "images", tmp_path / "labels"
    pictures.mkdir()
    labels.mkdir()
    rows = ["picture,light,kind"]
    for i in range(len(lessons)):
        to_picture(to_images(lessons.images[i : i + 1])[0]).save(pictures / f"{i}.png")
        Image.fromarray(lessons.labels[i].numpy()).save(labels / f"{i}.png")
        rows.append(f"{i}.png,{i / 10},{i % 2}")
    (tmp_path / "factors.csv").write_text("\n".join(rows))
    teacher = TableTeacher(tmp_path, tmp_path / "factors.csv", LabelMap.identity(CELEBAMASK), TINY.generator)
    some = teacher.lessons(16, 0)
    torch.testing.assert_close(some.first.square().mean(1), torch.ones(16))
    targets = teacher.targets(some.first)
    numbers = (targets[:, 0] * 10).round()
    torch.testing.assert_close(targets[:, 1], numbers % 2, rtol=0, atol=1e-4)
    for image, number in zip(some.images, numbers.int().tolist(), strict=True):
        assert torch.equal(image, lessons.images[number])
    held_out = (teacher.targets(teacher.lessons(8, 0, held_out=True).first)[:, 0] * 10).round()
    assert not set(held_out.tolist()) & set(numbers.tolist())
    (tmp_path / "factors.csv").write_text("\n".join(rows[:-1]))
    with pytest.raises(ConfigError, match="no line"):
        TableTeacher(tmp_path, tmp_path / "factors.csv", LabelMap.identity(CELEBAMASK), TINY.generator).lessons(400, 0)


@pytest.mark.parametrize(
    "text",
    [
        "picture,a\n1,x\n2,3",
        "picture,a\n1,2\n2",
        "picture\n1\n2",
        "picture,a\n1,nan\n2,1",
        "picture,a\n1," + "2" * 200_000 + "\n2,1",
    ],
)
def test_tables_that_are_none_are_refused(text, tmp_path):
    (tmp_path / "factors.csv").write_text(text)
    with pytest.raises(ConfigError, match=r"factors\.csv"):
        FactorTable.read(tmp_path / "factors.csv")


def test_measures_of_points_are_the_same_each_time(generator, lessons):
    reader = PointReader(generator, torch.nn.Linear(8, 3), "fp32")
    assert measure_points(reader, lessons) == measure_points(reader, lessons)


def test_a_domain_without_a_teacher_says_what_to_do(tmp_path):
    config = TINY.with_overrides(["lessons.domain=faces"])
    with pytest.raises(ConfigError, match=r"lessons\.generator"):
        teach(config, tmp_path, domain=domain("faces"))
