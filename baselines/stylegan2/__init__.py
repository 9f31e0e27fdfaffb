"""The StyleGAN2 generator and discriminator, in W, W+ and StyleSpace, and the files they come in."""

from baselines.stylegan2.checkpoint import load_discriminator, load_generator, save_generator, save_official
from baselines.stylegan2.courses import COURSES, StyleGAN2CourseConfig
from baselines.stylegan2.discriminator import StyleGAN2Discriminator, StyleGAN2DiscriminatorConfig
from baselines.stylegan2.generator import (
    StyleActivations,
    StyleGAN2Config,
    StyleGAN2Generator,
    StyleGAN2Synthesis,
)
from baselines.stylegan2.official import to_official
from baselines.stylegan2.patches import PatchDiscriminator, PatchDiscriminatorConfig
from baselines.stylegan2.recipes import RECIPES
from baselines.stylegan2.semantic import (
    SEMANTIC_RECIPES,
    SemanticGAN,
    SemanticGANConfig,
    SemanticGANRun,
    SemanticGANTrainConfig,
    load_semantic_gan,
)
from baselines.stylegan2.style_code import StyleCode
from baselines.stylegan2.training import StyleGAN2Run, StyleGAN2TrainConfig

__all__ = [
    "COURSES",
    "RECIPES",
    "SEMANTIC_RECIPES",
    "PatchDiscriminator",
    "PatchDiscriminatorConfig",
    "SemanticGAN",
    "SemanticGANConfig",
    "SemanticGANRun",
    "SemanticGANTrainConfig",
    "StyleActivations",
    "StyleCode",
    "StyleGAN2Config",
    "StyleGAN2CourseConfig",
    "StyleGAN2Discriminator",
    "StyleGAN2DiscriminatorConfig",
    "StyleGAN2Generator",
    "StyleGAN2Run",
    "StyleGAN2Synthesis",
    "StyleGAN2TrainConfig",
    "load_discriminator",
    "load_generator",
    "load_semantic_gan",
    "save_generator",
    "save_official",
    "to_official",
]
