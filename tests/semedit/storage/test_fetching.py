"""Fetching a file from a server: whole, in two goes, checked, and never half under its name."""

import hashlib
import http.server
import threading

import pytest

from semedit.errors import CheckpointError, OutputError
from semedit.storage.fetching import fetch, promised

CONTENT = bytes(range(256)) * 8192  # 2 MiB
DIGEST = hashlib.sha256(CONTENT).hexdigest()
pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]


class Publisher(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT under every name but 'none', in ranges if it can; ``cut`` ends the first answer early."""

    cut: int | None = None
    ranges = True
    asked: list[str | None] = []

    def do_GET(self):
        wanted = self.headers.get("Range")
        self.asked.append(wanted)
        if self.path.endswith("none"):
            self.send_error(404)
            return
        start = int(wanted.split("=")[1].rstrip("-")) if wanted and self.ranges else 0
        if start and start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        cut, type(self).cut = type(self).cut, None
        self.wfile.write(CONTENT[start : len(CONTENT) if cut is None else start + cut])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    handler = type("Handler", (Publisher,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        handler.url = f"http://127.0.0.1:{running.server_address[1]}"
        yield handler
        running.shutdown()


def test_a_file_comes_whole_and_its_digest_is_told(server, tmp_path):
    heard = []
    done = fetch(f"{server.url}/w.pth", tmp_path / "w.pth", DIGEST[:8], lambda *bytes_: heard.append(bytes_))
    assert done.path.read_bytes() == CONTENT and (done.bytes, done.sha256, done.resumed) == (len(CONTENT), DIGEST, 0)
    assert heard[-1] == (len(CONTENT), len(CONTENT)) and [p.name for p in tmp_path.iterdir()] == ["w.pth"]


def test_a_broken_connection_is_gone_on_with(server, tmp_path):
    server.cut = 1_000_000
    with pytest.raises(OutputError, match=f"1000000 of {len(CONTENT)} bytes; the same command goes on"):
        fetch(f"{server.url}/w.pth", tmp_path / "w.pth", DIGEST)
    assert not (tmp_path / "w.pth").exists()
    done = fetch(f"{server.url}/w.pth", tmp_path / "w.pth", DIGEST)
    assert done.resumed == 1_000_000 and done.path.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=1000000-"]


def test_a_server_without_ranges_begins_anew(server, tmp_path):
    (tmp_path / ".w.pth.part").write_bytes(b"old")
    server.ranges = False
    assert fetch(f"{server.url}/w.pth", tmp_path / "w.pth", DIGEST).resumed == 0


def test_a_part_that_is_whole_needs_no_more(server, tmp_path):
    (tmp_path / ".w.pth.part").write_bytes(CONTENT)
    assert fetch(f"{server.url}/w.pth", tmp_path / "w.pth", DIGEST).path.read_bytes() == CONTENT


def test_another_content_is_not_kept(server, tmp_path):
    with pytest.raises(CheckpointError, match="not 0000"):
        fetch(f"{server.url}/w.pth", tmp_path / "w.pth", "0000")
    assert not list(tmp_path.iterdir())


def test_what_is_not_there_is_said(server, tmp_path):
    with pytest.raises(OutputError, match="404"):
        fetch(f"{server.url}/none", tmp_path / "w.pth")
    with pytest.raises(OutputError, match="cannot be fetched"):
        fetch("http://127.0.0.1:9/w.pth", tmp_path / "w.pth")
    assert not (tmp_path / "w.pth").exists()


@pytest.mark.parametrize("name, digits", [
    ("vgg16-397923af.pth", "397923af"), ("20180402-114759-vggface2.pt", ""), ("w.pth", ""),
    ("vit_b_32-quickgelu-laion400m_e32-46683a32.pt", "46683a32"),
])  # fmt: skip
def test_what_a_name_promises(name, digits):
    assert promised(name) == digits
