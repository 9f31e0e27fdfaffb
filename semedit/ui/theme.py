"""How the page looks. Its letters are the system's: nothing is fetched from anywhere."""

from pathlib import Path

import gradio as gr

CSS, SCRIPT = (Path(__file__).with_name(name) for name in ("page.css", "page.js"))


def theme() -> gr.themes.Base:
    """Calm greys, one accent, and the system's own letters."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.slate,
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
        radius_size=gr.themes.sizes.radius_md,
        spacing_size=gr.themes.sizes.spacing_md,
    )
