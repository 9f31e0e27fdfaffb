"""Identity of faces as the papers' tools score it: CurricularFace (Huang et al. 2020, https://arxiv.org/abs/2004.00288).

ReStyle's tool, which SemanticStyleGAN's table 2 was very likely made with: MTCNN finds the face and its five landmarks
in a picture, a similarity brings them to the template of 112 px, IR-101 embeds the crop, and the cosine is the score.
"""

from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semedit.networks.irse import IR101, IrSeFace, IrTrunkConfig
from semedit.pictures.alignment import Alignment, cut, detect_faces
from semedit.pictures.tensors import to_picture, to_tensor
from semedit.storage.found import find_weights

FILE = "CurricularFace_Backbone.pth"
#: Where the eyes, the nose and the corners of the mouth lie in a crop of 112 px, as face recognition has it.
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)


class CurricularFace:
    """Identity by CurricularFace's IR-101, on faces that are found and aligned in the pictures themselves.

    ``path`` is the official file of its backbone (default: see :func:`find_weights`), ``config`` the trunk's sizes.
    It scores, and is not differentiable. Raises MissingWeights if the file is absent, CheckpointError for another.
    """

    SIZE: ClassVar[int] = 112
    protocol = "curricularface-ir101-mtcnn@112"
    #: Nobody has measured it here.
    threshold: float | None = None

    def __init__(self, path: str | Path | None = None, config: IrTrunkConfig = IR101):
        file = find_weights(FILE, "SEMEDIT_CURRICULARFACE", "the identity score of the papers", path)
        self.network = IrSeFace.load(file, config, affine=False)
        self.device = torch.device("cpu")

    def to(self, device: torch.device) -> Self:
        """Move the network; returns this object."""
        self.network.to(device)
        self.device = torch.device(device)
        return self

    @torch.no_grad()
    def embed(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Unit vectors (B, 512) of the largest face in each picture (B, 3, H, W) in [-1, 1], and where one was found
        (B,); the vectors of the others are zero."""
        crops = [self.crop(image) for image in images]
        found = torch.tensor([crop is not None for crop in crops], device=images.device)
        embedded = torch.zeros(len(images), 512, device=images.device)
        if present := [crop for crop in crops if crop is not None]:
            embedded[found] = self.network(torch.stack(present).to(self.device)).to(images.device)
        return embedded, found

    def crop(self, image: Tensor) -> Tensor | None:
        """The aligned face (3, 112, 112) of a picture (3, H, W), rounded to 8 bits; None where there is none."""
        picture = to_picture(image)
        faces = detect_faces(picture)
        if not faces:
            return None
        matrix = similarity(TEMPLATE, faces[0].landmarks)
        rows = tuple(tuple(float(value) for value in row) for row in matrix)
        return to_tensor(cut(picture, Alignment(rows, self.SIZE, "mtcnn")).crop)  # type: ignore[arg-type]

    def identity(self, a: Tensor, b: Tensor) -> Tensor:
        """Cosine similarity (B,) of picture pairs; NaN where either has no face that is found."""
        (x, seen), (y, also) = self.embed(a), self.embed(b)
        return torch.where(seen & also, (x * y).sum(1), torch.full_like(x[:, 0], float("nan")))


def similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.floating]:
    """The similarity (2, 3) that brings points (N, 2) nearest to others in least squares: target = matrix @ (x, y, 1).

    >>> square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    >>> bool(np.allclose(similarity(square, 2 * square + 3), [[2, 0, 3], [0, 2, 3]]))
    True
    """
    (x, y), (u, v) = np.asarray(source, np.float64).T, np.asarray(target, np.float64).T
    one, zero = np.ones_like(x), np.zeros_like(x)
    # u = a x - b y + c, v = b x + a y + d
    system = np.concatenate([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])
    a, b, c, d = np.linalg.lstsq(system, np.concatenate([u, v]), rcond=None)[0]
    return np.array([[a, -b, c], [b, a, d]])
