"""Sentences and small pieces of markup that several tabs share."""

from __future__ import annotations

import html

from app.kit.templates import render

WENT_WRONG = "Something went wrong in the program, and its log says what; try again, or something else."


def shortened(text: str, limit: int) -> str:
    """Cut a text to so many characters, the last of them an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def plain(text: str, limit: int = 80) -> str:
    """Shorten and escape a text that somebody wrote for a figure: Plotly would read <b> and the like as markup."""
    return html.escape(shortened(text, limit), quote=False)


def bold(text: str, limit: int = 80) -> str:
    """Make a text bold in a figure, escaped as by `plain`."""
    return f"<b>{plain(text, limit)}</b>"


def render_status(text: str, share: float | None = None, *, running: bool = True) -> str:
    """Render a line, with a bar where a share (0 to 1) is known; it is read out to those who cannot see it."""
    return render("kit/status.html", text=text, share=share, running=running)


def render_own(description: str) -> str:
    """Render the line that says that a visitor looks at their own model or pictures; empty where they do not."""
    return render("kit/own.html", description=description) if description else ""
