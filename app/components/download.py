"""A file that the page hands to its visitor: made in the browser from what Python sends, so none is ever written."""

from __future__ import annotations

import itertools
from typing import Any

import gradio as gr

from app.kit.scripts import mount

_numbers = itertools.count(1)


def download_view() -> gr.HTML:
    """Where `csv_download` goes; shows nothing."""
    return gr.HTML(None, html_template="<i hidden></i>", js_on_load=mount("download"), apply_default_css=False)


def csv_download(name: str, text: str) -> dict[str, Any]:
    """A value of `download_view` that saves `text` under `name`; two equal ones are two files."""
    return {"name": name, "text": text, "number": next(_numbers)}
