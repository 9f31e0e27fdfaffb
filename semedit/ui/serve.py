"""The server of the page: on this machine alone, telling nobody, leaving nothing behind."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from semedit.editing.model import Model
from semedit.errors import ConfigError
from semedit.ui.desks import Desks

HOST = "127.0.0.1"
#: The largest upload.
LARGEST = "64mb"


def serve(model: Model, asked: str = "", port: int | None = None, open_browser: bool = False,
          ready: Callable[[str], None] = lambda _: None) -> None:  # fmt: skip
    """Show the page of a model until it is interrupted; ``ready`` hears of its address.

    ``asked`` is what commands call the model; ``port`` is by default the first free one from 7860. Raises ConfigError
    without gradio, or for a port that is taken.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    for name in ("NO_PROXY", "no_proxy"):  # gradio looks at its own page as it starts
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), HOST, "localhost"]))
    with tempfile.TemporaryDirectory(prefix="semedit-ui-", ignore_cleanup_errors=True) as root:
        os.environ["GRADIO_TEMP_DIR"] = str(Path(root) / "gradio")
        check_gradio()
        import gradio as gr

        from semedit.ui.page import build
        from semedit.ui.theme import CSS, SCRIPT, theme

        desks = Desks(model, asked, Path(root))
        Thread(target=warm, args=(model,), daemon=True).start()
        page = build(desks).queue(api_open=False, max_size=256)
        try:
            _, address, _ = page.launch(
                server_name=HOST, server_port=port, share=False, inbrowser=open_browser, quiet=True, theme=theme(),
                css_paths=[CSS], js=SCRIPT.read_text(),
                prevent_thread_lock=True, footer_links=[], max_file_size=LARGEST, ssr_mode=False,
                pwa=False, mcp_server=False, enable_monitoring=False, state_session_capacity=64,
            )  # fmt: skip
        except OSError as error:
            raise ConfigError(f"port {port} cannot be used ({error}); name another one with --port") from None
        ready(address)
        try:
            page.block_thread()
        finally:
            gr.close_all(verbose=False)
            desks.close_all()


def check_gradio() -> None:
    """ConfigError, saying how to install it, where gradio is missing."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # it tells its makers of every start otherwise
    try:
        import gradio  # noqa: F401
    except ImportError:
        raise ConfigError("the page needs gradio: pip install 'semedit[ui]'") from None


def warm(model: Model) -> None:
    """Open what the first edit will need, so that it does not wait for that."""
    from semedit.editing.measuring.needs import require
    from semedit.errors import SemeditError

    try:
        require(model.domain)
        model.domain.attributes()
    except SemeditError:
        return
