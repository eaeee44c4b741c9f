"""The bar of what can be done with several results at once."""

from __future__ import annotations

import gradio as gr

from app.kit.scripts import mount


def selection_view() -> gr.HTML:
    """The place of the bar, which is seen while results are selected.

    `select` fires with `{action: "like" or "unlike", items, pictures}`, `download` and `submit` (into one's collection)
    with `{items, pictures}`; see `app.collection.selection`.
    """
    script = mount("selection")
    return gr.HTML(
        None, html_template="<i hidden></i>", js_on_load=script, elem_id="selection", apply_default_css=False
    )
