"""Moving pictures: every frame is written, at the frames' size."""

import pytest
import torch
from PIL import Image

from semedit.errors import ConfigError
from semedit.pictures.video import save_video


@pytest.mark.parametrize("ending", [".gif", ".webp", ".apng"])
def test_moving_pictures(tmp_path, ending):
    frames = torch.rand(4, 3, 17, 20) * 2 - 1
    save_video(frames, tmp_path / f"x{ending}")
    with Image.open(tmp_path / f"x{ending}") as image:
        assert image.n_frames == 4 and image.size == (20, 17)


def test_an_mp4_has_even_sides(tmp_path):
    av = pytest.importorskip("av")
    save_video(torch.rand(5, 3, 17, 20) * 2 - 1, tmp_path / "x.mp4", fps=10)
    with av.open(str(tmp_path / "x.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (20, 18) and sum(1 for _ in container.decode(stream)) == 5
    with pytest.raises(ConfigError, match="are written as"):
        save_video(torch.zeros(2, 3, 8, 8), tmp_path / "x.avi")
