"""Chromium for tests, driven by playwright; it talks to its driver over the loopback alone, if at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

#: The names of browsers that playwright drives.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ("--no-sandbox", "--disable-background-networking")


def find_browser() -> str | None:
    """The path of a browser, or None; SEMEDIT_BROWSER names one."""
    return os.environ.get("SEMEDIT_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)


def skip_without_browser(whole_file: bool = False) -> None:
    """Skip a test, or all of a file, where there is nothing to drive, or nothing to drive it with."""
    pytest.importorskip("playwright.sync_api", reason="driving a browser needs playwright")
    if find_browser() is None:
        pytest.skip("there is no browser: apt-get install chromium", allow_module_level=whole_file)


@contextmanager
def opened_browser() -> Iterator[Any]:
    """A headless browser, as playwright gives it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_browser(), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()
