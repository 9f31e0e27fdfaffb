"""Intact files of every kind that semedit reads, tiny, from which broken ones are made."""

import csv
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from baselines import stylegan2
from baselines.editing_in_style import Catalogue
from baselines.stylefusion.checkpoint import save_fusion_net
from baselines.stylefusion.checkpoint import to_official as fusion_to_official
from baselines.stylefusion.fusion_net import FusionConfig, FusionNet
from baselines.stylefusion.hierarchy import Hierarchy
from baselines.stylefusion.regions import FusionRegions
from baselines.stylefusion.stored import StoredFusion, save_fusion
from directions.ganspace import GANSpace
from directions.interfacegan.editor import InterFaceGAN
from directions.interfacegan.library import DirectionLibrary
from directions.interfacegan.official import save_boundary
from directions.styleflow.flow import ConditionalFlow, FlowConfig
from directions.styleflow.library import FlowLibrary
from directions.styleflow.official import save_official_flow
from encoders.backbone import EncoderConfig, ResidualEncoder
from encoders.checkpoint import save_encoder
from encoders.official import to_official as encoder_to_official
from encoders.pivotal_tuning import save_difference
from encoders.stored import StoredEncoder
from semedit.checkpoints.native import freeze, save_discriminator, save_generator
from semedit.checkpoints.official import save_official
from semedit.data import celeba
from semedit.latents.regions import CELEBAMASK
from semedit.metrics.attributes import AttributeClassifier, AttributeScorer
from semedit.metrics.face_attributes import FaceAttributeClassifier, FaceAttributeConfig, FaceAttributeScorer
from semedit.metrics.features import DomainFeatures, FeatureNetwork
from semedit.metrics.identity import DomainIdentity, IdentityConfig, IdentityNetwork
from semedit.networks.discriminator import DualDiscriminator
from semedit.networks.generator import SemanticGenerator
from semedit.networks.irse import IrSeFace, IrTrunkConfig
from semedit.networks.trunk import TrunkConfig
from semedit.training.gan.recipes import recipe
from semedit.training.gan.state import initial_state, save_state

#: A trunk of CurricularFace's kind, a thousandth of its size.
FACE = IrTrunkConfig(widths=(4, 4, 4, 4), units=(1, 1, 1, 1), squeeze=0)
ATTRIBUTES = ("smile", "bangs")
_TRUNK = TrunkConfig(size=16, widths=(4, 4))


def rival() -> stylegan2.StyleGAN2Generator:
    """A StyleGAN2 of 16 px, of a fixed seed."""
    torch.manual_seed(1)
    return freeze(stylegan2.StyleGAN2Generator(stylegan2.RECIPES["stylegan2-portraits-tiny"]().generator))


def natives(folder: Path, generator: SemanticGenerator) -> dict[str, Path]:
    """Native files by kind: what belongs to a generator of the default kind."""
    config, dim = recipe("portraits-tiny"), generator.config.style_dim
    names = ("generator", "discriminator", "directions", "ganspace", "flow", "encoder", "difference", "state", "latent")
    paths = {name: folder / f"{name}.safetensors" for name in names}
    save_generator(paths["generator"], generator, extra={"domain": "portraits"})
    save_discriminator(paths["discriminator"], DualDiscriminator(config.discriminator))
    codes = np.random.default_rng(0).standard_normal((64, dim)).astype(np.float32)
    fitted = {
        name: InterFaceGAN(name, regions="mouth", chosen=0.25).fit(codes, codes[:, i])
        for i, name in enumerate(ATTRIBUTES)
    }
    DirectionLibrary(fitted, generator.fingerprint).save(paths["directions"])
    GANSpace(3).fit(generator.latent(torch.from_numpy(codes))).save(paths["ganspace"])
    flow = flow_of(generator)
    flow.save(paths["flow"])
    encoder = ResidualEncoder(
        EncoderConfig(size=32, rows=generator.layout.rows, style_dim=dim, widths=(16, 16), units=(1, 1))
    )
    save_encoder(paths["encoder"], StoredEncoder(encoder, torch.zeros(1, dim), generator.fingerprint))
    twin = SemanticGenerator(generator.config, CELEBAMASK)
    save_difference(paths["difference"], twin, generator)
    save_state(paths["state"], config, initial_state(config, torch.device("cpu"), CELEBAMASK))
    latent = generator.latent(generator.mapping(torch.randn(1, dim))).annotated(source="photo.png")
    flow["bangs"].edit(fitted["smile"].edit(latent, 1.0), 0.5).save(paths["latent"])
    return paths


def flow_of(generator: SemanticGenerator) -> FlowLibrary:
    """A flow of a generator that has learnt nothing, and finds half of everything in every code."""
    library = FlowLibrary(ATTRIBUTES, generator.fingerprint, lambda latent: torch.full((len(latent), 2), 0.5))
    library.flow_ = ConditionalFlow(FlowConfig(dim=generator.config.style_dim, attributes=2, layers=2)).eval()
    library.flow_.requires_grad_(False)
    library.report_ = None
    return library


