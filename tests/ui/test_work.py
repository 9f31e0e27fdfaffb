"""Long work beside the page: its progress, its end, its stop; desks by tab, and what is left when one goes."""

import threading
import time

import pytest

from semedit.errors import ConfigError, ImageError
from semedit.ui.desks import Desks
from semedit.ui.work import Stopped, Work


def endless(watch):
    for step in range(10**6):
        watch("counting", step, 10**6)
        time.sleep(0.005)


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def test_work_tells_how_far_it_is_and_ends_when_asked():
    work = Work()
    work.start("counting", endless)
    assert not work.wait(0.1) and work.busy and until(lambda: work.progress.done > 3)
    with pytest.raises(ConfigError, match="still at work"):
        work.start("more", endless)
    work.stop()
    with pytest.raises(Stopped):
        work.wait(10)
    assert not work.busy
    work.start("again", lambda watch: watch("again", 1, 1))
    assert work.wait(10) and work.progress.share == 1


def test_what_goes_wrong_is_raised_once():
    def broken(watch):
        raise ImageError("not a picture")

    work = Work()
    work.start("reading", broken)
    with pytest.raises(ImageError):
        work.wait(10)
    assert work.wait(1)


def test_closed_work_does_not_begin_again():
    work, ran = Work(), threading.Event()
    work.close()
    work.start("late", lambda watch: ran.set())
    with pytest.raises(Stopped):
        work.wait(10)
    assert not ran.is_set()


def test_desks_do_not_mix_and_a_closed_one_frees_its_work_and_files(shipped, tmp_path):
    desks = Desks(shipped, root=tmp_path)
    one, other = desks.of("one"), desks.of("other")
    assert one is not other and desks.of("one") is one and one.folder != other.folder
    (one.folder / "a").write_text("x")
    one.work.start("counting", endless)
    desks.close("one")
    assert until(lambda: not one.work.busy) and not one.folder.exists() and other.folder.exists()
    assert desks.of("one") is not one
    desks.close_all()
    assert not any(tmp_path.iterdir())


def test_of_too_many_desks_the_one_at_rest_longest_goes(shipped, tmp_path):
    ticks = iter(range(100))
    desks = Desks(shipped, root=tmp_path, most=2, clock=lambda: next(ticks))
    first, second = desks.of("first"), desks.of("second")
    assert desks.of("first") is first
    desks.of("third")
    assert len(desks) == 2 and not second.folder.exists() and first.folder.exists()
    for key in ("first", "third"):
        desks.of(key).work.start("counting", endless)
    with pytest.raises(ConfigError, match="all 2 desks are at work"):
        desks.of("fourth")
    desks.close_all()
