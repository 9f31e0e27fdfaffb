"""A model as a static page: generator and mapping in the browser, by ONNX Runtime's WebAssembly, with a slider for each
attribute direction.

A folder of plain files that any web server hands out; it needs no logic there, and fetches nothing from elsewhere.
Edits are linear directions (:mod:`directions.interfacegan`), so that a slider is a step of each row times its
position.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch

from directions import AttributeEditor
from semedit.editing.export.onnx_files import Exported, export_part
from semedit.editing.export.parts import part_of
from semedit.editing.export.runtime import require_packages
from semedit.editing.model import Model
from semedit.errors import ConfigError, MissingWeights
from semedit.packages import VERSION
from semedit.pictures.provenance import DRAWN, EDIT, PNG_KEY, SAMPLE, Mark
from semedit.storage.atomic import make_folder, write_bytes, write_json

#: The files of the npm package onnxruntime-web that the page loads.
RUNTIME = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
#: The page's own files.
PAGE = ("index.html", "page.css", "page.js", "random.js", "mark.js")
#: Where the runtime lies below a folder that is named, or below the working directory.
PLACES = (".", "dist", "onnxruntime-web/dist", "node_modules/onnxruntime-web/dist")


@dataclass(frozen=True)
class ExportedPage:
    """A page that was written: its folder, its networks, and the attributes that it has sliders for."""

    folder: Path
    networks: tuple[Exported, ...]
    attributes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "networks": [one.to_json() for one in self.networks],
            "attributes": list(self.attributes),
        }


def find_runtime(folder: str | Path | None = None) -> Path:
    """The folder with RUNTIME's files: one that is named, or what npm installed in the working directory.

    Raises MissingWeights, with the command that gets them.
    """
    root = Path(folder or ".")
    for place in PLACES if folder else PLACES[-1:]:
        if all((root / place / name).is_file() for name in RUNTIME):
            return root / place
    raise MissingWeights(
        f"the page computes with onnxruntime-web, whose files ({', '.join(RUNTIME)}) are not in {root.resolve()}; 'npm "
        f"install onnxruntime-web' gets them here, and --runtime FOLDER says where else they are"
    )


def export_page(model: Model, folder: str | Path, runtime: str | Path | None = None,
                done: Callable[[Exported], None] = lambda _: None) -> ExportedPage:  # fmt: skip
    """Write a model's page into a folder; ``done`` hears of each network, once it is compared with torch.

    ``runtime`` is the folder of onnxruntime-web's files (see :func:`find_runtime`). Raises MissingWeights for what is
    not there, ConfigError for directions that are not of W, CheckpointError, OutputError.
    """
    require_packages()
    source, root = find_runtime(runtime), make_folder(folder)
    described = description(model)
    networks = []
    for name in ("mapping", "generator"):
        networks.append(export_part(model, part_of(model, name), root / f"{name}.onnx"))
        done(networks[-1])
    make_folder(root / "ort")
    for name in RUNTIME:
        write_bytes(root / "ort" / name, (source / name).read_bytes())
    for name in PAGE:
        write_bytes(root / name, files("semedit.editing.export").joinpath("page", name).read_bytes())
    write_json(root / "model.json", described)
    return ExportedPage(root, tuple(networks), tuple(one["name"] for one in described["attributes"]))


def description(model: Model) -> dict[str, Any]:
    """What the page has to know of a model, as JSON: sizes, mean w, regions, the steps of each attribute, marks."""
    generator, table = model.generator, model.generator.regions
    names = list(table.names) if table else []
    marks = {name: Mark(kind, model.name, generator.fingerprint).xmp().decode()
             for name, kind in (("sample", SAMPLE), ("edit", EDIT), ("labels", DRAWN))}  # fmt: skip
    return {
        "name": model.name,
        "version": VERSION,
        "fingerprint": generator.fingerprint,
        "size": generator.config.size,
        "rows": generator.layout.rows,
        "style_dim": generator.config.style_dim,
        "mean_w": rounded(generator.mean_w()[0].numpy()),
        "regions": names,
        "colours": [list(colour) for colour in table.colours[: len(names)]] if names else [],
        "attributes": [steps(model, name, editor) for name, editor in model.directions.items()],
        "marks": {"key": PNG_KEY, **marks},
    }


def steps(model: Model, attribute: str, editor: AttributeEditor) -> dict[str, Any]:
    """What strength 1 of a linear editor adds to each row of a W+ code in its default regions: rows, and their move.

    Raises ConfigError for an editor that is not linear in W+.
    """
    generator = model.generator
    zero = generator.latent(torch.zeros(1, generator.layout.rows, generator.config.style_dim))
    once, twice = (editor.edit(zero, strength).data[0] for strength in (1.0, 2.0))
    if once.shape != zero.data[0].shape or not torch.allclose(2 * once, twice, atol=1e-5, rtol=1e-4):
        raise ConfigError(f"the edit of '{attribute}' is no step in W+, which a slider of the page has to be")
    groups: dict[bytes, list[int]] = {}
    moves = once.numpy()
    for row, move in enumerate(moves):
        if move.any():
            groups.setdefault(move.tobytes(), []).append(row)
    made = [{"rows": rows, "move": rounded(moves[rows[0]])} for rows in groups.values()]
    return {"name": attribute, "regions": editor.regions_, "steps": made}


def rounded(values: np.ndarray[Any, Any]) -> list[float]:
    """Numbers with six digits, for a file that people may read."""
    return [float(f"{value:.6g}") for value in values]
