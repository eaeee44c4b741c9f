"""A file that is made when it is asked for: the link appears, and the browser follows it at once."""

from __future__ import annotations

import gradio as gr

from app.kit.scripts import mount
from app.kit.templates import render


def download_place(elem_id: str) -> gr.HTML:
    """Where the link of `render_link` will stand."""
    return gr.HTML(js_on_load=mount("file_link"), elem_id=elem_id, elem_classes=["download"], apply_default_css=False)


def render_link(address: str, name: str, size: int) -> str:
    """The link to a file of `size` bytes, to be saved as `name`; `Addresses.offer` gives the address."""
    shown = f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{max(1, size // 1000):,} kB"
    return render("components/file_link.html", address=address, name=name, size=shown)
