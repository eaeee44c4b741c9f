"""Templates: every value is data, whatever it looks like, and no Python file builds markup by hand."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from app.kit.templates import ENVIRONMENT, FOLDER, render
from app.kit.words import render_own, render_status

HOSTILE = (
    "<script>window.hacked = 1</script>",
    "\" onload='window.hacked = 1'",
    "{{ 7 * 7 }}",
    "{% raise %}",
    "{# nothing #}",
    "${window.hacked = 1}",
    "AT&T &lt; 🦊",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_value_is_shown_as_it_is(text: str) -> None:
    assert Markup(render_own(text)).striptags() == f"You are looking at {' '.join(text.split())}."
    assert "<script" not in render_own(text)


def test_what_a_template_made_is_not_escaped_again() -> None:
    inner = render("kit/own.html", description="<b>")
    assert Markup("<i>{}</i>").format(inner) == f"<i>{inner}</i>"


def test_a_name_that_nobody_gave_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="description"):
        render("kit/own.html")


def test_a_bar_stands_where_a_share_is_known() -> None:
    assert render_status("Reading…", 0.5) == (
        '<div class="status running" role="status"><p>Reading…</p>'
        '<div class="bar" aria-hidden="true"><i style="width:50.0%"></i></div></div>'
    )
    assert render_status("Done.", running=False) == '<div class="status" role="status"><p>Done.</p></div>'


@pytest.mark.parametrize("template", sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.html")))
def test_a_template_compiles(template: str) -> None:
    ENVIRONMENT.get_template(template)
