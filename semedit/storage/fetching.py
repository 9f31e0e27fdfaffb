"""Fetching a file that somebody publishes: in parts, gone on with after a break, checked, and renamed when whole."""

import hashlib
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from semedit.errors import CheckpointError, OutputError
from semedit.storage.atomic import check_output
from semedit.storage.ownership import claiming

CHUNK, PATIENCE = 1 << 20, 30.0


@dataclass(frozen=True)
class Fetched:
    """A file that was fetched: where it lies, its size, its SHA-256, and the bytes that were there from before."""

    path: Path
    bytes: int
    sha256: str
    resumed: int = 0


def promised(name: str) -> str:
    """The first digits of a file's SHA-256 that its name says, as publishers of weights do; or nothing.

    >>> promised("vgg16-397923af.pth"), promised("20180402-114759-vggface2.pt")
    ('397923af', '')
    """
    found = re.search(r"-([0-9a-f]{8,64})\.[a-z]+$", name)
    return found[1] if found else ""


def fetch(url: str, target: Path, sha256: str = "", progress: Callable[[int, int], None] | None = None) -> Fetched:
    """Fetch ``url`` into ``target``; ``sha256`` are its first hexadecimal digits, or nothing if they are not known.

    What has come stays beside it as ``.NAME.part`` if the connection breaks, and the next call goes on there.
    ``progress`` hears of bytes (done, total). Raises OutputError where nothing comes or not all of it, CheckpointError
    for a file of another content, which is not kept.
    """
    with claiming(target.parent):  # the folder is this library's own; links are still not followed
        check_output(target)
    part = target.with_name(f".{target.name}.part")
    before = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={before}-"} if before else {})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            if answer.status != 206:  # the server begins anew
                before = 0
            total = before + int(answer.headers.get("Content-Length") or 0)
            _receive(answer.read, part, before, total, progress)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing is left to come, or the part is of another file: the digest decides
            total = before
        else:
            raise OutputError(f"{url}: {error.code} {error.reason}") from None
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise OutputError(f"{url}: cannot be fetched ({getattr(error, 'reason', error)})") from None
    size = part.stat().st_size
    if size < total:
        raise OutputError(
            f"{url}: the connection ended at {size} of {total} bytes; the same command goes on from there"
        )
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not digest.startswith(sha256):
        part.unlink()
        raise CheckpointError(f"{url}: SHA-256 is {digest[:16]}..., not {sha256}...; nothing was kept")
    os.replace(part, target)
    return Fetched(target, size, digest, before)


def _receive(read: Callable[[int], bytes], part: Path, before: int, total: int,
             progress: Callable[[int, int], None] | None) -> None:  # fmt: skip
    """Write what comes to the end of a part of which ``before`` bytes are there."""
    with part.open("ab" if before else "wb") as file:
        done = before
        while chunk := read(CHUNK):
            file.write(chunk)
            done += len(chunk)
            if progress:
                progress(done, total)
