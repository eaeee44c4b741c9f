"""Texts that are markup, scripts or templates to whoever does not take them as text, and what a page makes of them."""

from __future__ import annotations

from html.parser import HTMLParser

HOSTILE = (
    "<script>window.hacked = 1</script>",
    '"\'><img src=x onerror="window.hacked = 1">',
    "{{7*7}}",
    "{{ ''.__class__.__mro__ }}",
    "{% raise %}",
    "{# nothing #} left",
    "${window.hacked = 1} {{constructor}}",
    "AT&T &lt;b&gt; 🦊",
)


class Shown(HTMLParser):
    """What a browser would make of a piece of HTML.

    Attributes:
        tags: The names of the elements.
        attributes: Every attribute as (name, value).
        text: All that stands between tags.
    """

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.text = ""
        self.feed(str(markup))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= set(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def check_harmless(markup: str, *texts: str) -> None:
    """Whether all of `texts` are shown as they are, and none of them became an element or a handler."""
    page = Shown(markup)
    for text in texts:
        assert text in page.text, f"{text} is not shown as it is"
    assert "script" not in page.tags
    assert not {name for name, _ in page.attributes if name.startswith("on")}
    assert not {value for name, value in page.attributes if name == "src" and value == "x"}
