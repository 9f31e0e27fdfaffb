"""Trainings of hierarchies that have a name, and hierarchies from files: those that were trained here, and others."""

import math
from pathlib import Path

from baselines.stylefusion.config import FusionTrainConfig
from baselines.stylefusion.fusion_net import FusionConfig
from baselines.stylefusion.hierarchy import TREES, Hierarchy
from baselines.stylefusion.objective import FusionLossConfig
from baselines.stylefusion.stored import StoredFusion, load_fusion
from baselines.stylegan2 import StyleGAN2Config
from semedit.errors import UnknownName

#: What the leaves of the paper's tree of faces stand for, of the thirteen regions of CelebAMask-HQ.
FACE_PARTS: dict[str, tuple[str, ...]] = {
    "skin": ("skin", "nose", "ears", "neck"),
    "mouth": ("mouth",),
    "eyes": ("eyes", "brows", "glasses"),
    "clothes": ("cloth",),
    "bg": ("background",),
    "hair": ("hair", "hat", "earrings"),
}

#: A tree of two leaves, which trains in seconds: for tests, and for looking at the machinery.
TINY = FusionTrainConfig(
    name="tiny-fusion", tree={"all": ("person", "bg")},
    parts={"person": tuple(name for leaf, own in FACE_PARTS.items() for name in own if leaf != "bg"),
           "bg": FACE_PARTS["bg"]},
    net=FusionConfig(width=16, hidden=(16, 16)), align_steps=3, fuse_steps=3, together_steps=4, batch=2, clusters=6,
    size=16, pixels=300, pictures=4, log_every=2, sheet_every=5, monitor_every=5, checkpoint_every=2,
)  # fmt: skip
#: The five nets of the paper's tree of faces, with blenders of a size that suits a generator of drawn portraits at
#: 128 px: a third of a million parameters a net, where the official ones have 37 million. Gates move by as much as Adam
#: lets them in a step, so that the rate and the number of steps decide: at 0.3 a net has in 400 steps what it lacks at
#: 0.1 after as many (of the change that the face's code makes, 73 % and 60 % are in the face).
PORTRAITS = FusionTrainConfig(
    name="portraits-fusion", tree=dict(TREES["faces"]), parts=FACE_PARTS,
    net=FusionConfig(width=192, hidden=(192, 192), repeats=1), losses=FusionLossConfig(local=60, align=0.02),
    align_steps=150, fuse_steps=80, together_steps=500, batch=2, lr=0.3, log_every=25, sheet_every=365,
    monitor_every=100, checkpoint_every=200,
)  # fmt: skip
#: The paper's nets, for faces of any size.
FACES = FusionTrainConfig(
    name="faces-fusion", tree=dict(TREES["faces"]), parts=FACE_PARTS, net=FusionConfig(), align_steps=10_000,
    fuse_steps=10_000, together_steps=20_000,
)  # fmt: skip
RECIPES: dict[str, FusionTrainConfig] = {"tiny": TINY, "portraits": PORTRAITS, "faces": FACES}


def recipe_for(generator: StyleGAN2Config, name: str) -> FusionTrainConfig:
    """A recipe with nets of the least width that the widths of all styles of a generator divide, as they have to.

    Raises UnknownName.
    """
    if name not in RECIPES:
        raise UnknownName("StyleFusion recipe", name, RECIPES)
    recipe = RECIPES[name]
    width = math.lcm(*generator.conv_widths, *generator.rgb_widths)
    return recipe.replace(net=recipe.net.replace(width=width))


def open_fusion(path: str | Path, domain: str, *fingerprints: str) -> StoredFusion:
    """A hierarchy from a file of this package, or from a JSON index of official nets (node -> path).

    An index says neither its tree nor what its leaves stand for: they are those of the recipe of the ``domain``.
    Raises CheckpointError for a file that cannot be read, LatentError for a hierarchy of a generator other than those
    named, UnknownName for an index of a domain without a recipe, or of nodes that its tree does not have.
    """
    if Path(path).suffix != ".json":
        return load_fusion(path, *fingerprints)
    if domain not in RECIPES:
        raise UnknownName("StyleFusion recipe", domain, RECIPES)
    recipe = RECIPES[domain]
    return StoredFusion(Hierarchy.load(recipe.tree, path), recipe.parts, card={"source": Path(path).name})
