"""What opens each kind of file, and uses what it has opened: a file that is believed has to be good for something."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from baselines import stylegan2
from baselines.editing_in_style import Catalogue, read_official
from baselines.stylefusion.checkpoint import load_fusion_net
from baselines.stylefusion.regions import FusionRegions
from baselines.stylefusion.stored import StoredFusion, load_fusion
from directions.ganspace import GANSpace
from directions.interfacegan.library import DirectionLibrary
from directions.interfacegan.official import load_boundary
from directions.labels import read_scores
from directions.styleflow.library import FlowLibrary
from directions.styleflow.official import load_official_flow
from encoders.checkpoint import load_encoder
from encoders.pivotal_tuning import load_difference
from semedit.checkpoints import zoo
from semedit.checkpoints.native import load_discriminator
from semedit.data import celeba
from semedit.editing.generators import load_generator
from semedit.latents.latent import Latent
from semedit.metrics.attributes import AttributeScorer
from semedit.metrics.curricular import CurricularFace
from semedit.metrics.face_attributes import open_scorer
from semedit.metrics.features import DomainFeatures
from semedit.metrics.identity import DomainIdentity
from semedit.training.gan.state import read_networks
from semedit.training.teaching.table import FactorTable
from tests.fuzz.intact import FACE, flow_of, rival
from tests.fuzz.world import World

#: A file of some kind, opened and used in a world.
Opener = Callable[[Path, World], object]
PICTURES = torch.zeros(2, 3, 32, 32)


def default(world: World) -> Any:
    """The world's generator."""
    return zoo.load_generator(world.natives["generator"])


def shown(path: Path, _: World) -> object:
    """A generator, and a picture of it."""
    generator = load_generator(path)
    return generator(generator.latent(torch.zeros(1, generator.config.style_dim))).image


def latent(path: Path, world: World) -> object:
    """A latent, edited by a flow, which asks it for its past."""
    found, generator = Latent.load(path), default(world)
    generator.check(found)
    return flow_of(generator)["smile"].edit(found, 1.0)


def edited(library: Mapping[str, Any], world: World) -> object:
    """A code edited by each of some editors, in its own regions; what is known of them, where they are a library."""
    code = default(world).latent(torch.ones(1, default(world).config.style_dim))
    found = [editor.edit(code, 1.0) for editor in library.values()]
    if not all(torch.isfinite(one.data).all() for one in found):
        raise AssertionError("an edit is not finite")
    return library.described() if hasattr(library, "described") else found


def flow(path: Path, world: World) -> object:
    library = FlowLibrary.load(path)
    library.labeller = lambda codes: torch.full((len(codes), len(library.attributes)), 0.5)
    return edited(library, world)


def scorer(found: AttributeScorer) -> object:
    scores = found.score(PICTURES)
    return [scores[:, found.index(name)] for name in found.names]


def identity(found: DomainIdentity) -> object:
    return found.protocol, found.identity(PICTURES, PICTURES), (found.threshold or 0.0) < 1


def features(found: DomainFeatures) -> object:
    return found.protocol, found.distance(PICTURES, PICTURES), found.parse(PICTURES), found.embed(PICTURES)


def catalogue(found: Catalogue) -> object:
    size = int(found.about.get("size", 8))
    maps = found.memberships(torch.zeros(1, found.centroids.shape[1], 4, 4), (size, size))
    return maps, [found.queries(label, rho=1.0, epsilon=0.1) for label in found.labels]


def regions(found: FusionRegions) -> object:
    """Masks of a StyleGAN2's pictures."""
    generator = rival()
    seen = generator.activations(torch.zeros(1, generator.config.style_dim))
    return found.masks(seen, [[name] for name in found.parts], soft=True)


def hierarchy(found: StoredFusion) -> object:
    """Codes of a StyleGAN2 fused."""
    generator, tree = rival(), found.hierarchy
    style = generator.styles(torch.zeros(1, generator.config.style_dim))
    if found.regions:
        regions(found.regions)
    return tree.fuse(tree.assign(style)), [found.nodes_of([own[0]]) for own in found.parts.values()]


NATIVES: Mapping[str, Opener] = {
    "generator": shown,
    "latent": latent,
    "rival-latent": lambda path, _: rival()(Latent.load(path)).image,
    "directions": lambda path, world: edited(DirectionLibrary.load(path), world),
    "ganspace": lambda path, world: edited(GANSpace.load(path), world),
    "flow": flow,
    "encoder": lambda path, _: load_encoder(path),
    "difference": lambda path, world: load_difference(path, default(world)),
    "discriminator": lambda path, _: load_discriminator(path),
    "state": lambda path, _: read_networks(path),
    "attributes": lambda path, _: scorer(open_scorer(path)),
    "face-attributes": lambda path, _: scorer(open_scorer(path)),
    "identity": lambda path, _: identity(DomainIdentity.load(path)),
    "features": lambda path, _: features(DomainFeatures.load(path)),
    "stylegan2": shown,
    "semanticgan": shown,
    "stylegan2-discriminator": lambda path, _: stylegan2.load_discriminator(path),
    "catalogue": lambda path, _: catalogue(Catalogue.load(path)),
    "fusion": lambda path, _: load_fusion_net(path),
    "hierarchy": lambda path, _: hierarchy(load_fusion(path)),
    "fusion-regions": lambda path, _: regions(FusionRegions.load(path)),
}
OFFICIALS: Mapping[str, Opener] = {
    "generator": shown,
    "encoder": lambda path, _: load_encoder(path),
    "flow": lambda path, _: load_official_flow(path),
    "stylegan2": shown,
    "fusion": lambda path, _: load_fusion_net(path),
    "face": lambda path, _: CurricularFace(path, FACE),
}
ARRAYS: Mapping[str, Opener] = {
    "catalogue": lambda path, _: catalogue(Catalogue.load(path)),
    "theirs": lambda path, _: catalogue(read_official(path, size=8)),
    "boundary": lambda path, world: edited({"smile": load_boundary(path, "smile", "mouth")}, world),
}


def celeba_part(path: Path, world: World) -> object:
    """CelebA with one of its lists broken: the file of that name in ``path``'s folder, the others from the world."""
    found = celeba.read_celeba(path.parent, celeba.TRAIN, path.parent / celeba.MAPPING)
    return found.labels[len(found) - 1], found.names


TABLES: Mapping[str, Opener] = {
    "attributes": celeba_part,
    "partition": celeba_part,
    "mapping": celeba_part,
    "scores": lambda path, world: read_scores(path, SimpleNamespace(generator=default(world))),  # type: ignore[arg-type]
    "factors": lambda path, _: FactorTable.read(path).coordinates(),
}
