"""The page: its parts, and which handler each event calls. What is shown, and done, is the handlers' and the desk's."""

from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from directions import EDITORS
from semedit.editing.model import Model
from semedit.editing.requests.request import BLENDS, METHOD
from semedit.errors import MissingWeights
from semedit.latents.regions import BASE_NAME, PARTS
from semedit.latents.truncation import TRUNCATION
from semedit.pictures.reading import ENDINGS
from semedit.ui import views
from semedit.ui.batch_tab import batch_tab
from semedit.ui.beginning import examples
from semedit.ui.desks import Desks
from semedit.ui.handlers import SHOWN, Handlers
from semedit.ui.panel import FARTHEST, STEP

HERE = Path(__file__).parent
#: Options of every event: how many of a kind run at once, and that no programme but the page may call it.
QUICK: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_id": "quick",
                         "concurrency_limit": 4}  # fmt: skip
LIVE: dict[str, Any] = {**QUICK, "concurrency_id": "live", "concurrency_limit": 2, "trigger_mode": "always_last"}
LONG: dict[str, Any] = {**QUICK, "concurrency_id": "long", "concurrency_limit": 8}


def methods_of(model: Model) -> dict[str, tuple[str, ...]]:
    """Method -> the attributes that it edits, of those that the model has."""
    found = {}
    for method in EDITORS:
        try:
            found[method] = tuple(model.editors(method))
        except MissingWeights:
            continue
    return found


