"""Templates: every value is data, whatever it looks like, and no Python file builds markup by hand."""

from __future__ import annotations

import ast
import re

import pytest
from hostile.texts import HOSTILE, check_harmless
from jinja2 import UndefinedError
from markupsafe import Markup

from app.kit.scripts import preloads
from app.kit.templates import ENVIRONMENT, FOLDER, compile_all, render
from app.kit.words import bold, render_own, render_status

PAGE = FOLDER.parent
FILES = sorted(str(path.relative_to(PAGE)) for path in PAGE.rglob("*.py"))
FOR_PLOTLY = "kit/words.py"  # a figure's texts have markup of their own, which no template makes
MARKUP = re.compile(r"</?[a-z][a-z0-9]*[ />]")
# A place in a text for `format`; Plotly's own are %{x}, those of JavaScript ${x}.
PLACE = re.compile(r"(?<![%$])\{[a-z_]*\}")


def built_markup(source: str) -> list[int]:
    """The lines where an f-string, or a text for `format`, has markup in it."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        parts: list[str] = []
        if isinstance(node, ast.JoinedStr):
            parts = [part.value for part in node.values if isinstance(part, ast.Constant)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and PLACE.search(node.value):
            parts = [node.value]
        if any(MARKUP.search(part) for part in parts):
            lines.append(node.lineno)
    return lines


def imports_html(source: str) -> bool:
    return any(
        (isinstance(node, ast.Import) and any(alias.name == "html" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == "html")
        for node in ast.walk(ast.parse(source))
    )


def test_built_markup_is_found() -> None:
    assert built_markup('x = f"<b>{y}</b>"') == [1]
    assert built_markup('X = "<p class=a>{name}</p>"\nX.format(name=1)') == [1]
    assert built_markup('x = "<b>It</b>"\nf"{a} < {b}"\n"%{x}<br>%{y}"') == []
    assert imports_html("import html") and imports_html("from html import escape")
    assert not imports_html("import html5lib\nfrom html.parser import HTMLParser")


@pytest.mark.parametrize("file", [name for name in FILES if name != FOR_PLOTLY])
def test_markup_is_made_by_templates_alone(file: str) -> None:
    source = (PAGE / file).read_text(encoding="utf-8")
    lines = built_markup(source)
    assert not lines, f"app/{file} builds markup in lines {lines}: write a template, and `render` it"
    assert not imports_html(source), f"app/{file} escapes by hand; templates do it"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_value_is_shown_as_it_is(text: str) -> None:
    check_harmless(render_own(text), f"You are looking at {text}.")
    check_harmless(render_status(text, 0.5), text)


def test_what_a_template_made_is_not_escaped_again() -> None:
    inner = render("kit/own.html", description="<b>")
    outer = ENVIRONMENT.from_string("<i>{{ inner }}</i>")
    assert outer.render(inner=inner) == f"<i>{inner}</i>"
    assert outer.render(inner=str(inner)) == f"<i>{Markup.escape(str(inner))}</i>"


def test_a_name_that_nobody_gave_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="description"):
        render("kit/own.html")


def test_a_template_is_read_and_compiled_once() -> None:
    compile_all()
    names = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.html")}
    assert set(ENVIRONMENT.list_templates()) == names
    assert all(ENVIRONMENT.get_template(name) is ENVIRONMENT.get_template(name) for name in names)
    assert len(ENVIRONMENT.cache) >= len(names)


def test_every_template_is_rendered_by_somebody() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (*PAGE.rglob("*.py"), *FOLDER.rglob("*.html"))]
    for name in ENVIRONMENT.list_templates():
        assert any(f'"{name}"' in source for source in sources), f"nobody renders {name}"


def test_a_bar_stands_where_a_share_is_known() -> None:
    assert render_status("Reading…", 0.5) == (
        '<div class="status running" role="status"><p>Reading…</p>'
        '<div class="bar" aria-hidden="true"><i style="width:50.0%"></i></div></div>'
    )
    assert render_status("Done.", running=False) == '<div class="status" role="status"><p>Done.</p></div>'


def test_numbers_are_filters() -> None:
    template = ENVIRONMENT.from_string(
        '{{ 1 | counted("picture") }} {{ 2000 | counted("text") }} {{ 1234 | thousands }} {{ 0.12345 | fixed(3) }} '
        "{{ 0.5 | signed }} {{ -0.5 | signed }} {{ 0.0124 | duration }} {{ 2.34 | duration }}"
    )
    assert template.render() == "1 picture 2,000 texts 1,234 0.123 +0.50 −0.50 12 ms 2.3 s"


def test_a_figure_takes_text_as_text() -> None:
    assert bold("<i>x</i>") == "<b>&lt;i&gt;x&lt;/i&gt;</b>"
    assert bold("a" * 50, 10) == f"<b>{'a' * 9}…</b>"


def test_the_head_of_the_page_is_plain_text_to_python() -> None:
    # What comes before it in the head is markup too, and would be escaped if this were Markup.
    assert type(preloads()) is str and preloads().startswith('<link rel="modulepreload" href="scripts/')
