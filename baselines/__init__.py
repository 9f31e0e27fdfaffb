"""Other people's answers to the same questions. BASELINES is the registry of rival methods."""

from baselines.editing_in_style import Catalogue
from baselines.stylefusion import Hierarchy
from baselines.stylegan2 import StyleGAN2Generator

#: Method -> what a user opens or makes first.
BASELINES: dict[str, type] = {
    "stylegan2": StyleGAN2Generator,
    "stylefusion": Hierarchy,
    "editing-in-style": Catalogue,
}

__all__ = ["BASELINES"]
