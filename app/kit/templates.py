"""Make the HTML of the page from Jinja2 templates, every value escaped.

Notable: a value is data, whatever it looks like. Markup is what a template wrote, and only that passes unescaped into
another one. A template lies in `app/templates/`, in the folder of the room that renders it: it is code with names of
its room's values in it, not a file that a browser fetches, as those of `assets/page/` are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.kit import numbers

FOLDER = Path(__file__).resolve().parent.parent / "templates"

FILTERS = (
    numbers.counted,
    numbers.thousands,
    numbers.fixed,
    numbers.decimal,
    numbers.signed,
    numbers.duration,
)

# A name that nobody gave is an error, not an empty place. Each template is read and compiled once.
ENVIRONMENT = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
    cache_size=-1,
)
ENVIRONMENT.filters.update({function.__name__: function for function in FILTERS})


def compile_all() -> None:
    """Compile every template; else whoever sees one first waits for that."""
    for template in ENVIRONMENT.list_templates():
        ENVIRONMENT.get_template(template)


def render(template: str, /, **values: Any) -> Markup:
    """Fill a template.

    Args:
        template: Its path in `app/templates/`.
        values: What it names. A text is escaped; what `render` returned is not, so that templates nest.

    Raises:
        jinja2.UndefinedError: The template names a value that is not given.
    """
    return Markup(ENVIRONMENT.get_template(template).render(values))
