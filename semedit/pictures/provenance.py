"""Where a picture comes from, written into it: XMP with IPTC's DigitalSourceType, the model, the edits, the version.

PNG carries it as an iTXt chunk, JPEG and WebP as their XMP, GIF as its comment. The terms are IPTC's ("Digital Source
Type", https://cv.iptc.org/newscodes/digitalsourcetype/). The same facts are signed as a C2PA manifest where the
environment names a certificate (:mod:`semedit.pictures.signing`). What a photo says of itself is the matter of
:func:`kept_metadata`.
"""

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from semedit.errors import ImageError
from semedit.packages import VERSION
from semedit.pictures.reading import FORMATS
from semedit.pictures.signing import signed, signing_key
from semedit.storage.content import check_file, reading

TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"
#: IPTC's terms: made by a trained model; a picture with parts from one; drawn by rules that nobody has trained.
SAMPLE, EDIT, DRAWN = "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
XMP = "http://ns.adobe.com/xap/1.0/"
OWN = "urn:semedit:provenance:1#"
#: The longest history that is written, in characters of JSON: JPEG holds 64 kB of XMP.
LONGEST_HISTORY = 40_000
#: The assertion of a C2PA manifest that has all of a mark; the parent of an edit's picture within the manifest.
ASSERTION, PARENT = "semedit.provenance", "before-the-edits"
PNG_KEY = "XML:com.adobe.xmp"
_MARKING: ContextVar[bool] = ContextVar("marking", default=True)


@dataclass(frozen=True)
class Mark:
    """What a picture says of its origin.

    source: SAMPLE, EDIT or DRAWN; model: its name; fingerprint: its generator's; history: the edits, oldest first, each
    a JSON object; version: of this library.
    """

    source: str = SAMPLE
    model: str = ""
    fingerprint: str = ""
    history: tuple[Mapping[str, Any], ...] = ()
    version: str = VERSION

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "history": [dict(event) for event in self.history]}

    def xmp(self) -> bytes:
        """The mark as an XMP packet. Of a history that is too long, the latest edits are kept."""
        events = list(self.history)
        while len(json.dumps(events)) > LONGEST_HISTORY:
            events.pop(0)
        values = {
            "Iptc4xmpExt:DigitalSourceType": TERMS + self.source,
            "xmp:CreatorTool": f"semedit {self.version}",
            "semedit:model": self.model,
            "semedit:fingerprint": self.fingerprint,
            "semedit:history": json.dumps(events),
        }
        attributes = "".join(f"\n   {name}={quoteattr(value)}" for name, value in values.items())
        names = {"Iptc4xmpExt": IPTC, "xmp": XMP, "semedit": OWN}
        spaces = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in names.items())
        return (
            '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
            f' <rdf:RDF xmlns:rdf="{RDF}">\n  <rdf:Description rdf:about=""{spaces}{attributes}/>\n </rdf:RDF>\n'
            '</x:xmpmeta>\n<?xpacket end="w"?>'
        ).encode()

    def manifest(self) -> dict[str, Any]:
        """The mark as the definition of a C2PA manifest: a picture was created, or another was opened and then edited,
        once for each edit."""
        agent, kind = {"name": "semedit", "version": self.version}, {"digitalSourceType": TERMS + self.source}
        actions: list[dict[str, Any]] = [{"action": "c2pa.created", "softwareAgent": agent, **kind}]
        parents = []
        if self.source == EDIT:
            actions = [{"action": "c2pa.opened", "softwareAgent": agent, "parameters": {"ingredientIds": [PARENT]}}]
            parents = [{"title": "the picture before the edits", "relationship": "parentOf", "label": PARENT}]
            for event in self.history or ({},):
                words = {"description": described(event)} if event else {}
                actions.append({"action": "c2pa.edited", "softwareAgent": agent, **kind, **words})
        return {
            "claim_generator_info": [agent],
            "ingredients": parents,
            "assertions": [
                {"label": "c2pa.actions.v2", "data": {"actions": actions}},
                {"label": ASSERTION, "data": self.to_json()},
            ],
        }


def described(event: Mapping[str, Any]) -> str:
    """An edit of a history in one line.

    >>> described({"attr": "smile", "text": None, "strength": 1.5})
    'attr smile, strength 1.5'
    """
    return ", ".join(f"{name} {value}" for name, value in event.items() if value is not None)


