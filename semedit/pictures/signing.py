"""Content Credentials: a signed C2PA manifest in a picture's file, and what a file's manifest says when it is verified.

Signing is off unless ``SEMEDIT_C2PA_CERT`` and ``SEMEDIT_C2PA_KEY`` name a certificate chain and its private key, both
PEM files. The form is that of the C2PA specification 2 (https://c2pa.org/specifications/), written by c2pa-python
(extra ``provenance``). Nothing is fetched, neither manifests from elsewhere nor certificates' states, and no thumbnail
is added. A signature has no time of an authority's, so that it can be checked as long as its certificate is valid.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from semedit.errors import ConfigError, OutputError
from semedit.packages import installed
from semedit.storage.content import MALFORMED, check_file

CERTIFICATE, KEY = "SEMEDIT_C2PA_CERT", "SEMEDIT_C2PA_KEY"
#: Names a PEM file of the certificates that whoever reads a manifest trusts.
ANCHORS = "SEMEDIT_C2PA_TRUST"
EXTRA = "pip install 'semedit[provenance]'"
#: Format, as Pillow names it -> media type; what is in no other format can be signed.
MEDIA = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif", "MP4": "video/mp4"}
SETTINGS = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "builder": {"thumbnail": {"enabled": False}},
}
#: Elliptic curve -> the algorithm of COSE that signs with it.
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
#: What a file with a manifest of C2PA has in it: the name of its box, and that of the manifests in it.
BOX = (b"jumb", b"c2pa")
#: The manifest of the trial that a key is put to.
TRIAL = {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [
    {"action": "c2pa.created", "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"}
]}}]}  # fmt: skip
UNTRUSTED = "signingCredential.untrusted"


@dataclass(frozen=True)
class SigningKey:
    """Who signs: a certificate chain in PEM, the signer's own certificate first, its private key in PEM, and the
    algorithm of COSE (``es256``, ``es384``, ``es512``, ``ps256``, ``ed25519``)."""

    chain: bytes
    private: bytes
    algorithm: str

    def __repr__(self) -> str:
        return f"SigningKey({self.algorithm})"


@dataclass(frozen=True)
class Credential:
    """What the manifest of a file says.

    state: ``none``; ``trusted`` and ``valid``, which both mean that nothing was changed since it was signed, by
    somebody whom the reader's certificates vouch for or not; ``invalid``; ``unread`` where it cannot be read. signer,
    issuer: the common name and the organisation in the signer's certificate; generator: the program; actions: of the
    newest manifest, oldest first, as C2PA names them; detail: what is wrong.
    """

    state: str = "none"
    signer: str = ""
    issuer: str = ""
    generator: str = ""
    actions: tuple[str, ...] = ()
    detail: str = ""


def signing_key() -> SigningKey | None:
    """The key that the environment names; None where it names none.

    Raises ConfigError, in one line, where c2pa-python is missing, where one of the two files is not named, missing or
    no PEM, where they do not belong together, and where C2PA does not take such a certificate.
    """
    names = {name: os.environ.get(name, "") for name in (CERTIFICATE, KEY)}
    if not any(names.values()):
        return None
    for name, value in names.items():
        if not value:
            raise ConfigError(f"pictures are signed with a certificate chain and its key: {name} is not set")
    if not installed("c2pa"):
        raise ConfigError(f"signing pictures ({CERTIFICATE}) needs c2pa-python: {EXTRA}")
    return _loaded(*(str(check_file(value, ConfigError).resolve()) for value in names.values()))


@cache
def _loaded(certificate: str, key: str) -> SigningKey:
    """The key in two files, after a trial on a picture of one pixel."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    chain, private = Path(certificate).read_bytes(), Path(key).read_bytes()
    try:
        own = x509.load_pem_x509_certificates(chain)[0]
    except ValueError:
        raise ConfigError(f"{certificate}: no certificates in PEM") from None
    try:
        opened = load_pem_private_key(private, None)
    except TypeError:
        raise ConfigError(f"{key}: this key is encrypted; signing needs it without a password") from None
    except Exception as error:  # beside ValueError, an algorithm that is not known has a class of its own
        raise ConfigError(f"{key}: no private key in PEM that can be read ({type(error).__name__})") from None
    if own.public_key() != opened.public_key():
        raise ConfigError(f"{key}: not the key of the first certificate in {certificate}")
    found = SigningKey(chain, private, _algorithm(opened, key))
    trial = BytesIO()
    Image.new("RGB", (1, 1)).save(trial, "PNG")
    try:
        signed(trial.getvalue(), "PNG", TRIAL, found)
    except OutputError as error:
        raise ConfigError(f"{certificate}: C2PA does not take this certificate ({error})") from None
    return found


