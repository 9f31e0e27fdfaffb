"""A user who brings a generator of faces alone: all that is missing at once, how to get it, how to do without."""

import http.server
import json
import threading

import pytest
import torch

from semedit.checkpoints.native import save_generator
from semedit.cli.main import run
from semedit.metrics.published import GROUPS, PUBLISHED, command_for
from semedit.networks.generator import GeneratorConfig
from semedit.pictures.sheets import save_picture
from tests.cli.conftest import refuse
from tests.conftest import SMALL, random_generator

FILES = [PUBLISHED["vgg16"].file, PUBLISHED["facenet"].file]


@pytest.fixture
def brought(tmp_path, monkeypatch):
    """A generator without anything else, and no weights of others."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for cached in ("perceptual", "identity", "clip"):
        monkeypatch.setattr(f"semedit.domains.faces.{cached}.cache_clear", lambda: None, raising=False)
    config = GeneratorConfig(**{**SMALL.model_dump(), "regions": 13, "transparent": (10, 12)})
    save_generator(tmp_path / "g.safetensors", random_generator(config))
    save_picture(torch.zeros(3, 64, 64), tmp_path / "p.png")
    return tmp_path


def test_invert_names_all_that_is_missing_before_any_work(brought, capsys):
    invert = ["invert", str(brought / "p.png"), "--model", str(brought / "g.safetensors"), "--out", str(brought / "o")]
    refuse(capsys, invert, *FILES, "semedit models fetch faces", "--perceptual none", "--identity none")
    refuse(capsys, [*invert, "--perceptual", "none"], FILES[1], "semedit models fetch facenet")
    refuse(capsys, [*invert, "--perceptual", "non"], "did you mean 'none'")


def test_edit_names_it_too(brought, capsys):
    edit = ["edit", "--mean", "--move", "hair=0.1,0", "--model", str(brought / "g.safetensors")]
    refuse(capsys, [*edit, "--out", str(brought / "o")], *FILES, "semedit models fetch faces")
    assert run([*edit, "--out", str(brought / "o"), "--perceptual", "none", "--identity", "none", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["results"]
    assert one["identity"] is None and one["protocols"]["perceptual"] == "mse[-1,1], no perceptual network"


def test_inverting_without_the_networks(portrait, tmp_path, capsys):
    without = ["--perceptual", "none", "--identity", "none", "--set", "identity_weight=0"]
    assert run(["invert", str(portrait), "--steps", "2", "--out", str(tmp_path), *without, "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["results"]
    assert "identity" not in one["metrics"] and one["metrics"]["perceptual"] == pytest.approx(one["metrics"]["mse"])
    assert one["protocols"]["perceptual"] == "mse[-1,1], no perceptual network"


def test_doctor_says_what_a_model_can_do_and_what_would_add_the_rest(brought, capsys):
    assert run(["doctor", "--model", str(brought / "g.safetensors")]) == 0
    shown = capsys.readouterr().out
    lines = [line for line in shown.splitlines() if line.startswith("  no ")]
    assert any(FILES[0] in line and "semedit models fetch vgg16" in line for line in lines)
    assert run(["doctor", "--model", "portraits"]) == 0
    shown = capsys.readouterr().out
    assert "  no " not in shown and "smile" in shown and len(shown.splitlines()) < 16


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
class TestFetch:
    @pytest.fixture
    def mirror(self, tmp_path, monkeypatch):
        """A server that has FaceNet's file, of another content than its publisher's."""
        folder = tmp_path / "mirror"
        folder.mkdir()
        (folder / FILES[1]).write_bytes(b"weights" * 1000)
        (folder / FILES[0]).write_bytes(b"no VGG")

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments, **options):
                super().__init__(*arguments, directory=str(folder), **options)

            def log_message(self, *arguments):
                pass

        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
            threading.Thread(target=running.serve_forever, daemon=True).start()
            monkeypatch.setenv("SEMEDIT_MIRROR", f"http://127.0.0.1:{running.server_address[1]}/")
            yield tmp_path / "torch" / "hub" / "checkpoints"
            running.shutdown()

    def test_it_asks_first_and_puts_the_file_where_loaders_look(self, mirror, capsys):
        refuse(capsys, ["models", "fetch", "facenet"], "111 MB", "--yes")
        assert not mirror.exists()
        assert run(["models", "fetch", "facenet", "--yes", "--json"]) == 0
        (one,) = json.loads(capsys.readouterr().out)["results"]
        assert one["path"] == str(mirror / FILES[1]) and one["bytes"] == 7000 and len(one["sha256"]) == 64
        assert run(["models", "fetch", "facenet", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["results"][0]["state"] == "here"

    def test_another_content_than_the_name_promises_is_refused(self, mirror, capsys):
        refuse(capsys, ["models", "fetch", "vgg16", "--yes", "--json"], "SHA-256", "397923af")
        assert not list(mirror.iterdir())

    def test_offline_never_tries(self, mirror, capsys, monkeypatch):
        monkeypatch.setattr("urllib.request.urlopen", None)
        refuse(capsys, ["models", "fetch", "faces", "--yes", "--offline", "--json"], *FILES, "not fetched")

    def test_an_unknown_name(self, capsys):
        refuse(capsys, ["models", "fetch", "face"], "faces", "vgg16")


def test_every_address_is_known_by_its_library_and_ends_in_its_file(monkeypatch):
    monkeypatch.delenv("SEMEDIT_MIRROR", raising=False)
    for one in PUBLISHED.values():
        assert one.url.startswith("https://") and one.url.endswith(f"/{one.file}")


def test_one_command_for_several_files():
    files = [PUBLISHED[name].file for name in GROUPS["faces"]]
    assert command_for(files) == "semedit models fetch faces"
    assert command_for(files[:1]) == "semedit models fetch vgg16" and command_for(["else.pt"]) == ""
