"""Being asked to stop: a run finishes its step, keeps its state, and only then leaves."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType


class Wish:
    """Whether somebody has asked this process to stop."""

    def __init__(self) -> None:
        self.made = False

    def note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (as signal handlers are called)
        """The first time, remember; the second time, stop at once."""
        if self.made:
            raise KeyboardInterrupt
        self.made = True


@contextmanager
def wish_to_stop(listen: bool = True) -> Iterator[Wish]:
    """Within, Ctrl-C and SIGTERM are wishes. Only the main thread can ``listen``."""
    wish = Wish()
    numbers = (signal.SIGINT, signal.SIGTERM) if listen and current_thread() is main_thread() else ()
    before = {number: signal.signal(number, wish.note) for number in numbers}
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
