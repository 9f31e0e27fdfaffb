"""The weights of others that their publishers offer openly: what each is for, and who knows its address."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from semedit.errors import UnknownName
from semedit.metrics.identity import FACENET
from semedit.metrics.inception import LegacyInception
from semedit.metrics.lpips import BACKBONES


@dataclass(frozen=True)
class Published:
    """A file of weights: its name, the use of it, its size in MB as its publisher says, its licence, and ``address``,
    which asks the library that knows where it lies."""

    file: str
    purpose: str
    megabytes: int
    licence: str
    address: Callable[[], str]

    @property
    def url(self) -> str:
        """Where it is fetched from: its publisher, or a mirror that SEMEDIT_MIRROR names, with the same file names."""
        mirror = os.environ.get("SEMEDIT_MIRROR")
        return f"{mirror.rstrip('/')}/{self.file}" if mirror else self.address()


def _vgg16() -> str:
    from torchvision.models import VGG16_Weights

    return str(VGG16_Weights.IMAGENET1K_V1.url)


def _alexnet() -> str:
    from torchvision.models import AlexNet_Weights

    return str(AlexNet_Weights.IMAGENET1K_V1.url)


def _inception() -> str:
    from torchvision.models import Inception_V3_Weights

    return str(Inception_V3_Weights.IMAGENET1K_V1.url)


def _facenet() -> str:
    """facenet-pytorch writes it into a function: it is read there."""
    from facenet_pytorch.models.inception_resnet_v1 import load_weights

    return next(text for text in load_weights.__code__.co_consts if isinstance(text, str) and text.endswith(FACENET))


CLIP_MODEL, CLIP_TAG = "ViT-B-32-quickgelu", "laion400m_e32"


def _clip() -> str:
    from open_clip.pretrained import get_pretrained_cfg

    return str(get_pretrained_cfg(CLIP_MODEL, CLIP_TAG)["url"])


#: Short name -> file.
PUBLISHED: dict[str, Published] = {
    "vgg16": Published(BACKBONES["vgg"], "perceptual distance (LPIPS)", 528, "BSD-3-Clause", _vgg16),
    "facenet": Published(FACENET, "identity of faces", 111, "MIT", _facenet),
    "clip": Published("vit_b_32-quickgelu-laion400m_e32-46683a32.pt", "edits by words", 605, "MIT", _clip),
    "alexnet": Published(BACKBONES["alex"], "training an encoder of faces", 233, "BSD-3-Clause", _alexnet),
    "inception": Published(LegacyInception.FILE, "Frechet distances of faces", 104, "BSD-3-Clause", _inception),
}
#: What inverting and editing pictures of a domain uses.
GROUPS: dict[str, tuple[str, ...]] = {"faces": ("vgg16", "facenet", "clip")}


def chosen(names: list[str]) -> dict[str, Published]:
    """The files that names of groups or of files mean. Raises UnknownName."""
    found: dict[str, Published] = {}
    for name in names:
        if name not in PUBLISHED and name not in GROUPS:
            raise UnknownName("published weight", name, (*GROUPS, *PUBLISHED))
        found |= {one: PUBLISHED[one] for one in GROUPS.get(name, (name,))}
    return found


def command_for(files: list[str]) -> str:
    """The command that fetches files; empty if one of them is published nowhere."""
    names = [next((name for name, one in PUBLISHED.items() if one.file == file), "") for file in files]
    if not all(names):
        return ""
    group = next((group for group, members in GROUPS.items() if set(names) <= set(members)), None)
    return f"semedit models fetch {group if group and len(names) > 1 else ' '.join(names)}"
