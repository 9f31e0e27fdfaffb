"""Signed manifests: in every format, told from altered files, with the mark's facts, and refused in one line."""

import datetime
import json
import struct
import zlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from semedit.cli.main import run
from semedit.errors import ConfigError, OutputError
from semedit.pictures import signing
from semedit.pictures.provenance import ASSERTION, EDIT, SAMPLE, TERMS, Mark, mark_pictures, read_mark
from semedit.pictures.sheets import save_picture
from semedit.pictures.signing import ANCHORS, CERTIFICATE, KEY, read_credential
from semedit.pictures.video import save_video

c2pa = pytest.importorskip("c2pa", reason="signing needs c2pa-python (extra 'provenance')")
x509 = pytest.importorskip("cryptography.x509", reason="the test's certificates need cryptography")

from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: E402

HISTORY = ({"method": "styleclip", "text": "grün <hair>", "attr": None, "strength": 1.5}, {"attr": "smile"})
MARK = Mark(EDIT, "portraits-128", "0123abcd", HISTORY)
KEYS = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


def named(common: str):
    pairs = {x509.NameOID.ORGANIZATION_NAME: "Tests of semedit", x509.NameOID.COMMON_NAME: common}
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in pairs.items()])


def certificate(key, common: str, issuer_key, issuer: str, days: int = 30):
    """A certificate: an authority's where it signs itself, and otherwise one that may sign."""
    now, root = datetime.datetime.now(datetime.UTC), common == issuer
    built = (
        x509.CertificateBuilder()
        .subject_name(named(common))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=60))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=root, path_length=None), True)
        .add_extension(x509.KeyUsage(not root, False, False, False, False, root, root, False, False), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False)
    )
    if not root:
        built = built.add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
    return built.sign(issuer_key, hashes.SHA256())


def pem(key, password: bytes | None = None) -> bytes:
    kept = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, kept)


