"""Real faces: MTCNN alignment, CelebAMask-HQ regions, LPIPS, FaceNet and ArcFace where their
weights are present."""

from functools import cache

from semedit.domains.base import Domain
from semedit.errors import MissingWeights
from semedit.latents.regions import CELEBAMASK
from semedit.metrics.attributes import AttributeScorer
from semedit.metrics.clip import Clip
from semedit.metrics.features import DomainFeatures
from semedit.metrics.identity import ArcFace, FaceNet
from semedit.metrics.lpips import Lpips
from semedit.pictures.alignment import align_face
from semedit.storage.found import find_weights

ATTRIBUTES = ("smile", "bald", "beard", "bangs", "glasses")
EDIT_REGIONS = {"smile": "mouth", "bald": "hair", "beard": "skin", "bangs": "hair", "glasses": "glasses,eyes"}


@cache
def perceptual() -> Lpips:
    return Lpips("vgg")


@cache
def perceptual_training() -> Lpips:
    return Lpips("alex")


@cache
def identity() -> FaceNet:
    return FaceNet()


@cache
def identity_loss() -> ArcFace:
    return ArcFace()


def features() -> DomainFeatures:
    raise MissingWeights("no feature network ships for real faces; LPIPS and FaceNet are used where present")


@cache
def attributes() -> AttributeScorer:
    """None ships for real faces: it is a file of one's own, written by :meth:`AttributeScorer.save`."""
    file = find_weights("face-attributes.safetensors", "SEMEDIT_FACE_ATTRIBUTES", "scoring attributes of real faces")
    return AttributeScorer.load(file)


#: The published CLIP of StyleCLIP; OpenAI's weights need the name that ends in -quickgelu.
CLIP = "ViT-B-32-quickgelu"
#: The file of its weights that open_clip's authors publish (LAION-400M); OpenAI's own holds code and is not opened.
CLIP_WEIGHTS = "vit_b_32-quickgelu-laion400m_e32-46683a32.pt"
PROPERTIES = {
    "hair colour": tuple(f"a person with {colour} hair" for colour in ("black", "brown", "red", "blond", "grey")),
    "skin tone": tuple(f"a person with {tone} skin" for tone in ("pale", "fair", "olive", "tan", "brown", "dark")),
    "eye colour": tuple(f"a person with {colour} eyes" for colour in ("brown", "hazel", "green", "blue", "grey")),
    "glasses": ("a person with glasses", "a person without glasses"),
    "beard": ("a person with a beard", "a person without a beard"),
}


@cache
def clip() -> Clip:
    """A file of CLIP's weights; --clip and --clip-weights name another."""
    return Clip.open(CLIP, str(find_weights(CLIP_WEIGHTS, "SEMEDIT_CLIP", "editing by words")))


FACES = Domain(
    name="faces",
    regions=CELEBAMASK,
    attribute_names=ATTRIBUTES,
    edit_regions=EDIT_REGIONS,
    align=align_face,
    perceptual=perceptual,
    perceptual_training=perceptual_training,
    identity=identity,
    identity_loss=identity_loss,
    features=features,
    attributes=attributes,
    clip=clip,
    properties=PROPERTIES,
    poor_psnr=15.0,
)
