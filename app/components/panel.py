"""A piece of HTML whose buttons reach Python."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.kit.scripts import mount


def panel(value: str = "", *, elem_id: str, **options: Any) -> gr.HTML:
    """A place for HTML; a click on `<button data-action=A data-id=N>` fires `select` with {action: A, id: N}."""
    classes = ["map-panel", *options.pop("elem_classes", [])]
    return gr.HTML(
        value, js_on_load=mount("panel"), elem_id=elem_id, elem_classes=classes, apply_default_css=False, **options
    )
