"""A server of the page in a process of its own, and a tab as a person uses it, for the tests in a browser."""

import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

#: How long a page may take for something, in ms: the machine may be busy.
PATIENCE = 300_000
ROOT = Path(__file__).parents[2]
#: What the server's process runs first: whatever it connects, sends, or asks names for, is written down.
HOOK = """
import sys

def heard(event, args):
    if event in ("socket.connect", "socket.sendto"):
        if isinstance(args[1], tuple):
            note(*args[1][:2])
    elif event == "socket.getaddrinfo":
        note(*args[:2])

def note(host, port):
    with open({file!r}, "a") as file:
        file.write(f"{{host}} {{port}}\\n")

sys.addaudithook(heard)
"""
#: The beginnings of what is heard of this machine itself, which port 9, a proxy that nobody is at, is not.
OWN = ("127.0.0.1 ", "::1 ", "localhost ", "None ")


class Server:
    """``semedit ui`` in a process, with its files below ``root``."""

    def __init__(self, root: Path):
        self.root = root
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.heard, hook = root / "heard", root / "hook"
        self.heard.touch()
        hook.mkdir()
        (hook / "sitecustomize.py").write_text(HOOK.format(file=str(self.heard)))
        path = os.pathsep.join([str(hook), str(ROOT), os.environ.get("PYTHONPATH", "")])
        proxy = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
        env = {**os.environ, **proxy, "TMPDIR": str(root), "OMP_NUM_THREADS": "2", "PYTHONPATH": path}
        # A test run in the background ignores SIGINT, and so would what it starts.
        heeded = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        command = [sys.executable, "-m", "semedit", "ui", "--model", "portraits-128", "--port", str(port)]
        self.process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=heeded)  # fmt: skip
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split()[0]

    @property
    def folders(self) -> list[Path]:
        """Those of all desks."""
        return [path for path in self.root.glob("semedit-ui-*/semedit-ui-*/*") if path.is_dir()]

    def strangers(self) -> list[str]:
        """Whom the server has turned to, by any socket, that is not of this machine."""
        return [line for line in self.heard.read_text().splitlines() if not line.startswith(OWN) or line.endswith(" 9")]

    def seconds_at_work(self) -> float:
        """Processor time that the server has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 0
        assert not [path for path in self.root.iterdir() if path.name.startswith("semedit-ui-")]


def until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return condition()


def host_of(url: str) -> str:
    """Whom an address asks; "data" where it is its own content."""
    return url.split("/")[2] if "//" in url else "data"


class Tab:
    """A page as a person uses it. ``asked`` are the hosts that it turned to."""

    def __init__(self, browser, server: Server, width: int = 1440, height: int = 1000):
        self.asked: set[str] = set()
        self.context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("request", lambda request: self.asked.add(host_of(request.url)))
        self.page.goto(server.address)
        self.page.wait_for_selector("#random")
        self.host = server.address.split("/")[2]

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name, exact=True).click()

    def picture(self) -> str:
        return self.page.locator("#stage .stage-now").get_attribute("src") or ""

    def random(self, seed: int) -> None:
        self.tab("Start")
        self.page.locator("#seed input").fill(str(seed))
        self.page.click("#random")
        self.wait_for_note(f"seed {seed}")

    def wait_for_note(self, words: str, where: str = "#note") -> None:
        told = "([where, words]) => document.querySelector(where).innerText.includes(words)"
        self.page.wait_for_function(told, arg=[where, words])

    def upload(self, file: Path) -> None:
        """Begin with a photo."""
        self.tab("Start")
        with self.page.expect_file_chooser() as chosen:
            self.page.click("#upload")
        chosen.value.set_files(str(file))

    def moments(self) -> int:
        return self.page.locator("#history button").count()

    def wait_for_moments(self, count: int) -> None:
        self.page.wait_for_function("n => document.querySelectorAll('#history button').length === n", arg=count)

    def slide(self, attr: str, value: float) -> float:
        """Move a slider; the seconds until the picture is another one."""
        before, began = self.picture(), time.monotonic()
        self.page.locator(f"#slider-{attr} input[type=range]").evaluate(
            "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', { bubbles: true })); }", str(value)
        )
        self.page.wait_for_function(
            "b => document.querySelector('#stage .stage-now').src !== b", arg=before, polling=10
        )
        return time.monotonic() - began

    def release(self, attr: str) -> None:
        count = self.moments()
        self.page.locator(f"#slider-{attr} input[type=range]").dispatch_event("pointerup")
        self.wait_for_moments(count + 1)

    def place(self, x: float, y: float) -> tuple[float, float]:
        box = self.page.locator("#stage .stage-picture").bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def regions(self) -> list[str]:
        return self.page.locator("#regions label:has(input:checked)").all_inner_texts()

    def wait_for_regions(self, *names: str) -> None:
        self.page.wait_for_function(
            "names => [...document.querySelectorAll('#regions label')].filter(l => l.querySelector('input').checked)"
            ".map(l => l.innerText.trim()).join() === names.join()",
            arg=list(names),
        )

    def download(self, button: str, to: Path) -> Path:
        with self.page.expect_download() as waiting:
            self.page.click(button)
        waiting.value.save_as(to / waiting.value.suggested_filename)
        return to / waiting.value.suggested_filename

    def close(self) -> None:
        assert self.asked <= {self.host, "data"}, self.asked
        self.context.close()
