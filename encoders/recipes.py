"""Encoder trainings that have a name: the one of the shipped portraits encoder, and the papers' for faces."""

from encoders.backbone import EncoderConfig
from encoders.training import EncoderTrainConfig
from semedit.networks.generator import SemanticGenerator
from semedit.training.engine.feed import DataConfig

#: A small encoder for generators of drawn portraits, trained on drawn portraits. Pixels count for more, as the domain's
#: feature distance has another scale than LPIPS. Codes are kept near those of the mapping network: without the pull
#: they end seven times as far from the mean, and directions have no effect on them. The identity loss is small: at
#: ReStyle's 0.1 codes please the network of the loss (similarity 0.75) and not the one that scores (0.15).
PORTRAITS = EncoderTrainConfig(
    name="portraits-encoder",
    encoder=EncoderConfig(size=64, widths=(32, 64, 128, 96), units=(1, 2, 2, 2)),
    data=DataConfig(pool=20_000),
    steps=12_000,
    lr=1e-3,
    refinements=3,
    mse_weight=4.0,
    identity_weight=0.02,
    latent_weight=0.1,
    precision="bf16",
)
#: ReStyle's settings for faces (Alaluf et al. 2021, appendix); data and the face network to start from are the user's.
FACES = EncoderTrainConfig(
    name="faces-encoder", encoder=EncoderConfig(enlarging="pool"), data=DataConfig(domain="faces", mirror=True)
)
RECIPES: dict[str, EncoderTrainConfig] = {"portraits": PORTRAITS, "faces": FACES}


def recipe_for(generator: SemanticGenerator, domain: str) -> EncoderTrainConfig:
    """The recipe of a domain, with the rows and the width of a generator's codes."""
    recipe = RECIPES[domain]
    sizes = {"rows": generator.layout.rows, "style_dim": generator.config.style_dim}
    return recipe.replace(encoder=EncoderConfig(**{**recipe.encoder.to_json(), **sizes}))