def networks(folder: Path) -> dict[str, Path]:
    """Native files by kind: the networks that measure, and what belongs to a StyleGAN2."""
    names = ("attributes", "face-attributes", "identity", "features", "stylegan2", "semanticgan", "rival-latent",
             "stylegan2-discriminator", "catalogue", "fusion", "hierarchy", "fusion-regions")  # fmt: skip
    paths = {name: folder / f"{name}.safetensors" for name in names}
    AttributeScorer(AttributeClassifier(_TRUNK, 2), ATTRIBUTES).save(paths["attributes"])
    small = FaceAttributeConfig(size=32, layers=(1, 1, 1, 1), width=1, attributes=2)
    FaceAttributeScorer(FaceAttributeClassifier(small), ATTRIBUTES).save(paths["face-attributes"])
    card = {"threshold": 0.5}
    DomainIdentity(IdentityNetwork(IdentityConfig(trunk=_TRUNK, dim=4)), "portraits", "score", card).save(
        paths["identity"]
    )
    features = FeatureNetwork(_TRUNK, attributes=2, factors=3, regions=13, kinds=2)
    DomainFeatures(features, "portraits").save(paths["features"])
    generator = rival()
    stylegan2.save_generator(paths["stylegan2"], generator)
    generator.latent(torch.zeros(1, generator.config.style_dim)).save(paths["rival-latent"])
    masked = stylegan2.SemanticGAN(stylegan2.SEMANTIC_RECIPES["semanticgan-portraits-tiny"]().generator)
    save_generator(paths["semanticgan"], masked)
    critic = stylegan2.StyleGAN2Discriminator(stylegan2.RECIPES["stylegan2-portraits-tiny"]().discriminator)
    save_discriminator(paths["stylegan2-discriminator"], critic)
    catalogue(generator).save(paths["catalogue"])
    net = FusionNet(FusionConfig(width=8, hidden=(8,), layers=6, repeats=1))
    save_fusion_net(paths["fusion"], net, half=True)
    regions = FusionRegions(torch.randn(3, sum(generator.config.conv_widths)), {"person": [0, 1], "bg": [2]}, 8)
    regions.save(paths["fusion-regions"])
    hierarchy = Hierarchy.of({"all": ("person", "bg")}, {"all": net})
    parts = {"person": ["skin", "hair"], "bg": ["background"]}
    save_fusion(paths["hierarchy"], StoredFusion(hierarchy, parts, regions, generator.fingerprint))
    return paths


def catalogue(generator: stylegan2.StyleGAN2Generator) -> Catalogue:
    """Three clusters, two of them named."""
    layers = [torch.rand(2, width) for width in generator.config.conv_widths]
    return Catalogue(torch.randn(3, 8), {"hair": [0, 2], "eyes": [1]}, layers, about={"size": 8})


def officials(folder: Path, generator: SemanticGenerator) -> dict[str, Path]:
    """Torch files by kind, as the methods' authors write them."""
    names = ("generator", "encoder", "flow", "stylegan2", "fusion", "face")
    paths = {name: folder / f"{name}.pt" for name in names}
    save_official(paths["generator"], generator)
    encoder = ResidualEncoder(EncoderConfig(size=32, rows=4, style_dim=16, widths=(16, 16), units=(1, 1)))
    state = {f"encoder.{name}": tensor for name, tensor in encoder_to_official(encoder).items()}
    torch.save({"state_dict": state, "latent_avg": torch.zeros(16)}, paths["encoder"])
    save_official_flow(paths["flow"], ConditionalFlow(FlowConfig(dim=16, attributes=2, layers=2)))
    stylegan2.save_official(paths["stylegan2"], rival())
    torch.save({"state_dict": fusion_to_official(FusionNet(FusionConfig(width=8, hidden=(8,))))}, paths["fusion"])
    torch.save(IrSeFace(FACE, affine=False).state_dict(), paths["face"])
    return paths


def arrays(folder: Path) -> dict[str, Path]:
    """NumPy files by kind: a catalogue as it is written here, one of its authors' arrays, a boundary."""
    paths = {"catalogue": folder / "catalogue.npz", "theirs": folder / "theirs.npz", "boundary": folder / "smile.npy"}
    one = catalogue(rival())
    one.save(paths["catalogue"])
    layers: dict[str, Tensor] = {f"M{i}": layer for i, layer in enumerate(one.contributions)}
    plain = {name: tensor.numpy() for name, tensor in {"centroids": one.centroids, **layers}.items()}
    np.savez(paths["theirs"], annotations=np.array('{"hair": [0, 2], "eyes": [1]}'), **plain)
    save_boundary(paths["boundary"], np.eye(16, dtype=np.float32)[0])
    return paths


def tables(folder: Path, generator: SemanticGenerator) -> dict[str, Path]:
    """Tables by kind: CelebA's three lists, scores of one's own, factors of pictures."""
    root = folder / "celeba"
    root.mkdir()
    files = [f"{number:06d}.jpg" for number in range(1, 7)]
    rows = "\n".join(f"{file} {1 - 2 * (i % 2)} -1  1" for i, file in enumerate(files))
    (root / celeba.ATTRIBUTES).write_text(f"{len(files)}\nSmiling No_Beard Bald\n{rows}\n")
    (root / celeba.PARTITION).write_text("".join(f"{file} {i % 3}\n" for i, file in enumerate(files)))
    (root / celeba.MAPPING).write_text("idx orig_idx orig_file\n0 4 000005.jpg\n28000 1 000002.jpg\n")
    generator.latent(torch.zeros(1, generator.config.style_dim)).save(folder / "mine.safetensors")
    for name, head, rest in (("scores", "latent", ("smile", "bangs")), ("factors", "picture", ("age", "hue"))):
        with open(folder / f"{name}.csv", "w", newline="") as file:
            csv.writer(file).writerows([[head, *rest], ["mine.png", 0.5, 1], ["mine.png", -0.25, 3]])
    return {
        "attributes": root / celeba.ATTRIBUTES, "partition": root / celeba.PARTITION, "mapping": root / celeba.MAPPING,
        "scores": folder / "scores.csv", "factors": folder / "factors.csv",
    }  # fmt: skip
