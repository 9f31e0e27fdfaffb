"""Long work of one desk: it runs beside the page, says how far it is, and can be stopped."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Lock, Thread

from semedit.editing.requests.records import Watch
from semedit.errors import ConfigError, SemeditError


class Stopped(SemeditError):
    """Work that was stopped before its end, because somebody wanted it so or has gone."""


@dataclass(frozen=True)
class Progress:
    """What is being done, how many steps of how many, and for how long in seconds."""

    what: str
    done: int
    total: int
    seconds: float

    @property
    def share(self) -> float:
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0


class Work:
    """One job at a time. Jobs get a ``watch`` that they tell of each step; it raises Stopped once that is wanted."""

    def __init__(self) -> None:
        self._stop, self._lock = Event(), Lock()
        self._thread: Thread | None = None
        self._error: BaseException | None = None
        self._progress, self._began = ("", 0, 0), 0.0
        self._closed = False

    @property
    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def progress(self) -> Progress:
        return Progress(*self._progress, time.monotonic() - self._began)

    def watch(self, what: str, done: int, total: int) -> None:
        """Hear of a step. Raises Stopped."""
        self._progress = (what, done, total)
        if self._stop.is_set():
            raise Stopped(f"{what or 'the work'} was stopped")

    def start(self, what: str, job: Callable[[Watch], object]) -> None:
        """Begin a job in a thread. Raises ConfigError while another is going on."""
        with self._lock:
            if self.busy:
                raise ConfigError(f"still at work ({self._progress[0]}); wait for it, or stop it")
            self._error, self._progress, self._began = None, (what, 0, 0), time.monotonic()
            if not self._closed:
                self._stop.clear()
            self._thread = Thread(target=self._run, args=(job,), daemon=True, name=f"semedit: {what}")
            self._thread.start()

    def _run(self, job: Callable[[Watch], object]) -> None:
        try:
            self.watch(*self._progress)
            job(self.watch)
        except BaseException as error:
            self._error = error

    def settles(self, seconds: float) -> bool:
        """Whether nothing is going on, if need be after so many seconds; what was raised is left for :meth:`wait`."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.busy

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the job's end, no longer than so many seconds; whether it has ended.

        What it raised is raised here, once.
        """
        if self._thread is not None:
            self._thread.join(seconds)
        if self.busy:
            return False
        error, self._error = self._error, None
        if error is not None:
            raise error
        return True

    def stop(self) -> None:
        """Ask the job to end at its next step."""
        self._stop.set()

    def close(self) -> None:
        """Stop, for good."""
        self._closed = True
        self.stop()
