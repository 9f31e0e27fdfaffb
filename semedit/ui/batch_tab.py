"""The page's second tab: many pictures, one edit, an archive of results."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from encoders.inverters import RestyleInverter
from semedit.editing.measuring.table import title
from semedit.editing.requests.records import Watch
from semedit.editing.requests.request import METHOD, EditRequest
from semedit.errors import ConfigError, SemeditError
from semedit.pictures.reading import ENDINGS
from semedit.storage.atomic import make_folder
from semedit.ui import views
from semedit.ui.batch import BatchRecord, edit_files
from semedit.ui.beginning import received
from semedit.ui.desk import Desk
from semedit.ui.handlers import PULSE, Handlers

#: The most files of one batch.
MOST = 500


def batch_tab(do: Handlers, methods: dict[str, tuple[str, ...]], quick: dict[str, Any], long: dict[str, Any]) -> None:
    """Its parts and events; ``quick`` and ``long`` are options of those."""
    gr.Markdown("Several pictures, or a folder, and one edit of them all. Each is inverted first.")
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            files = gr.File(label="Pictures", file_count="multiple", file_types=list(ENDINGS), height=200,
                            elem_id="batch-files")  # fmt: skip
            folder = gr.UploadButton("A whole folder", file_count="directory", size="sm", elem_id="batch-folder")
        with gr.Column(min_width=300):
            attr = gr.Dropdown(
                [("none", ""), *methods.get(METHOD, ())], value="", label="Attribute", elem_id="batch-attr"
            )
            text = gr.Textbox(label="Or words", placeholder="a person with purple hair", elem_id="batch-words")
            strength = gr.Slider(-3, 3, 1, step=0.05, label="Strength")
            regions = gr.Textbox(label="Regions", placeholder="as the attribute has it; such as hair:texture,hat")
            alone = gr.Checkbox(label="encoder alone (a second a picture)", visible=do.desks.model.has_encoder,
                                elem_id="batch-quick")  # fmt: skip
    with gr.Row():
        go = gr.Button("Edit all", variant="primary", elem_id="batch-go")
        stop = gr.Button("Stop", variant="stop", interactive=False, elem_id="batch-stop")
        archive = gr.DownloadButton("Archive (zip)", interactive=False, elem_id="batch-archive")
    note, table = gr.HTML(views.note(""), elem_id="batch-note"), gr.HTML("", elem_id="batch-table")

    def run(chosen: list[str] | None, several: list[str] | None, attr: str, text: str, strength: float, regions: str,
            alone: bool, request: gr.Request) -> Iterator[tuple[Any, ...]]:  # fmt: skip
        desk, found = do.desk(request), list[BatchRecord]()
        method = RestyleInverter.method if alone else None

        def job(desk: Desk, watch: Watch) -> None:
            uploads = pictures([*(chosen or []), *(several or [])])
            out = Path(tempfile.mkdtemp(prefix="batch-", dir=make_folder(desk.folder)))
            asked = request_of(attr, text, strength, regions)
            files = [received(desk, path, f"{index:03d}") for index, path in enumerate(uploads)]
            found.append(edit_files(do.desks.model, files, out, asked, method=method, watch=watch))

        try:
            desk.work.start("beginning", lambda watch: job(desk, watch))
            while not desk.work.wait(PULSE):
                yield views.progress(desk.work.progress), gr.skip(), gr.update(interactive=True), gr.skip()
        except SemeditError as error:
            yield views.note(str(error), "error"), "", gr.update(interactive=False), gr.skip()
            return
        (record,) = found
        rows = {Path(one.input).name: title(one) for one in record.done}
        rows |= {Path(one.input).name: str(one.error) for one in record.failed}
        packed = gr.update(value=str(record.archive), interactive=True)
        yield views.note(record.text), views.summary(rows), gr.update(interactive=False), packed

    asked = [files, folder, attr, text, strength, regions, alone]
    go.click(run, asked, [note, table, stop, archive], **long)
    stop.click(do.stop, None, None, **quick)


def request_of(attr: str, text: str, strength: float, regions: str) -> EditRequest:
    """What a batch asks for. Raises ConfigError where it is nothing, or both."""
    if bool(attr) == bool(text.strip()):
        raise ConfigError("choose an attribute, or say it in words; one of them")
    where = (regions.strip(),) if regions.strip() else ()
    attrs, texts = ((attr,), ()) if attr else ((), (text.strip(),))
    return EditRequest(attrs=attrs, texts=texts, regions=where, strength=strength)


def pictures(paths: list[str]) -> list[Path]:
    """The pictures among uploads, each once. Raises ConfigError where there is none, or more than MOST."""
    found = [Path(path) for path in dict.fromkeys(paths) if Path(path).suffix.lower() in ENDINGS]
    if not found or len(found) > MOST:
        raise ConfigError(f"{len(found)} pictures; choose 1 to {MOST}")
    return found
