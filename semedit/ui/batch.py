"""One edit of many files: inverted, edited, and packed into an archive with a manifest of what was done."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semedit.editing.model import Model
from semedit.editing.requests.records import EditRecord, Failure, Watch
from semedit.editing.requests.request import EditRequest
from semedit.editing.sessions.inverting import subjects_of
from semedit.editing.sessions.session import EditSession
from semedit.errors import ConfigError
from semedit.storage.atomic import make_folder, write_json
from semedit.ui.work import Stopped

#: The manifest of an archive, and the archive.
MANIFEST, ARCHIVE = "manifest.json", "edited.zip"


@dataclass(frozen=True)
class BatchRecord:
    """What came of a batch: records of what was done, what failed and why, whether it was stopped, and the archive."""

    done: tuple[EditRecord, ...]
    failed: tuple[Failure, ...]
    stopped: bool
    archive: Path

    @property
    def text(self) -> str:
        """All of it in a line."""
        end = ", then it was stopped" if self.stopped else ""
        return f"{len(self.done)} edited, {len(self.failed)} failed{end}"


def edit_files(model: Model, files: Sequence[Path], out: Path, request: EditRequest, *, method: str | None = None,
               watch: Watch | None = None) -> BatchRecord:  # fmt: skip
    """Invert picture files by ``method``, edit them, and pack the results below ``out`` into ``out/edited.zip``.

    Files that cannot be used are named in the manifest; the others go on. If ``watch`` raises Stopped, what was
    finished is packed. Raises ConfigError without a file, and what the request asks for and the model does not have.
    """
    if not files:
        raise ConfigError("choose the pictures first")
    session, results = EditSession(model, request, watch), list[EditRecord | Failure]()
    stopped, out = False, make_folder(out)
    try:
        for path in files:
            for subject in subjects_of(model, [str(path)], out, watch, method=method):
                results += [subject] if isinstance(subject, Failure) else session.edit([subject])
    except Stopped:
        stopped = True
    failed = [one for one in results if isinstance(one, Failure)]
    if any(isinstance(one.error, Stopped) for one in failed):
        stopped, failed = True, [one for one in failed if not isinstance(one.error, Stopped)]
    done = [one for one in results if isinstance(one, EditRecord)]
    return BatchRecord(tuple(done), tuple(failed), stopped, _packed(out, request, done, failed, stopped))


def _packed(out: Path, request: EditRequest, done: list[EditRecord], failed: list[Failure], stopped: bool) -> Path:
    """An archive of all edits, in folders called as the results' are, with paths of the manifest inside it."""
    entries: list[dict[str, Any]] = []
    archive = out / ARCHIVE
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for record in done:
            names = {kind: str(Path(file).relative_to(out)) for kind, file in record.files.items()}
            for name in names.values():
                packed.write(out / name, name)
            entries.append({**record.to_json(), **names, "input": Path(record.input).name})
        said = {
            "request": request.to_json(),
            "done": entries,
            "failed": [{"input": Path(one.input).name, "error": str(one.error)} for one in failed],
            "stopped": stopped,
        }
        write_json(out / MANIFEST, said)
        packed.write(out / MANIFEST, MANIFEST)
    return archive
