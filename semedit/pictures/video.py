"""Frames as a file: GIF, WebP or animated PNG through Pillow, MP4 through PyAV."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from semedit.errors import ConfigError
from semedit.pictures.provenance import Mark, carried, sign
from semedit.pictures.sheets import SAMPLED
from semedit.pictures.tensors import to_picture
from semedit.storage.atomic import replacing

STILL = {".gif": "GIF", ".webp": "WEBP", ".apng": "PNG"}


def video_kind(path: str | Path) -> str:
    """The ending that says how frames are written. Raises ConfigError for another."""
    kind = Path(path).suffix.lower()
    if kind not in (*STILL, ".mp4"):
        raise ConfigError(f"{path}: moving pictures are written as .mp4, .gif, .webp or .apng")
    return kind


def save_video(frames: Tensor, path: str | Path, fps: int = 20, mark: Mark | None = SAMPLED) -> None:
    """Write frames (N, 3, H, W) in [-1, 1], atomically; the ending chooses GIF, WebP, animated PNG or MP4.

    ``mark`` says where they come from (by default a model's samples); MP4 carries it as its comment.

    Raises ConfigError for another ending, or for MP4 where PyAV is not installed.
    """
    path, kind = Path(path), video_kind(path)
    pictures = [to_picture(frame) for frame in frames]
    if kind in STILL:
        with replacing(path) as temporary:
            pictures[0].save(
                temporary,
                format=STILL[kind],
                save_all=True,
                append_images=pictures[1:],
                duration=round(1000 / fps),
                loop=0,
                **carried(mark, STILL[kind]),
            )
            sign(temporary, mark, STILL[kind])
        return
    with replacing(path) as temporary:
        _write_mp4(pictures, temporary, fps, mark)
        sign(temporary, mark, "MP4")


def _write_mp4(pictures: Sequence[Image.Image], path: Path, fps: int, mark: Mark | None) -> None:
    """Pictures of one size as the frames of an MP4 file. Raises ConfigError where PyAV is not installed."""
    try:
        import av
    except ImportError:
        raise ConfigError("MP4 needs PyAV: pip install 'semedit[video]' (GIF and WebP need nothing)") from None
    with av.open(str(path), "w", format="mp4") as container:
        if note := carried(mark, "GIF"):
            container.metadata["comment"] = note["comment"].decode()
        stream = container.add_stream("libx264", rate=fps)
        width, height = (side + side % 2 for side in pictures[0].size)  # the format wants even sides
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in pictures:
            pixels = np.asarray(picture)
            padded = np.pad(pixels, ((0, height - pixels.shape[0]), (0, width - pixels.shape[1]), (0, 0)), mode="edge")
            for packet in stream.encode(av.VideoFrame.from_ndarray(padded, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
