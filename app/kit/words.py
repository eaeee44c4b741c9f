"""Sentences and small pieces of markup that several tabs share."""

from __future__ import annotations

import html


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def plain(text: str, limit: int = 80) -> str:
    """Shorten and escape a text that somebody wrote for a figure: Plotly would read <b> and the like as markup."""
    shown = text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
    return html.escape(shown, quote=False)


def render_status(text: str, share: float | None = None, *, running: bool = True) -> str:
    """Render a line, with a bar where a share (0 to 1) is known; it is read out to those who cannot see it."""
    bar = ""
    if share is not None:
        bar = f'<div class="bar" aria-hidden="true"><i style="width:{100 * share:.1f}%"></i></div>'
    kind = "status running" if running else "status"
    return f'<div class="{kind}" role="status"><p>{html.escape(text)}</p>{bar}</div>'


def render_own(description: str) -> str:
    """Render the line that says that a visitor looks at their own model or pictures; empty where they do not."""
    if not description:
        return ""
    return f'<p class="own" role="status">You are looking at <b>{html.escape(description)}</b>.</p>'
