"""The portraits domain: drawn pictures with ground truth, and networks trained on them that ship with the library."""

from functools import cache
from pathlib import Path

from PIL import Image

from semedit.domains.base import Domain
from semedit.domains.portraits.captions import PROPERTIES
from semedit.domains.portraits.factors import ATTRIBUTES
from semedit.domains.portraits.law import WIDTH
from semedit.domains.portraits.painter import PortraitPainter, drawing_style
from semedit.domains.portraits.teacher import PortraitTeacher
from semedit.domains.portraits.truth import PortraitTruth
from semedit.errors import ConfigError, MissingWeights
from semedit.latents.regions import CELEBAMASK
from semedit.metrics.attributes import AttributeScorer
from semedit.metrics.clip import Clip
from semedit.metrics.features import DomainFeatures
from semedit.metrics.identity import DomainIdentity
from semedit.metrics.roles import JUDGE
from semedit.networks.generator import GeneratorConfig
from semedit.networks.style_based import StyleBasedConfig
from semedit.pictures.alignment import (
    Aligned,
    align_face,
    choose_face,
    crop_transform,
    cut,
    detect_faces,
    frames_differ,
    whole_picture,
)
from semedit.storage.shipped import SHIPPED

#: How much more than the FFHQ crop a drawn portrait shows around the face.
ZOOM = 1.16
WEIGHTS = SHIPPED / "portraits"

#: "skin" is what the paper calls face (rows 4 and 5), where it edits beards; the group "face" is all its parts.
EDIT_REGIONS = {
    "smile": "mouth", "bald": "hair:shape", "beard": "skin", "bangs": "hair", "glasses": "glasses",
    "mouth_open": "mouth", "earrings": "earrings", "hat": "hat,hair", "long_hair": "hair", "dyed_hair": "hair",
}  # fmt: skip


def align(image: Image.Image, size: int, face: int | None = None) -> Aligned:
    """A picture framed like a drawn portrait.

    If a face is found and the picture is not framed around it already, it is cut out; a picture without a face that
    the detector knows (most drawings) is taken whole. Raises SeveralFaces when one of several must be chosen.
    """
    whole = whole_picture(image, size)
    faces = detect_faces(image)
    if not faces:
        return align_face(image, size, face) if face else whole
    alignment = crop_transform(choose_face(faces, face).landmarks, size, ZOOM)
    return cut(image, alignment) if face or frames_differ(alignment, whole.alignment) else whole


def _weights(name: str, command: str) -> Path:
    path = WEIGHTS / name
    if not path.exists():
        raise MissingWeights(f"the portraits domain's {name} is missing at {path}; '{command}' trains it")
    return path


@cache
def features() -> DomainFeatures:
    return DomainFeatures.load(_weights("features.safetensors", "semedit fit features"))


@cache
def attributes() -> AttributeScorer:
    return AttributeScorer.load(_weights("attributes.safetensors", "semedit fit attributes"))


@cache
def features_judge() -> DomainFeatures:
    return DomainFeatures.load(_weights("features-judge.safetensors", "semedit fit features --role judge"), JUDGE)


@cache
def attributes_judge() -> AttributeScorer:
    return AttributeScorer.load(_weights("attributes-judge.safetensors", "semedit fit attributes --role judge"), JUDGE)


@cache
def identity() -> DomainIdentity:
    return DomainIdentity.load(_weights("identity.safetensors", "semedit fit identity"))


@cache
def identity_loss() -> DomainIdentity:
    return DomainIdentity.load(_weights("identity-loss.safetensors", "semedit fit identity --role loss"))


@cache
def clip() -> Clip:
    return Clip.load(_weights("clip.safetensors", "semedit fit clip"))


@cache
def clip_judge() -> Clip:
    return Clip.load(_weights("clip-judge.safetensors", "semedit fit clip --role judge"), JUDGE)


def teacher(config: StyleBasedConfig, style: str, mixing: float) -> PortraitTeacher:
    """Portraits and their codes for a generator; UnknownName for a style that cannot be drawn."""
    base_rows = config.base_layers if isinstance(config, GeneratorConfig) else GeneratorConfig().base_layers
    return PortraitTeacher(config.size, config.style_dim, base_rows, drawing_style(style), mixing)


def truth(config: StyleBasedConfig) -> PortraitTruth:
    """What the law says of a generator's codes and their edits; ConfigError for codes too narrow for the law."""
    if config.style_dim < WIDTH:
        raise ConfigError(
            f"the law of portraits reads {WIDTH} coordinates; codes of width {config.style_dim} are short"
        )
    return PortraitTruth(config.size)


PORTRAITS = Domain(
    name="portraits",
    regions=CELEBAMASK,
    attribute_names=ATTRIBUTES,
    edit_regions=EDIT_REGIONS,
    align=align,
    perceptual=features,
    perceptual_training=features,
    identity=identity,
    identity_loss=identity_loss,
    features=features,
    attributes=attributes,
    clip=clip,
    perceptual_judge=features_judge,
    features_judge=features_judge,
    attributes_judge=attributes_judge,
    clip_judge=clip_judge,
    properties=PROPERTIES,
    poor_psnr=18.0,
    draw=PortraitPainter(),
    teacher=teacher,
    truth=truth,
)