def build(desks: Desks) -> gr.Blocks:
    """The page for the model of ``desks``."""
    model = desks.model
    methods = methods_of(model)
    attributes = tuple(dict.fromkeys(name for names in methods.values() for name in names))
    do = Handlers(desks, attributes)
    with gr.Blocks(title="semedit", analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gr.HTML(
            f"<header class='page-title'><h1>semedit</h1><span>model {escape(desks.asked)}: change one region or one "
            "attribute, keep the rest</span></header>"
        )
        with gr.Tabs():
            with gr.Tab("Edit"):
                edit_tab(page, do, model, methods)
            with gr.Tab("Batch"):
                batch_tab(do, methods, QUICK, LONG)
        page.unload(do.close)
    return page


def edit_tab(page: gr.Blocks, do: Handlers, model: Model, methods: dict[str, tuple[str, ...]]) -> None:
    """Where one picture is edited."""
    parts: dict[str, Any] = {}
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            view = gr.Radio(views.VIEWS, value=views.PICTURE, show_label=False, container=False, elem_id="view")
            parts["stage"] = gr.HTML(views.EMPTY, js_on_load=(HERE / "stage.js").read_text(), elem_id="stage")
            parts["note"] = gr.HTML(views.note(""), elem_id="note")
            parts["stop"] = gr.Button("Stop", variant="stop", size="sm", visible=False, elem_id="stop")
            with gr.Row(elem_classes="tight"):
                parts["undo"] = gr.Button("Undo", size="sm", interactive=False, min_width=80, elem_id="undo")
                parts["redo"] = gr.Button("Redo", size="sm", interactive=False, min_width=80, elem_id="redo")
            parts["history"] = gr.HTML("", js_on_load=(HERE / "strip.js").read_text(), elem_id="history")
        with gr.Column(scale=6, min_width=320):
            regions_box(parts, model)
            with gr.Tabs():
                with gr.Tab("Start"):
                    start = start_box(model)
                with gr.Tab("Attributes"):
                    panel = sliders_box(do, methods)
                with gr.Tab("Words"):
                    words = words_box()
                with gr.Tab("Parts"):
                    taken = parts_box()
                with gr.Tab("Place"):
                    place = place_box()
                with gr.Tab("Results"):
                    results = results_box(parts)
    outputs = [*(parts[name] for name in SHOWN), *panel["sliders"].values()]
    wire = Wire(view, outputs)
    page.load(do.load, None, outputs, **QUICK)
    wire_stage(do, parts, view, wire)
    wire_start(do, start, wire)
    wire_sliders(do, panel, parts, view, wire)
    wire.long(words["go"].click, do.words, words["text"], words["strength"])
    wire.long(words["text"].submit, do.words, words["text"], words["strength"])
    wire.long(taken["go"].click, do.part, taken["file"], taken["strength"])
    wire.quick(place["go"].click, do.place, place["right"], place["down"], place["zoom"])
    parts["strip"].click(do.row, None, [results["row"], parts["note"]], **QUICK)
    pasted = [results["blend"], results["anyway"]]
    parts["paste"].click(do.pasted, pasted, [results["photo"], results["saved"], parts["note"]], **QUICK)


class Wire:
    """Events whose handlers get the way of looking first, and give all that is shown."""

    def __init__(self, view: gr.Radio, outputs: list[Any]):
        self.view, self.outputs = view, outputs

    def quick(self, event: Callable[..., Any], handler: Callable[..., Any], *inputs: Any) -> None:
        event(handler, [self.view, *inputs], self.outputs, **QUICK)

    def long(self, event: Callable[..., Any], handler: Callable[..., Any], *inputs: Any) -> None:
        event(handler, [self.view, *inputs], self.outputs, **LONG)


def regions_box(parts: dict[str, Any], model: Model) -> None:
    """Names of regions and groups; a model that knows none shows nothing here."""
    table, known = model.domain.regions, bool(model.generator.regions)
    with gr.Group(visible=known):
        told = "Regions: click on the picture (shift adds, shift and drag brushes), or choose here"
        parts["regions"] = gr.CheckboxGroup([*table.names, BASE_NAME], label=told, elem_id="regions")
        with gr.Row(elem_classes="tight"):
            parts["part"] = gr.Radio([("whole", "both"), *PARTS[:2]], value="both", label="Part", min_width=200)
            parts["auto"] = gr.Checkbox(
                label="auto", info="an attribute takes the fewest regions that keep 90 % of its gain", min_width=160
            )
        with gr.Row(elem_classes="tight"):
            names = [*table.groups, "all", "none"] if known else []
            parts["groups"] = {name: gr.Button(name, size="sm", min_width=60) for name in names}


def start_box(model: Model) -> dict[str, Any]:
    """Random pictures, uploads, and examples."""
    made: dict[str, Any] = {}
    with gr.Row():
        made["seed"] = gr.Number(1, label="Seed", precision=0, minimum=0, min_width=110, elem_id="seed")
        made["psi"] = gr.Slider(0, 1.2, TRUNCATION, step=0.05, label="Truncation", min_width=180)
        made["random"] = gr.Button("Random portrait", variant="primary", min_width=140, elem_id="random")
    with gr.Row():
        made["file"] = gr.UploadButton("Upload a photo", file_types=list(ENDINGS), min_width=140, elem_id="upload")
        made["example"] = gr.Button(
            "Draw one and invert it", visible=model.domain.draw is not None, min_width=140, elem_id="example"
        )
    with gr.Row():
        made["quick"] = gr.Checkbox(label="encoder alone (a second)", value=False, visible=model.has_encoder,
                                    min_width=160, elem_id="quick")  # fmt: skip
        made["aligned"] = gr.Checkbox(label="aligned already", min_width=140)
        made["face"] = gr.Number(0, label="Which face (0: the only one)", precision=0, minimum=0, min_width=140)
    gr.Markdown("Or one of these:")
    shown = [(f"seed {seed}", views.data_uri(image)) for seed, image in examples(model).items()]
    made["examples"] = gr.HTML(views.strip(shown), js_on_load=(HERE / "strip.js").read_text(), elem_id="examples")
    return made


def sliders_box(do: Handlers, methods: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """A slider for each attribute, in two columns; and how they edit."""
    made: dict[str, Any] = {"sliders": {}}
    usual = METHOD if METHOD in methods else next(iter(methods), METHOD)
    with gr.Row():
        for column in (do.attributes[::2], do.attributes[1::2]):
            with gr.Column(min_width=220, elem_classes="tight"):
                for name in column:
                    made["sliders"][name] = gr.Slider(
                        -FARTHEST, FARTHEST, 0, step=STEP, label=name.replace("_", " "), buttons=[],
                        elem_id=f"slider-{name}", visible=name in methods.get(usual, ()),
                    )  # fmt: skip
    made["sliders"] = {name: made["sliders"][name] for name in do.attributes}
    with gr.Row():
        made["method"] = gr.Radio(list(methods), value=usual, label="Method", min_width=180)
        made["preserve"] = gr.Dropdown(list(do.attributes), multiselect=True, label="Hold these", min_width=180)
        made["rest"] = gr.Button("All to 0", size="sm", min_width=100, elem_id="rest")
    if not methods:
        gr.Markdown("This model has no directions of attributes yet: `semedit fit directions` learns them.")
    return made


def words_box() -> dict[str, Any]:
    gr.Markdown("What the picture should show, in the chosen regions.")
    text = gr.Textbox(label="Words", placeholder="a person with purple hair", elem_id="words")
    with gr.Row():
        strength = gr.Slider(-1, 2, 1, step=0.05, label="Strength", min_width=180)
        go = gr.Button("Search", variant="primary", min_width=120, elem_id="search")
    return {"text": text, "strength": strength, "go": go}


def parts_box() -> dict[str, Any]:
    gr.Markdown("Take the chosen regions over from a second picture.")
    file = gr.File(label="Second picture, or a latent", file_types=[*ENDINGS, ".safetensors"], height=140,
                   elem_id="second")  # fmt: skip
    with gr.Row():
        strength = gr.Slider(0, 1, 1, step=0.05, label="How far", min_width=180)
        go = gr.Button("Take over", variant="primary", min_width=120, elem_id="take")
    return {"file": file, "strength": strength, "go": go}


def place_box() -> dict[str, Any]:
    gr.Markdown("Drag the chosen regions on the picture to move them, and zoom them by the wheel; or say how far.")
    with gr.Row():
        right = gr.Number(0, label="Right (share of the width)", step=0.01, min_width=120)
        down = gr.Number(0, label="Down", step=0.01, min_width=120)
        zoom = gr.Number(1, label="Zoom", step=0.05, minimum=0.1, maximum=10, min_width=120)
    return {"right": right, "down": down, "zoom": zoom, "go": gr.Button("Move", min_width=120, elem_id="move")}


def results_box(parts: dict[str, Any]) -> dict[str, Any]:
    """What the last edit did, and everything to take away."""
    made: dict[str, Any] = {}
    parts["measures"] = gr.HTML("", elem_id="measures")
    parts["strip"] = gr.Button("A row of strengths", size="sm", interactive=False, elem_id="row")
    made["row"] = gr.HTML("", elem_id="strengths")
    with gr.Row():
        parts["picture"] = gr.DownloadButton("Picture", interactive=False, min_width=120, elem_id="picture-file")
        parts["latent"] = gr.DownloadButton("Latent", interactive=False, min_width=120, elem_id="latent-file")
    parts["commands"] = gr.Textbox(label="The same on the command line", lines=3, buttons=["copy"], interactive=False,
                                   elem_classes="commands", elem_id="commands")  # fmt: skip
    with gr.Row():
        made["blend"] = gr.Radio(list(BLENDS), value=BLENDS[0], label="Back into the photo", min_width=220)
        made["anyway"] = gr.Checkbox(label="even outside what the model knows", min_width=160)
    with gr.Row():
        parts["paste"] = gr.Button("Paste back", interactive=False, min_width=120, elem_id="paste")
        made["saved"] = gr.DownloadButton("Photo", interactive=False, min_width=120, elem_id="photo-file")
    made["photo"] = gr.Image(
        show_label=False, interactive=False, buttons=[], elem_id="pasted", height=320, visible=False
    )
    return made


def wire_stage(do: Handlers, parts: dict[str, Any], view: gr.Radio, wire: Wire) -> None:
    """The picture under a hand, and its past."""
    stage, live = parts["stage"], [parts["stage"], parts["note"]]
    for event, handler in ((stage.pick, do.pick), (stage.brush, do.brush), (stage.release, do.release),
                           (parts["history"].jump, do.jump)):  # fmt: skip
        wire.quick(event, handler)
    for event, handler in ((stage.pull, do.pull), (stage.stretch, do.stretch)):
        event(handler, [view], live, **LIVE)
    view.input(do.look, [view], [stage], **QUICK)
    wire.quick(parts["undo"].click, do.undo)
    wire.quick(parts["redo"].click, do.redo)
    parts["stop"].click(do.stop, None, None, **QUICK)
    chosen = [parts["regions"], parts["part"], parts["auto"]]
    for one in chosen:
        wire.quick(one.input, do.choose, *chosen)
    for name, button in parts["groups"].items():
        wire.quick(button.click, partial_group(do, name), parts["part"])


def partial_group(do: Handlers, name: str) -> Callable[..., Any]:
    """The handler of a group's button."""

    def chosen(view: str, part: str, request: gr.Request) -> list[Any]:
        return do.choose(view, [] if name == "none" else [name], part, False, request)

    return chosen


def wire_start(do: Handlers, start: dict[str, Any], wire: Wire) -> None:
    wire.quick(start["random"].click, do.random, start["seed"], start["psi"])
    wire.quick(start["seed"].submit, do.random, start["seed"], start["psi"])
    wire.quick(start["examples"].jump, do.jump_random, start["psi"])
    wire.long(start["file"].upload, do.photo, start["file"], start["quick"], start["aligned"], start["face"])
    wire.long(start["example"].click, do.example, start["seed"], start["quick"])


def wire_sliders(do: Handlers, panel: dict[str, Any], parts: dict[str, Any], view: gr.Radio, wire: Wire) -> None:
    for name, slider in panel["sliders"].items():
        slider.input(do.live(name), [view, slider], [parts["stage"], parts["note"]], **LIVE)
        wire.quick(slider.release, do.let_go(name), slider)
    wire.quick(panel["rest"].click, do.rest)
    for one in (panel["method"], panel["preserve"]):
        wire.quick(one.input, do.method, panel["method"], panel["preserve"])
    visible = partial(shown_sliders, do, methods_of(do.desks.model))
    panel["method"].change(visible, [panel["method"]], list(panel["sliders"].values()), **QUICK)


def shown_sliders(do: Handlers, methods: dict[str, tuple[str, ...]], method: str) -> list[Any]:
    """The sliders of a method's attributes."""
    return [gr.update(visible=name in methods[method]) for name in do.attributes]
