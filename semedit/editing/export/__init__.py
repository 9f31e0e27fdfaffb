"""Models for other programs: networks as ONNX files, and a page that needs no server."""

from semedit.editing.export.onnx_files import OPSET, Exported, export_part
from semedit.editing.export.parts import PARTS, NetworkPart, part_of
from semedit.editing.export.runtime import OnnxSession
from semedit.editing.export.web import ExportedPage, export_page, find_runtime

__all__ = [
    "OPSET",
    "PARTS",
    "Exported",
    "ExportedPage",
    "NetworkPart",
    "OnnxSession",
    "export_page",
    "export_part",
    "find_runtime",
    "part_of",
]
