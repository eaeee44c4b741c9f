"""The board on which a visitor labels pictures: what the browser is sent.

Notable: the pictures go to the browser when they are others; afterwards a value holds the labels alone, of all
pictures (`app.labelling.board.Board.state`). Names and labels travel as they are: the scripts show them as text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr

from algcn.kit import checks
from app.kit.scripts import mount


def label_board() -> gr.HTML:
    """The place of the board.

    `select` fires with `{"action", "rows", "label", "percent", "file", "serial"}`: "open" when the pictures have to be
    sent (again), "choose", "on", "off", "accept", "undo", "forget", or "download" and "load", a label of one's own.
    `then` are the pictures that are chosen afterwards, where those are others.
    """
    return gr.HTML(
        None,
        html_template='<div class="mine-place"></div>',
        js_on_load=mount("labelling"),
        elem_id="collect-pictures",
        apply_default_css=False,
    )


def board_value(state: Mapping[str, Any], key: str, serial: object = 0, page: str | None = None) -> str:
    """What the board shows, as the value of the component; it travels as one text, as figures do.

    Args:
        state: What `Board.state` gave.
        key: Which pictures these are.
        serial: The browser's number of what it asked, so that no two answers are equal.
        page: The pictures, rendered, where they are to be sent.
    """
    number = serial if checks.is_whole(serial) else 0
    value = {**state, "key": key, "serial": number, **({} if page is None else {"page": page})}
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def error_value(sentence: str, key: str, serial: object) -> str:
    """An answer that is a sentence about what was wrong."""
    number = serial if checks.is_whole(serial) else 0
    return json.dumps({"error": sentence, "key": key, "serial": number}, separators=(",", ":"))
