"""What listens to the search boxes while somebody types, and says when there was a pause."""

from __future__ import annotations

import gradio as gr

from app.kit.scripts import mount


def typing_view() -> gr.HTML:
    """Shows nothing; `input` fires at each pause in typing."""
    return gr.HTML(None, html_template="<i hidden></i>", js_on_load=mount("typing"), apply_default_css=False)
