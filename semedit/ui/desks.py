"""All desks of a server, by the tab of a browser that works there."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from semedit.editing.model import Model
from semedit.errors import ConfigError
from semedit.ui.desk import Desk

#: The most desks at once.
MOST = 32


class Desks:
    """Desks by key, each with a folder of its own below ``root``; of more than MOST the one at rest longest goes.

    ``asked`` is what commands call the model.
    """

    def __init__(self, model: Model, asked: str = "", root: Path | None = None, most: int = MOST,
                 clock: Callable[[], float] = time.monotonic):  # fmt: skip
        self.model, self.asked, self.most, self._clock = model, asked, most, clock
        self._own = tempfile.TemporaryDirectory(prefix="semedit-ui-", dir=root, ignore_cleanup_errors=True)
        self._desks: dict[str, tuple[Desk, float]] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._desks)

    def of(self, key: str) -> Desk:
        """The desk of a tab, made when it is first asked for. Raises ConfigError where all are at work."""
        with self._lock:
            found = self._desks.get(key)
            desk = found[0] if found else self._new()
            self._desks[key] = desk, self._clock()
            return desk

    def _new(self) -> Desk:
        if len(self._desks) >= self.most:
            resting = [(used, key) for key, (desk, used) in self._desks.items() if not desk.work.busy]
            if not resting:
                raise ConfigError(f"all {self.most} desks are at work; close a tab, or try again later")
            self._desks.pop(min(resting)[1])[0].close()
        return Desk(self.model, Path(tempfile.mkdtemp(dir=self._own.name)), self.asked)

    def close(self, key: str) -> None:
        """The tab is gone: its work ends at the next step, and its files go."""
        with self._lock:
            found = self._desks.pop(key, None)
        if found:
            found[0].close()

    def close_all(self) -> None:
        for key in list(self._desks):
            self.close(key)
        self._own.cleanup()
