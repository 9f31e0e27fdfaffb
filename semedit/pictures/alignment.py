"""Finding and aligning faces: five landmarks by MTCNN, an FFHQ-style crop, and the transform to go back.

The crop follows FFHQ's rule on five points: with e the vector between the eyes and m the vector from the eyes' middle
to the mouth's middle, x = (e - rot90(m)) scaled to max(2 |e|, 1.8 |m|), centre = eyes' middle + 0.1 m; the crop is the
square of half-side |x| around the centre, turned with x.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semedit.errors import FaceError, NoFaceFound, SeveralFaces

MIN_PROBABILITY, SURE_PROBABILITY = 0.90, 0.99
#: Sides in px between which pictures are searched, and the width of the smallest face that is cut out.
MIN_DETECTION_SIDE, MAX_DETECTION_SIDE = 320, 1280
MIN_FACE = 20
#: Quarter turns, tried where no face surely stands upright.
TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270, Image.Transpose.ROTATE_180)


@dataclass(frozen=True)
class Alignment:
    """The similarity that maps crop pixels to photo pixels: photo = matrix @ (x, y, 1), matrix (2, 3).

    Pixel coordinates have (0, 0) at the corner of the top-left pixel. ``detector`` says how the crop was found.
    """

    matrix: tuple[tuple[float, float, float], tuple[float, float, float]]
    size: int
    detector: str

    def to_json(self) -> dict[str, Any]:
        return {"matrix": [list(row) for row in self.matrix], "size": self.size, "detector": self.detector}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Alignment":
        return cls(tuple(tuple(row) for row in data["matrix"]), data["size"], data["detector"])  # type: ignore[arg-type]


@dataclass(frozen=True)
class Aligned:
    """A square crop (``size`` x ``size`` RGB) and how it was cut."""

    crop: Image.Image
    alignment: Alignment


@dataclass(frozen=True)
class Face:
    """A detection: box (x0, y0, x1, y1), landmarks (5, 2) (eyes, nose, mouth corners), probability."""

    box: tuple[float, float, float, float]
    landmarks: NDArray[np.float32]
    probability: float

    @property
    def width(self) -> float:
        """The shorter side of its box, in px."""
        x0, y0, x1, y1 = self.box
        return min(x1 - x0, y1 - y0)

    def mapped(self, place: Callable[[Any, Any], tuple[Any, Any]]) -> "Face":
        """The same face after moving points (x, y) to ``place(x, y)``, which turns by quarters only."""
        (x0, y0), (x1, y1) = place(*self.box[:2]), place(*self.box[2:])
        marks = np.stack(place(self.landmarks[:, 0], self.landmarks[:, 1]), axis=1)
        return Face((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), marks, self.probability)


@cache
def _detector() -> Any:
    try:
        from facenet_pytorch import MTCNN
    except ImportError as error:
        raise FaceError(f"face detection needs facenet-pytorch ({error})") from None
    return MTCNN(keep_all=True, device="cpu")


def detect_faces(image: Image.Image) -> list[Face]:
    """Upright faces (turned by up to 45 degrees) in an RGB picture, largest first, in its own pixels.

    Pictures are searched at 320 to 1280 px, and what is found is scaled back.
    """
    longest = max(image.size)
    scale = max(min(longest, MAX_DETECTION_SIDE), MIN_DETECTION_SIDE) / longest
    small = image if scale == 1.0 else image.resize((round(image.width * scale), round(image.height * scale)))
    if min(small.size) < 24:
        return []
    boxes, probabilities, points = _detector().detect(small, landmarks=True)
    if boxes is None:
        return []
    faces = []
    for box, probability, landmarks in zip(boxes, probabilities, points, strict=True):
        if probability is not None and probability >= MIN_PROBABILITY:
            x0, y0, x1, y1 = (float(value) / scale for value in box)
            marks = np.asarray(landmarks, dtype=np.float32) / np.float32(scale)
            faces.append(Face((x0, y0, x1, y1), marks, float(probability)))
    return sorted(faces, key=lambda f: (f.box[2] - f.box[0]) * (f.box[3] - f.box[1]), reverse=True)


def find_faces(image: Image.Image) -> list[Face]:
    """Faces however the picture is turned: upright ones, or, where none of those is sure, those of the quarter turn
    that shows the surest.

    Boxes and landmarks are in the pixels of the picture as it was given.
    """
    best = detect_faces(image)
    if best and max(face.probability for face in best) >= SURE_PROBABILITY:
        return best
    width, height = image.size
    back = {  # a point of the turned picture -> the same point of the given one
        Image.Transpose.ROTATE_90: lambda x, y: (width - y, x),
        Image.Transpose.ROTATE_270: lambda x, y: (y, height - x),
        Image.Transpose.ROTATE_180: lambda x, y: (width - x, height - y),
    }
    for turn in TURNS:
        found = [face.mapped(back[turn]) for face in detect_faces(image.transpose(turn))]
        best = max(best, found, key=lambda faces: max((face.probability for face in faces), default=0.0))
    return best


def crop_transform(landmarks: NDArray[np.float32], size: int, zoom: float = 1.0) -> Alignment:
    """The FFHQ-style crop of five landmarks (5, 2) as a transform; ``zoom`` above 1 takes in more around the face."""
    marks = np.asarray(landmarks, dtype=np.float64)
    eyes, mouth = (marks[0] + marks[1]) / 2, (marks[3] + marks[4]) / 2
    across, down = marks[1] - marks[0], mouth - eyes
    x = across - np.array([-down[1], down[0]])
    x = x / max(np.hypot(*x), 1e-6) * max(np.hypot(*across) * 2.0, np.hypot(*down) * 1.8) * zoom
    y = np.array([-x[1], x[0]])
    centre = eyes + down * 0.1
    corner = centre - x - y
    step_x, step_y = 2 * x / size, 2 * y / size
    matrix = ((step_x[0], step_y[0], corner[0]), (step_x[1], step_y[1], corner[1]))
    return Alignment(tuple(tuple(float(v) for v in row) for row in matrix), size, "mtcnn")  # type: ignore[arg-type]


def cut(image: Image.Image, alignment: Alignment) -> Aligned:
    """Resample the crop that ``alignment`` describes; beyond the photo's border its edge pixels are repeated."""
    matrix = np.array(alignment.matrix)
    size = alignment.size
    shrink = max(1, int(np.hypot(*matrix[:, 0]) + 0.5))
    border = 0
    corners = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]]) @ matrix.T
    overhang = max(0.0, *(-corners.min(0)), *(corners.max(0) - np.array(image.size)))
    if overhang > 0:
        border = int(overhang) + 2
        padded = np.pad(np.asarray(image), ((border, border), (border, border), (0, 0)), mode="edge")
        image = Image.fromarray(padded)
    shifted = matrix.copy()
    shifted[:, 2] += border
    # Supersampling by the shrink factor and a box reduction keep large photos from aliasing.
    fine = shifted.copy()
    fine[:, :2] /= shrink
    crop = image.transform((size * shrink, size * shrink), Image.Transform.AFFINE, tuple(fine.flatten()),
                           Image.Resampling.BICUBIC)  # fmt: skip
    return Aligned(crop.reduce(shrink) if shrink > 1 else crop, alignment)


