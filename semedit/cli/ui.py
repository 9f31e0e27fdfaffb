"""``semedit ui``: the page in the browser."""

from typing import Annotated

import typer

from semedit.cli.console import DeviceOption, ModelOption, Report, check_device
from semedit.cli.early import check_model


def ui(
    model: ModelOption = "portraits",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The port on this machine (default: a free one from 7860).")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    device: DeviceOption = "cpu",
) -> None:
    """Show a page on this machine: start from a portrait or photo, choose regions by clicking, and edit them by hand.

    It is served to this machine alone and connects to nothing else; what it keeps is deleted when it ends.
    """
    check_model(model)
    from semedit.ui.serve import check_gradio, serve

    check_gradio()
    from semedit.editing.loading import load

    report = Report(False)
    loaded = load(model).to(check_device(device))
    serve(loaded, model, port, open_, lambda address: report.say(f"{address} (Ctrl-C ends it)"))
