"""The picture of the page in the README: ``python -m tests.ui.picture docs/page.png [WIDTH]``."""

import sys
import tempfile
from pathlib import Path

from tests.browser import opened_browser
from tests.ui.browsing import Server, Tab


def main(path: str, width: int = 1440) -> None:
    """Edit a portrait in the page, and write what is then seen."""
    with tempfile.TemporaryDirectory() as root, opened_browser() as browser:
        server = Server(Path(root))
        tab = Tab(browser, server, width, 960)
        tab.random(9)
        tab.tab("Attributes")
        for attr, strength in (("smile", 1.0), ("glasses", 1.2)):
            tab.slide(attr, strength)
            tab.release(attr)
        tab.page.get_by_label("hair", exact=True).check()
        tab.wait_for_regions("hair")
        tab.slide("dyed_hair", 1.5)
        tab.release("dyed_hair")
        tab.page.mouse.move(0, 0)
        tab.page.wait_for_timeout(1000)
        tab.page.screenshot(path=path)
        tab.close()
        server.end()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