def _algorithm(key: Any, path: str) -> str:
    """The algorithm of COSE for a private key. Raises ConfigError for a kind that C2PA does not know."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in CURVES:
        return CURVES[key.curve.name]
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    raise ConfigError(f"{path}: C2PA signs with keys on the curves {', '.join(CURVES)}, RSA and Ed25519")


def signed(content: bytes, kind: str, manifest: Mapping[str, Any], key: SigningKey) -> bytes:
    """A file's content of format ``kind`` with a manifest definition (JSON) in it, signed. Raises OutputError."""
    import c2pa

    whole = BytesIO()
    try:
        info = c2pa.C2paSignerInfo(key.algorithm, key.chain, key.private, None)
        with (
            c2pa.Context.from_dict(SETTINGS) as context,
            c2pa.Signer.from_info(info) as signer,
            c2pa.Builder(dict(manifest), context=context) as builder,
        ):
            builder.sign(signer, MEDIA[kind], BytesIO(content), whole)
    except c2pa.C2paError as error:
        raise OutputError(f"it cannot be signed: {_line(error)}") from None
    return whole.getvalue()


def read_credential(path: str | Path) -> Credential:
    """The manifest in a file, verified against the file's content.

    Raises ConfigError where ``SEMEDIT_C2PA_TRUST`` names a file that is not there, or has no certificates.
    """
    content = Path(path).read_bytes()
    if not all(word in content for word in BOX):
        return Credential()
    if not installed("c2pa"):
        return Credential("unread", detail=f"there seems to be one; reading it needs c2pa-python: {EXTRA}")
    import c2pa

    trust = _trusted()
    try:
        with c2pa.Context.from_dict({**SETTINGS, "trust": trust}) as context:
            reader = c2pa.Reader.try_create(None, BytesIO(content), context=context)
            if reader is None:
                return Credential()
            with reader:
                return _credential(reader)
    except (c2pa.C2paError, *MALFORMED) as error:  # a stranger's manifest may be of any form
        return Credential("unread", detail=_line(error))


def _trusted() -> dict[str, str]:
    """The settings of c2pa for the certificates that the environment trusts."""
    path = os.environ.get(ANCHORS)
    if not path:
        return {}
    from cryptography import x509

    content = check_file(path, ConfigError).read_bytes()
    try:
        x509.load_pem_x509_certificates(content)
    except ValueError:
        raise ConfigError(f"{path}: no certificates in PEM") from None
    return {"trust_anchors": content.decode("ascii", "replace")}


def _credential(reader: Any) -> Credential:
    """What a reader of c2pa has found."""
    manifest = reader.get_active_manifest() or {}
    failures = (reader.get_validation_results() or {}).get("activeManifest", {}).get("failure", [])
    wrong = [one.get("explanation") or one.get("code", "") for one in failures if one.get("code") != UNTRUSTED]
    by, generator = manifest.get("signature_info") or {}, (manifest.get("claim_generator_info") or [{}])[0]
    return Credential(
        str(reader.get_validation_state() or "unread").lower(),
        by.get("common_name") or "",
        by.get("issuer") or "",
        " ".join(filter(None, (generator.get("name"), generator.get("version")))),
        tuple(
            action.get("action", "")
            for one in manifest.get("assertions", [])
            if one.get("label", "").startswith("c2pa.actions")
            for action in one["data"].get("actions", [])
        ),
        "; ".join(wrong),
    )


def _line(error: Exception) -> str:
    """An error of c2pa's in one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__
