"""Encoder trainings that have a name: the one of the shipped portraits encoder, and the papers' for faces."""

from encoders.backbone import EncoderConfig
from encoders.config import EncoderTrainConfig
from semedit.networks.style_based import StyleBasedGenerator
from semedit.training.engine.feed import DataConfig
from semedit.training.teaching.config import LessonConfig

#: A small encoder for generators that were taught drawn portraits: it learns from lessons too, whose codes are known.
#: Pixels count for more, as the domain's feature distance has another scale than LPIPS. The identity loss is small: at
#: ReStyle's 0.1 codes please the network of the loss (similarity 0.75) and not the one that scores (0.15).
PORTRAITS = EncoderTrainConfig(
    name="portraits-encoder",
    encoder=EncoderConfig(size=64, widths=(32, 64, 128, 80), units=(1, 2, 2, 2)),
    lessons=LessonConfig(count=40_000, mixing=0.2, seed=5),
    steps=12_000,
    batch=16,
    lr=2e-3,
    matrix_lr=0.02,
    cooling=0.5,
    refinements=3,
    mse_weight=4.0,
    identity_weight=0.02,
    code_weight=0.3,
    precision="bf16",
)
#: ReStyle's settings for faces (Alaluf et al. 2021, appendix); data and the face network to start from are the user's.
FACES = EncoderTrainConfig(
    name="faces-encoder", encoder=EncoderConfig(enlarging="pool"), data=DataConfig(domain="faces", mirror=True)
)
RECIPES: dict[str, EncoderTrainConfig] = {"portraits": PORTRAITS, "faces": FACES}


def recipe_for(generator: StyleBasedGenerator, domain: str) -> EncoderTrainConfig:
    """The recipe of a domain, with the rows and the width of a generator's codes.

    A generator without regions need not know what a domain teaches: its encoder learns from pictures alone.
    """
    recipe = RECIPES[domain]
    if not generator.regions:
        recipe = recipe.replace(lessons=None, code_weight=0.0)
    sizes = {"rows": generator.layout.rows, "style_dim": generator.config.style_dim}
    return recipe.replace(encoder=EncoderConfig(**{**recipe.encoder.to_json(), **sizes}))
