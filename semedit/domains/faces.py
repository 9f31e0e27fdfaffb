"""Real faces: MTCNN alignment, CelebAMask-HQ regions, LPIPS, FaceNet, CurricularFace and ArcFace where their
weights are present."""

import os
from functools import cache

from semedit.domains.base import Domain
from semedit.errors import MissingWeights
from semedit.latents.regions import CELEBAMASK
from semedit.metrics.attributes import AttributeScorer
from semedit.metrics.clip import Clip
from semedit.metrics.curricular import CurricularFace
from semedit.metrics.face_attributes import FILE, VARIABLE, open_scorer
from semedit.metrics.features import DomainFeatures
from semedit.metrics.identity import ArcFace, FaceNet
from semedit.metrics.lpips import Lpips
from semedit.metrics.roles import JUDGE
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


@cache
def curricular_face() -> CurricularFace:
    """The score of the papers; it looks for faces itself."""
    return CurricularFace()


def features() -> DomainFeatures:
    raise MissingWeights("no feature network ships for real faces; LPIPS and FaceNet are used where present")


@cache
def attributes() -> AttributeScorer:
    """None ships for real faces: 'semedit fit attributes --domain faces --data CELEBA' trains one."""
    return open_scorer(find_weights(FILE, VARIABLE, "scoring attributes of real faces"))


@cache
def attributes_judge() -> AttributeScorer:
    """Another file of one's own, of a classifier that no editor was learnt from."""
    file = find_weights(
        "face-attributes-judge.safetensors", "SEMEDIT_FACE_ATTRIBUTES_JUDGE", "judging attributes of real faces"
    )
    return open_scorer(file, JUDGE)


#: The published CLIP of StyleCLIP; OpenAI's weights need the name that ends in -quickgelu.
CLIP = "ViT-B-32-quickgelu"
#: The file of its weights that open_clip's authors publish (LAION-400M); OpenAI's own holds code and is not opened.
CLIP_WEIGHTS = "vit_b_32-quickgelu-laion400m_e32-46683a32.pt"
#: OpenAI's convolutional one: another architecture, trained apart.
CLIP_JUDGE = "RN50-quickgelu"
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


@cache
def clip_judge() -> Clip:
    path = os.environ.get("SEMEDIT_CLIP_JUDGE")
    if not path:
        raise MissingWeights(f"a second CLIP judges texts; set SEMEDIT_CLIP_JUDGE to a file of {CLIP_JUDGE}'s weights")
    return Clip.open(CLIP_JUDGE, path)


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
    attributes_judge=attributes_judge,
    clip_judge=clip_judge,
    properties=PROPERTIES,
    poor_psnr=15.0,
    identity_further=(curricular_face,),
)