def write_chain(folder: Path, kind: str = "P-256", days: int = 30) -> dict[str, str]:
    """A root, and a signer's key and chain, as files; the environment that names them."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), KEYS[kind]()
    root, own = certificate(root_key, "Root", root_key, "Root"), certificate(key, "Somebody", root_key, "Root", days)
    root_pem, own_pem = (one.public_bytes(serialization.Encoding.PEM) for one in (root, own))
    contents = {CERTIFICATE: own_pem + root_pem, KEY: pem(key), ANCHORS: root_pem}
    for variable, content in contents.items():
        (folder / f"{variable}.pem").write_bytes(content)
    return {variable: str(folder / f"{variable}.pem") for variable in contents}


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return write_chain(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def signer(chain, monkeypatch):
    """The environment in which pictures are signed, and nobody vouches for the signer."""
    monkeypatch.delenv(ANCHORS, raising=False)
    for name in (CERTIFICATE, KEY):
        monkeypatch.setenv(name, chain[name])
    return chain


def assertions(path: Path) -> dict:
    with c2pa.Reader(None, BytesIO(path.read_bytes())) as reader:
        return {one["label"]: one["data"] for one in reader.get_active_manifest()["assertions"]}


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
class TestPictures:
    def test_it_verifies_beside_the_mark_and_the_pixels_stay(self, tmp_path, signer, ending, monkeypatch):
        image, path = torch.rand(3, 24, 24) * 2 - 1, tmp_path / f"a.{ending}"
        save_picture(image, path, MARK)
        found = read_credential(path)
        assert (found.state, found.signer, found.issuer) == ("valid", "Somebody", "Tests of semedit")
        assert found.detail == "" and found.generator.startswith("semedit ") and read_mark(path) == MARK
        assert found.actions == ("c2pa.opened", "c2pa.edited", "c2pa.edited")
        for name in (CERTIFICATE, KEY):
            monkeypatch.delenv(name)
        save_picture(image, tmp_path / f"b.{ending}", MARK)
        assert read_credential(tmp_path / f"b.{ending}").state == "none"
        with Image.open(path) as one, Image.open(tmp_path / f"b.{ending}") as other:
            assert np.array_equal(np.asarray(one), np.asarray(other))

    def test_whom_the_reader_trusts_is_trusted(self, tmp_path, signer, ending, monkeypatch):
        save_picture(torch.zeros(3, 16, 16), tmp_path / f"a.{ending}")
        monkeypatch.setenv(ANCHORS, signer[ANCHORS])
        assert read_credential(tmp_path / f"a.{ending}").state == "trusted"
        for name, words in {"none.pem": "no such file", signer[KEY]: "certificate"}.items():
            monkeypatch.setenv(ANCHORS, name)
            with pytest.raises(ConfigError, match=words):
                read_credential(tmp_path / f"a.{ending}")

    def test_a_changed_byte_of_the_pixels_is_found_out(self, tmp_path, signer, ending):
        path = tmp_path / f"a.{ending}"
        save_picture(Image.effect_noise((32, 32), 90).convert("RGB"), path, MARK)
        content = bytearray(path.read_bytes())
        start = content.rfind({"png": b"IDAT", "jpg": b"\xff\xda", "webp": b"VP8 "}[ending])
        assert start > 0
        content[start + 200] ^= 1
        path.write_bytes(bytes(content))
        found = read_credential(path)
        assert found.state == "invalid" and "asset hash" in found.detail

    def test_none_where_no_mark_is_wanted(self, tmp_path, signer, ending):
        mark_pictures(False)
        try:
            save_picture(torch.zeros(3, 16, 16), tmp_path / f"a.{ending}", MARK)
        finally:
            mark_pictures(True)
        save_picture(torch.zeros(3, 16, 16), tmp_path / f"b.{ending}", None)
        assert {read_credential(tmp_path / f"{name}.{ending}").state for name in "ab"} == {"none"}


def test_a_changed_pixel_in_a_sound_file_is_found_out(tmp_path, signer):
    save_picture(torch.zeros(3, 16, 16), tmp_path / "a.png", MARK)
    content, chunks, place = (tmp_path / "a.png").read_bytes(), [], 8
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    pixels = bytearray(zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT")))
    pixels[-1] ^= 1
    with (tmp_path / "b.png").open("wb") as file:
        file.write(content[:8])
        for kind, data in chunks:
            data = zlib.compress(bytes(pixels)) if kind == b"IDAT" else data
            file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
    with Image.open(tmp_path / "a.png") as one, Image.open(tmp_path / "b.png") as other:
        assert (np.asarray(one) != np.asarray(other)).sum() >= 1
    assert read_credential(tmp_path / "a.png").state == "valid"
    assert read_credential(tmp_path / "b.png").state == "invalid" and read_mark(tmp_path / "b.png") == MARK


@pytest.mark.parametrize("ending", ["gif", "webp", "apng", "mp4"])
def test_moving_pictures_are_signed_too(tmp_path, signer, ending):
    if ending == "mp4":
        pytest.importorskip("av", reason="MP4 needs PyAV (extra 'video')")
    save_video(torch.rand(3, 3, 16, 16), tmp_path / f"a.{ending}", mark=MARK)
    assert read_credential(tmp_path / f"a.{ending}").state == "valid"


def test_the_manifest_says_what_the_mark_says(tmp_path, signer):
    for mark in (MARK, Mark(SAMPLE, "m", "f"), Mark(EDIT)):
        save_picture(torch.zeros(3, 16, 16), tmp_path / "a.png", mark)
        found = assertions(tmp_path / "a.png")
        assert found[ASSERTION] == mark.to_json()
        first, *others = found["c2pa.actions.v2"]["actions"]
        assert first["action"] == ("c2pa.opened" if mark.source == EDIT else "c2pa.created")
        assert len(others) == (max(1, len(mark.history)) if mark.source == EDIT else 0)
        assert {one["digitalSourceType"] for one in others or [first]} == {TERMS + mark.source}
        assert [one["description"] for one in others if "description" in one] == [
            "method styleclip, text grün <hair>, strength 1.5", "attr smile"
        ][: len(mark.history)]  # fmt: skip


@pytest.mark.parametrize("kind", KEYS)
def test_keys_of_every_kind_sign(tmp_path, monkeypatch, kind):
    for name, value in write_chain(tmp_path, kind).items():
        monkeypatch.setenv(name, value)
    save_picture(torch.zeros(3, 16, 16), tmp_path / "a.png")
    assert read_credential(tmp_path / "a.png").state == "trusted"


def test_what_is_wrong_is_said_before_the_work_and_nothing_is_written(tmp_path, chain, monkeypatch):
    other, expired = tmp_path / "other", tmp_path / "expired"
    for folder in (other, expired, tmp_path / "out"):
        folder.mkdir()
    elsewhere = write_chain(other)
    late = write_chain(expired, days=-1)
    (tmp_path / "no.pem").write_text("hello")
    (tmp_path / "locked.pem").write_bytes(pem(KEYS["P-256"](), b"secret"))
    key = KEYS["P-256"]()
    own = certificate(key, "Alone", key, "Alone").public_bytes(serialization.Encoding.PEM)
    (tmp_path / "alone.pem").write_bytes(own)
    (tmp_path / "alone-key.pem").write_bytes(pem(key))
    cases = {
        (chain[CERTIFICATE], ""): f"{KEY} is not set",
        ("", chain[KEY]): f"{CERTIFICATE} is not set",
        (chain[CERTIFICATE], "none.pem"): "none.pem: no such file",
        (str(tmp_path / "no.pem"), chain[KEY]): "no.pem: no certificates in PEM",
        (chain[CERTIFICATE], str(tmp_path / "no.pem")): "no.pem: no private key in PEM",
        (chain[CERTIFICATE], str(tmp_path / "locked.pem")): "locked.pem: this key is encrypted",
        (chain[CERTIFICATE], elsewhere[KEY]): "not the key of the first certificate",
        (late[CERTIFICATE], late[KEY]): "C2PA does not take this certificate",
        (str(tmp_path / "alone.pem"), str(tmp_path / "alone-key.pem")): "C2PA does not take this certificate",
    }
    for (first, second), words in cases.items():
        monkeypatch.setenv(CERTIFICATE, first)
        monkeypatch.setenv(KEY, second)
        for act in (lambda: mark_pictures(True), lambda: save_picture(torch.zeros(3, 16, 16), tmp_path / "out/a.png")):
            with pytest.raises(ConfigError, match=words) as raised:
                act()
            assert "\n" not in str(raised.value)
        assert not list((tmp_path / "out").glob("*.png")) and not list((tmp_path / "out").glob("*.tmp"))


def test_a_signature_that_fails_leaves_what_was_there(tmp_path, signer, monkeypatch):
    path = tmp_path / "a.png"
    save_picture(torch.zeros(3, 16, 16), path)
    before = path.read_bytes()

    def refused(*args):
        raise OutputError("it cannot be signed: no")

    monkeypatch.setattr("semedit.pictures.provenance.signed", refused)
    with pytest.raises(OutputError, match="cannot be signed"):
        save_picture(torch.ones(3, 16, 16), path)
    assert path.read_bytes() == before and not list(tmp_path.glob(".*.tmp"))


def test_without_the_package_it_is_said(tmp_path, signer, monkeypatch):
    save_picture(torch.zeros(3, 16, 16), tmp_path / "a.png")
    monkeypatch.setattr(signing, "installed", lambda name: False)
    assert read_credential(tmp_path / "a.png").state == "unread"
    assert r"semedit[provenance]" in read_credential(tmp_path / "a.png").detail
    with pytest.raises(ConfigError, match=r"semedit\[provenance\]"):
        save_picture(torch.zeros(3, 16, 16), tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()


def test_a_file_that_only_looks_like_one_has_none_that_can_be_read(tmp_path):
    for ending in ("bmp", "png", "jpg"):
        Image.new("RGB", (16, 16)).save(tmp_path / f"a.{ending}")
        with (tmp_path / f"a.{ending}").open("ab") as file:
            file.write(b"jumb c2pa" * 9)
        assert read_credential(tmp_path / f"a.{ending}").state in ("none", "unread")


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_whatever_is_done_to_a_file_one_that_verifies_shows_the_signed_pixels(tmp_path, signer, ending):
    path, broken, chance = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}", np.random.default_rng(1)
    save_picture(Image.effect_noise((16, 16), 90).convert("RGB"), path, MARK)
    whole, pixels, states = path.read_bytes(), np.asarray(Image.open(path)), set()
    for round_ in range(150):
        content = bytearray(whole[: chance.integers(len(whole))] if round_ % 5 == 0 else whole)
        for place in chance.integers(max(1, len(content)), size=round_ % 3 + 1):
            content[place : place + 1] = chance.bytes(1)
        broken.write_bytes(bytes(content))
        found = read_credential(broken)
        states.add(found.state)
        assert "\n" not in found.detail and (found.detail or found.state in ("none", "valid"))
        if found.state == "valid":
            with suppress(OSError, SyntaxError):  # what is no picture any more, as its chunks' lengths were hit
                assert np.array_equal(np.asarray(Image.open(broken)), pixels)
    assert states <= {"none", "valid", "invalid", "unread"} and {"invalid", "unread"} <= states


def test_the_command_signs_and_inspect_tells(tmp_path, signer, capsys, monkeypatch):
    assert run(["draw", "--count", "1", "--size", "32", "--out", str(tmp_path / "signed")]) == 0
    assert run(["draw", "--count", "1", "--size", "32", "--no-mark", "--out", str(tmp_path / "plain")]) == 0
    first, second = (next((tmp_path / name).rglob("*.png")) for name in ("signed", "plain"))
    capsys.readouterr()
    assert run(["inspect", str(first), str(second), "--json"]) == 0
    one, other = (found["manifest"] for found in json.loads(capsys.readouterr().out)["results"])
    assert (one["state"], one["signer"], one["actions"]) == ("valid", "Somebody", ["c2pa.created"])
    assert other["state"] == "none"
    assert run(["inspect", str(first)]) == 0
    shown = capsys.readouterr().out
    assert "its C2PA manifest verifies" in shown and "Somebody" in shown
    monkeypatch.setenv(KEY, str(tmp_path / "none.pem"))
    assert run(["draw", "--count", "1", "--size", "32", "--out", str(tmp_path / "third")]) == 2
    assert "none.pem: no such file" in capsys.readouterr().err and not list(tmp_path.glob("third/**/*.png"))