def mark_pictures(on: bool) -> None:
    """Whether pictures that are saved from here on, in this context, carry a mark.

    Raises ConfigError, before the work, where they are to be signed and cannot be.
    """
    if on:
        signing_key()
    _MARKING.set(on)


def carried(mark: Mark | None, kind: str) -> dict[str, Any]:
    """The options of Pillow's ``save`` that write a mark into a file of a format; none where marks are off."""
    if mark is None or not _MARKING.get():
        return {}
    packet = mark.xmp()
    if kind == "PNG":
        info = PngInfo()
        info.add_itxt(PNG_KEY, packet.decode())
        return {"pnginfo": info}
    return {"comment": packet} if kind == "GIF" else {"xmp": packet}


def sign(path: Path, mark: Mark | None, kind: str) -> None:
    """Put a mark's signed manifest into a file of a format (PNG, JPEG, WEBP, GIF or MP4) that is being written; nothing
    where marks are off or the environment names no certificate. Raises ConfigError and OutputError."""
    if mark is not None and _MARKING.get() and (key := signing_key()):
        path.write_bytes(signed(path.read_bytes(), kind, mark.manifest(), key))


def read_mark(path: str | Path) -> Mark | None:
    """The mark of a picture file, or None if it has none. Raises ImageError for what is no picture."""
    path = check_file(path, ImageError)
    try:
        with Image.open(path, formats=FORMATS) as image:
            found = image.info.get("xmp") or image.info.get(PNG_KEY) or image.info.get("comment") or b""
    except UnidentifiedImageError:
        raise ImageError(f"{path}: not a picture that can be read ({', '.join(FORMATS)} can)") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(f"{path}: damaged or truncated ({error})") from None
    return parse(found.encode() if isinstance(found, str) else bytes(found))


def parse(packet: bytes) -> Mark | None:
    """The mark in an XMP packet; None if there is none, or none that can be read. Entities are never expanded."""
    start, end = packet.find(b"<x:xmpmeta"), packet.rfind(b"</x:xmpmeta>")
    if start < 0 or end < 0 or b"<!" in packet:
        return None
    try:
        root = ElementTree.fromstring(packet[start : end + len(b"</x:xmpmeta>")])
    except ElementTree.ParseError:
        return None
    found: dict[str, str] = {}
    for node in root.iter(f"{{{RDF}}}Description"):
        found |= node.attrib
        found |= {child.tag: child.text or "" for child in node}  # as other programs may have written it anew
    source, tool = found.get(f"{{{IPTC}}}DigitalSourceType", ""), found.get(f"{{{XMP}}}CreatorTool", "")
    if not source.startswith(TERMS) or not tool.startswith("semedit "):
        return None
    try:
        history = json.loads(found.get(f"{{{OWN}}}history", "[]"))
    except (json.JSONDecodeError, RecursionError):
        history = []
    events = tuple(event for event in history if isinstance(event, dict)) if isinstance(history, list) else ()
    own = {name: found.get(f"{{{OWN}}}{name}", "") for name in ("model", "fingerprint")}
    return Mark(source.removeprefix(TERMS), **own, history=events, version=tool.removeprefix("semedit "))


#: Entries of EXIF that a changed photo does not keep: its turn, which is applied; GPS; sizes; the maker's own notes.
ORIENTATION, GPS, EXIF, MAKER_NOTE, WIDTH, HEIGHT = 0x0112, 0x8825, 0x8769, 0x927C, 0xA002, 0xA003


def kept_metadata(path: str | Path) -> dict[str, Any]:
    """What a photo says of itself and a changed copy keeps, as options of Pillow's ``save``: its colour profile, and
    its EXIF without orientation (which is applied), place, thumbnail and maker's notes. Its XMP, with what programs
    wrote of the unchanged photo, is left behind."""
    with reading(path, ImageError), Image.open(path, formats=FORMATS) as image:
        exif, profile, mode = image.getexif(), image.info.get("icc_profile"), image.mode
        inner = exif.get_ifd(EXIF)
        for tag in (MAKER_NOTE, WIDTH, HEIGHT):
            inner.pop(tag, None)
        for tag in (ORIENTATION, GPS):
            if tag in exif:
                del exif[tag]
        kept: dict[str, Any] = {"exif": exif.tobytes()} if len(exif) else {}
    if profile and mode in ("RGB", "RGBA"):  # others are converted, so that theirs does not fit any more
        kept["icc_profile"] = profile
    return kept
