"""CLIP: preparation of pictures, prompts, files of its own and of open_clip's models, and what a prompt names."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from semedit.domains.portraits.captions import PROPERTIES
from semedit.errors import CheckpointError, ConfigError, UnknownName
from semedit.metrics.clip import Clip, ClipConfig
from semedit.metrics.prompts import PromptScorer, named_value, noise_floor


def sized(clip: Clip, size: int) -> Clip:
    return Clip(clip.network, clip.tokenizer, "sized", size, (0.48, 0.46, 0.41), (0.27, 0.26, 0.28))


@pytest.mark.parametrize("side", [256, 512, 1024])
def test_pictures_are_prepared_as_published(tiny_clip, side):
    """Nearest upsampling by 7, then average pooling by side // 32: 224 px, and a constant picture stays constant."""
    clip = sized(tiny_clip, 224)
    images = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(1))
    prepared = clip.prepare(images, "official")
    assert prepared.shape == (1, 3, 224, 224)
    if side == 256:
        textbook = F.avg_pool2d(F.interpolate(images, scale_factor=7), side // 32)
        torch.testing.assert_close(prepared, textbook, rtol=0, atol=1e-5)
    constant = clip.prepare(torch.full((1, 3, side, side), 0.3), "official")
    torch.testing.assert_close(constant, torch.full_like(constant, 0.3))


def test_correct_preparation_clamps_and_normalises(tiny_clip):
    clip = sized(tiny_clip, 32)
    prepared = clip.prepare(torch.full((1, 3, 32, 32), 3.0), "correct")
    wanted = (1 - torch.tensor(clip.mean)) / torch.tensor(clip.std)
    torch.testing.assert_close(prepared[0, :, 0, 0], wanted)
    with pytest.raises(UnknownName, match="did you mean 'correct'"):
        clip.prepare(torch.zeros(1, 3, 32, 32), "corect")  # type: ignore[arg-type]


def test_prompts_that_cannot_be_read(tiny_clip):
    with pytest.raises(ConfigError, match="reads 1 to 14"):
        tiny_clip.embed_text(["hair " * 15])
    with pytest.raises(ConfigError, match="0 tokens"):
        tiny_clip.embed_text([""])


def test_similarity_is_a_cosine_and_differentiable(tiny_clip):
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(2)).requires_grad_(True)
    cosines = tiny_clip.similarity(images, ["brown skin", "blue eyes", "no hair"])
    assert cosines.shape == (2, 3) and (cosines.abs() <= 1).all()
    (gradient,) = torch.autograd.grad(cosines[0, 0], images)
    assert gradient[0].abs().sum() > 0 and gradient[1].abs().sum() == 0
    chances = tiny_clip.probabilities(images.detach(), ["brown skin", "blue eyes"])
    torch.testing.assert_close(chances.sum(1), torch.ones(2))
    floor = noise_floor(tiny_clip, images.detach(), ("brown skin",))
    assert floor.shape == (2, 1) and (floor > 0).all()
    assert noise_floor(tiny_clip, torch.zeros(1, 3, 32, 32), ("brown skin",)).item() < 1e-6


def test_a_file_of_its_own(tiny_clip, tmp_path):
    config = ClipConfig(size=32, width=2, dim=8, text_width=8, text_layers=1, context=16)
    with torch.no_grad():
        tiny_clip.network.token_embedding.weight[1000:2000] = 0
    Clip(tiny_clip.network.half().float(), tiny_clip.tokenizer, "tiny", 32, card={"a": 1}).save(
        tmp_path / "c.safetensors", config
    )
    again, images = Clip.open(str(tmp_path / "c.safetensors")), torch.randn(1, 3, 32, 32)
    assert again.card == {"a": 1} and again.protocol == "tiny"
    torch.testing.assert_close(again.similarity(images, ["hair"]), tiny_clip.similarity(images, ["hair"]))


@pytest.fixture(scope="module")
def model_name(tmp_path_factory):
    """A small model that open_clip's own registry knows, as a user adds one."""
    import json

    import open_clip

    folder = tmp_path_factory.mktemp("configs")
    config = {
        "embed_dim": 8, "vision_cfg": {"layers": 1, "width": 16, "head_width": 16, "patch_size": 16, "image_size": 32},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 8, "heads": 1, "layers": 1},
    }  # fmt: skip
    (folder / "semedit-tiny.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder)
    return "semedit-tiny"


@pytest.mark.parametrize("ending", ["pt", "safetensors"])
def test_models_of_open_clip_from_a_local_file(model_name, tmp_path, ending):
    import open_clip
    from safetensors.torch import save_file

    torch.manual_seed(3)
    network = open_clip.create_model(model_name).eval()
    path = tmp_path / f"weights.{ending}"
    (torch.save if ending == "pt" else save_file)(network.state_dict(), path)
    clip = Clip.open(model_name, str(path))
    assert clip.size == 32 and clip.mean == pytest.approx((0.48145466, 0.4578275, 0.40821073))
    images, tokens = torch.rand(2, 3, 32, 32) * 2 - 1, open_clip.get_tokenizer(model_name)(["blue eyes"])
    with torch.no_grad():
        wanted = F.normalize(network.encode_image(clip.prepare(images)), dim=-1) @ network.encode_text(tokens, True).T
    torch.testing.assert_close(clip.similarity(images, ["blue eyes"]), wanted)


def test_wrong_names_and_files_are_refused(model_name, tmp_path):
    with pytest.raises(UnknownName, match="CLIP model"):
        Clip.open("ViT-B-33")
    with pytest.raises(ConfigError, match="neither a file nor one of"):
        Clip.open("ViT-B-32", "nonsense")
    torch.save({"a": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match="not weights of semedit-tiny"):
        Clip.open(model_name, str(tmp_path / "other.pt"))
    traced = torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2))
    traced.save(str(tmp_path / "jit.pt"))
    with pytest.raises(CheckpointError, match="which is code"):
        Clip.open(model_name, str(tmp_path / "jit.pt"))


def test_scores_by_words(tiny_clip):
    scorer = PromptScorer(tiny_clip, "smiling", ("smiling", "neutral"))
    scores = scorer.score(torch.randn(3, 3, 32, 32))
    assert scores.shape == (3, 1) and ((scores > 0) & (scores < 1)).all() and "smiling | neutral" in scorer.protocol
    with pytest.raises(ConfigError, match="two prompts"):
        PromptScorer(tiny_clip, "smiling", ("smiling",))


@pytest.mark.parametrize("prompt, meant", [
    ("a person with purple long hair", ("hair colour", "purple")), ("Brown skin", ("skin tone", "brown")),
    ("a person with blue eyes", ("eye colour", "blue")), ("a person without glasses", ("glasses", "without")),
    ("a person", None), ("black hair and brown skin", None), ("a blue hat", None),
])  # fmt: skip
def test_what_a_prompt_names(prompt, meant):
    found = named_value(prompt, PROPERTIES)
    assert (found is None) == (meant is None)
    if found and meant:
        assert found[0] == meant[0] and meant[1] in PROPERTIES[found[0]][found[1]]


def test_the_shipped_clip_tells_properties_apart():
    from semedit.domains.portraits.domain import clip
    from semedit.domains.portraits.fitting.clip import draw_captioned, zero_shot

    shipped = clip()
    assert all(value >= 0.85 for value in shipped.card["zero_shot"].values())
    images, _, values = draw_captioned(64, 128, 987)
    accuracy = zero_shot(shipped, images, values)
    assert set(accuracy) == set(PROPERTIES) and np.mean(list(accuracy.values())) > 0.85
