"""Real photos: detection, alignment, its inverse and paste-back, on the astronaut that scikit-image ships (NASA, public
domain), turned, scaled, doubled and alone."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut

from semedit.domains import domain
from semedit.errors import FaceError, ImageError, NoFaceFound, SeveralFaces
from semedit.pictures.alignment import Alignment, align_face, crop_transform, cut, detect_faces, find_faces
from semedit.pictures.paste import paste_back
from semedit.pictures.tensors import to_picture, to_tensor
from tests.semedit.pictures.test_alignment import into_crop

SIZE = 256


@pytest.fixture(scope="module")
def photo():
    return Image.fromarray(astronaut())


@pytest.fixture(scope="module")
def face(photo):
    (found,) = detect_faces(photo)
    return found


@pytest.fixture(scope="module")
def aligned(photo):
    return align_face(photo, SIZE)


def centroid(image: np.ndarray) -> np.ndarray:
    """Centre of brightness (x, y) of a picture (H, W), in pixels from its corner."""
    ys, xs = np.mgrid[0 : image.shape[0], 0 : image.shape[1]] + 0.5
    return np.array([(image * xs).sum(), (image * ys).sum()]) / image.sum()


def dot(size: tuple[int, int], place: np.ndarray, sigma: float = 4.0) -> Image.Image:
    """A bright dot on black at ``place`` (x, y)."""
    ys, xs = np.mgrid[0 : size[1], 0 : size[0]] + 0.5
    grey = 255 * np.exp(-((xs - place[0]) ** 2 + (ys - place[1]) ** 2) / (2 * sigma**2))
    return Image.fromarray(np.repeat(grey.round().astype(np.uint8)[..., None], 3, axis=2))


class TestDetection:
    def test_the_landmarks_are_on_the_face(self, face):
        eyes, nose, mouth = face.landmarks[:2], face.landmarks[2], face.landmarks[3:]
        x0, y0, x1, y1 = face.box
        assert ((face.landmarks > (x0, y0)) & (face.landmarks < (x1, y1))).all()
        assert eyes[:, 1].max() < nose[1] < mouth[:, 1].min() and face.probability > 0.99

    @pytest.mark.parametrize(
        "turn", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270]
    )
    def test_a_photo_on_its_side_gives_the_same_crop(self, photo, aligned, turn):
        crop = align_face(photo.transpose(turn), SIZE).crop
        difference = np.abs(np.asarray(crop, dtype=float) - np.asarray(aligned.crop, dtype=float)).mean()
        assert difference < 2  # detection itself wavers by a fraction of a pixel between the turns

    def test_a_tilted_head_is_set_upright(self, photo, aligned):
        tilted = align_face(photo.rotate(25, Image.Resampling.BICUBIC), SIZE).crop
        (found,) = detect_faces(tilted)
        assert abs(found.landmarks[0, 1] - found.landmarks[1, 1]) < 0.02 * SIZE

    @pytest.mark.parametrize("side", [128, 3000])
    def test_small_and_huge_photos_agree_with_the_original(self, photo, face, side):
        (found,) = find_faces(photo.resize((side, side), Image.Resampling.LANCZOS))
        np.testing.assert_allclose(found.landmarks / side, face.landmarks / 512, atol=0.012)

    def test_several_faces_and_a_choice(self, photo):
        both = Image.new("RGB", (900, 512))
        both.paste(photo, (0, 0))
        both.paste(photo.resize((384, 384)), (512, 64))
        with pytest.raises(SeveralFaces, match="2 faces found"):
            align_face(both, SIZE)
        left, right = (crop_transform(f.landmarks, SIZE) for f in detect_faces(both))
        assert align_face(both, SIZE, face=1).alignment.matrix == left.matrix
        assert (
            align_face(both, SIZE, face=2).alignment.matrix == right.matrix and left.matrix[0][2] < right.matrix[0][2]
        )

    def test_none_and_tiny(self, photo):
        with pytest.raises(NoFaceFound):
            domain("faces").align(photo.crop((0, 300, 200, 500)), SIZE, None)
        with pytest.raises(FaceError, match="px wide; at least 20 px"):
            align_face(photo.resize((100, 100), Image.Resampling.LANCZOS), SIZE)


class TestHalfAPixel:
    """At all five landmarks: photo -> crop, and photo -> crop -> photo again."""

    @pytest.mark.parametrize("mark", range(5))
    def test_there(self, photo, face, aligned, mark):
        place = face.landmarks[mark].astype(float)
        crop = cut(dot(photo.size, place), aligned.alignment).crop
        found = centroid(np.asarray(crop, dtype=float)[..., 0])
        np.testing.assert_allclose(found, into_crop(aligned.alignment, place[None])[0], atol=0.5)

    @pytest.mark.parametrize("mark", range(5))
    def test_and_back(self, photo, face, aligned, mark):
        place = face.landmarks[mark].astype(float)
        patch = to_tensor(cut(dot(photo.size, place), aligned.alignment).crop)
        black = Image.new("RGB", photo.size)
        pasted = paste_back(black, aligned.alignment, torch.full((3, SIZE, SIZE), -1.0), patch)
        np.testing.assert_allclose(centroid(np.asarray(pasted, dtype=float)[..., 0]), place, atol=0.5)


class TestPasteBack:
    @pytest.fixture(scope="class")
    def inside(self, photo, aligned):
        """Which pixels (H, W) of the photo lie in the crop."""
        ys, xs = np.mgrid[0 : photo.height, 0 : photo.width] + 0.5
        places = into_crop(aligned.alignment, np.stack([xs.ravel(), ys.ravel()], axis=1)).reshape(*xs.shape, 2)
        return ((places > 0) & (places < SIZE)).all(-1)

    @pytest.fixture(scope="class")
    def reconstruction(self, aligned):
        """What an inversion might give back: the crop, blurred, and too warm."""
        x = to_tensor(aligned.crop)
        blurred = torch.nn.functional.avg_pool2d(x[None], 9, stride=1, padding=4, count_include_pad=False)[0]
        return (blurred + torch.tensor([0.08, 0.0, -0.08])[:, None, None]).clamp(-1, 1)

    def test_outside_the_crop_every_byte_stays(self, photo, aligned, inside):
        edited = torch.rand(3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1
        pasted = np.asarray(paste_back(photo, aligned.alignment, to_tensor(aligned.crop), edited))
        assert np.array_equal(pasted[~inside], np.asarray(photo)[~inside])
        assert np.abs(pasted[inside].astype(int) - np.asarray(photo)[inside]).mean() > 20

    def test_strength_0_changes_the_photo_by_no_more_than_the_reconstruction_misses(
        self, photo, aligned, inside, reconstruction
    ):
        before = np.asarray(photo, dtype=float)
        pasted = np.asarray(paste_back(photo, aligned.alignment, reconstruction, reconstruction), dtype=float)
        plain = to_tensor(aligned.crop) - reconstruction
        missed = (plain.square().mean().sqrt() * 127.5).item()
        changed = np.sqrt(np.square(pasted - before)[inside].mean())
        assert 0 < changed < missed + 0.5
        perfect = paste_back(photo, aligned.alignment, to_tensor(aligned.crop), to_tensor(aligned.crop))
        assert np.abs(np.asarray(perfect, dtype=float) - before).mean() < 1  # resampling there and back

    def test_colours_meet_at_the_seam(self, photo, aligned, reconstruction):
        """Across the border of the crop the pasted photo is no rougher than a plain paste, and far less tinted."""
        band = cut(paste_back(photo, aligned.alignment, reconstruction, reconstruction), aligned.alignment).crop
        rim = np.ones((SIZE, SIZE), dtype=bool)
        rim[40:-40, 40:-40] = False
        tint = (np.asarray(band, dtype=float) - np.asarray(aligned.crop, dtype=float))[rim].mean(0)
        plain = (reconstruction - to_tensor(aligned.crop)).permute(1, 2, 0).numpy()[rim].mean(0) * 127.5
        assert np.abs(tint).max() < 0.35 * np.abs(plain).max()

    def test_a_crop_that_hangs_over_the_border(self, photo):
        step = 300 / SIZE
        over = Alignment(((step, 0.0, -80.0), (0.0, step, -60.0)), SIZE, "test")
        pasted = paste_back(photo, over, torch.zeros(3, SIZE, SIZE), torch.ones(3, SIZE, SIZE))
        assert pasted.size == photo.size and pasted.getpixel((60, 60)) != photo.getpixel((60, 60))
        away = Alignment(((step, 0.0, 9000.0), (0.0, step, 0.0)), SIZE, "test")
        assert (
            paste_back(photo, away, torch.zeros(3, SIZE, SIZE), torch.ones(3, SIZE, SIZE)).tobytes() == photo.tobytes()
        )

    def test_other_sizes_are_refused(self, photo, aligned):
        with pytest.raises(ImageError, match=r"the crop is \(3, 256, 256\)"):
            paste_back(photo, aligned.alignment, torch.zeros(3, 64, 64), torch.zeros(3, 64, 64))

    def test_alignments_survive_json(self, aligned):
        assert Alignment.from_json(aligned.alignment.to_json()) == aligned.alignment

    def test_pictures_and_tensors_agree(self, aligned):
        again = np.asarray(to_picture(to_tensor(aligned.crop)), dtype=int)
        assert np.abs(again - np.asarray(aligned.crop)).max() <= 1
