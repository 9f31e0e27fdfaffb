"""Crop transforms from landmarks, and choosing among faces."""

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from semedit.domains import domain
from semedit.errors import NoFaceFound, SeveralFaces
from semedit.pictures.alignment import Face, choose_face, crop_transform, cut, frames_differ, whole_picture

MARKS = np.array([[80, 100], [140, 100], [110, 130], [88, 160], [132, 160]], dtype=np.float32)


def turned(marks: np.ndarray, angle: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    c, s = np.cos(angle) * scale, np.sin(angle) * scale
    return (marks @ np.array([[c, s], [-s, c]]) + shift).astype(np.float32)


def into_crop(alignment, points: np.ndarray) -> np.ndarray:
    matrix = np.array(alignment.matrix)
    return (points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T


@pytest.mark.parametrize("angle, scale, shift", [(0.0, 1.0, (0, 0)), (0.5, 2.0, (30, -10)), (-2.0, 0.5, (200, 300))])
def test_landmarks_land_in_the_same_place_however_the_face_is_turned(angle, scale, shift):
    straight = into_crop(crop_transform(MARKS, 64), MARKS)
    moved = turned(MARKS, angle, scale, shift)
    np.testing.assert_allclose(into_crop(crop_transform(moved, 64), moved), straight, atol=1e-3)
    eyes = straight[:2].mean(0)
    assert abs(eyes[0] - 32) < 1 and straight[0, 1] == pytest.approx(straight[1, 1], abs=1e-3)


def test_the_crop_shows_what_the_transform_says():
    """A bright dot at a landmark of a photo appears in the crop within half a pixel of where the transform puts it."""
    photo = np.zeros((300, 300, 3), dtype=np.uint8)
    marks = turned(MARKS, 0.3, 1.0, (0, 0))
    x, y = marks[0]
    ys, xs = np.mgrid[0:300, 0:300] + 0.5
    photo[...] = (255 * np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / 18))[..., None]
    aligned = cut(Image.fromarray(photo), crop_transform(marks, 64))
    crop = np.asarray(aligned.crop, dtype=np.float64)[..., 0]
    cy, cx = np.mgrid[0:64, 0:64] + 0.5
    centre = np.array([(crop * cx).sum(), (crop * cy).sum()]) / crop.sum()
    np.testing.assert_allclose(centre, into_crop(aligned.alignment, marks[:1])[0], atol=0.5)


def test_a_crop_beyond_the_border_repeats_the_edge():
    grey = Image.new("RGB", (120, 120), (90, 90, 90))
    assert cut(grey, crop_transform(MARKS, 32)).crop.getextrema() == ((90, 90),) * 3


def test_whole_pictures_and_frames():
    whole = whole_picture(Image.new("RGB", (200, 100)), 50)
    assert whole.crop.size == (50, 50) and whole.alignment.matrix == ((2.0, 0.0, 50.0), (0.0, 2.0, 0.0))
    assert not frames_differ(whole.alignment, whole.alignment)
    assert frames_differ(crop_transform(MARKS, 50), whole.alignment)


def test_choosing_a_face():
    faces = [Face((0, 0, 9, 9), MARKS, 1.0), Face((0, 0, 5, 5), MARKS, 1.0)]
    assert choose_face(faces[:1], None) is faces[0] and choose_face(faces, 2) is faces[1]
    with pytest.raises(SeveralFaces, match=r"2 faces.*--face N"):
        choose_face(faces, None)
    with pytest.raises(NoFaceFound, match="no face found"):
        choose_face([], None)
    with pytest.raises(NoFaceFound, match="no face 3; 2 found"):
        choose_face(faces, 3)


def test_a_photo_without_a_face():
    """A flower: the faces domain refuses it, the portraits domain takes it whole."""
    flower = Image.fromarray(load_sample_image("flower.jpg")).resize((320, 213))
    with pytest.raises(NoFaceFound):
        domain("faces").align(flower, 64, None)
    assert domain("portraits").align(flower, 64, None).alignment.detector == "whole"