def choose_face(faces: list[Face], number: int | None) -> Face:
    """The face that ``number`` (from 1, largest first) names, or the only one.

    Raises NoFaceFound, or SeveralFaces when there are several and none is named.
    """
    if not faces:
        raise NoFaceFound("no face found in this picture")
    if number is None:
        if len(faces) > 1:
            raise SeveralFaces(f"{len(faces)} faces found; choose one with --face N (1 is the largest)")
        return faces[0]
    if not 1 <= number <= len(faces):
        raise NoFaceFound(f"there is no face {number}; {len(faces)} found")
    return faces[number - 1]


def align_face(image: Image.Image, size: int, face: int | None = None, zoom: float = 1.0) -> Aligned:
    """Detect, choose and cut a face. Raises NoFaceFound, SeveralFaces, or FaceError for one below MIN_FACE px."""
    chosen = choose_face(find_faces(image), face)
    if chosen.width < MIN_FACE:
        raise FaceError(f"the face is only {chosen.width:.0f} px wide; at least {MIN_FACE} px are needed")
    return cut(image, crop_transform(chosen.landmarks, size, zoom))


def whole_picture(image: Image.Image, size: int) -> Aligned:
    """The central square of a picture that is already framed, as an alignment."""
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    step = side / size
    crop = image.resize((size, size), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side))
    return Aligned(crop, Alignment(((step, 0.0, left), (0.0, step, top)), size, "whole"))


def already_aligned(image: Image.Image, size: int) -> Aligned:
    """A square picture as it is, at ``size`` px: no face is looked for. Raises FaceError for one that is not square."""
    if image.width != image.height:
        raise FaceError(f"a picture of {image.width}x{image.height} px is not aligned: it is not square")
    return whole_picture(image, size)


def frames_differ(a: Alignment, b: Alignment, tolerance: float = 0.2) -> bool:
    """Whether two crops differ in place, scale or turn by more than ``tolerance`` of their side."""
    corners = np.array([[0, 0, 1], [a.size, 0, 1], [0, a.size, 1]])
    first, second = corners @ np.array(a.matrix).T, corners @ np.array(b.matrix).T
    side = np.hypot(*(second[1] - second[0]))
    return bool(np.abs(first - second).max() > tolerance * side)
