"""The Train tab: ALGCN trained live."""

from __future__ import annotations

import gradio as gr

from app.tabs.frame import Frame


def build(frame: Frame, tab: gr.Tab) -> None:
    """Lay the tab out and wire it; called inside `tab`."""
    gr.Markdown("Soon.")
