"""Write a query as the end of an address, and read it back when somebody follows the link.

    ?q=a+dog+on+the+beach&not=snow&away=0.8&like=images/0123.webp&weight=0.4&label=dog&label=beach&match=all&cut=60
        &subjects=4&written=0&beside=1

An uploaded picture is not in it: it is nobody's but the visitor's.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlencode

from algcn.kit.errors import InputError
from app.search.query import Query

# scripts/address.js owns the same names; whatever else stands in an address is left alone.
NAMES = ("q", "not", "away", "like", "weight", "label", "match", "cut", "subjects", "written", "beside")
MAX_FIELDS, MAX_WORDS = 200, 1000
DEFAULT = Query()


def address_of(query: Query, file_of: Callable[[int], str]) -> str:
    """Write a query as `name=value&…`; values that are at their default are left out.

    Args:
        query: The query.
        file_of: The file name of a picture of the gallery.
    """
    fields: list[tuple[str, str]] = []
    if query.text.strip():
        fields.append(("q", query.text.strip()[:MAX_WORDS]))
    if query.item is not None:
        fields.append(("like", file_of(query.item)))
    if not fields:
        return ""
    if query.without.strip():
        fields.append(("not", query.without.strip()[:MAX_WORDS]))
        if query.away != DEFAULT.away:
            fields.append(("away", f"{query.away:g}"))
    if query.is_mixed and query.item is not None and query.weight != DEFAULT.weight:
        fields.append(("weight", f"{query.weight:g}"))
    fields.extend(("label", label) for label in query.labels)
    if query.labels and query.match != DEFAULT.match:
        fields.append(("match", query.match))
    if query.cutoff is not None:
        fields.append(("cut", f"{query.cutoff:g}"))
    if query.labels_weight is not None:
        fields.append(("subjects", f"{query.labels_weight:g}"))
    if not query.written:
        fields.append(("written", "0"))
    if query.beside:
        fields.append(("beside", "1"))
    return urlencode(fields, safe="/")


def query_of(address: object, item_of: Callable[[str], int]) -> Query | None:
    """Read the query that an address holds, whatever else is in it; None if it holds none.

    Args:
        address: What stands behind the "?" of an address, with it or without, from a browser.
        item_of: The picture of the gallery with a file name; raises InputError.

    Raises:
        InputError: The address holds something that is no query: a number out of range, a picture that is not there.
    """
    if not isinstance(address, str):
        return None
    try:
        fields = parse_qs(address.removeprefix("?"), max_num_fields=MAX_FIELDS)
    except ValueError:
        raise InputError("This link holds too much to be a query; copy it again.") from None
    one = {name: values[0] for name, values in fields.items()}
    if "q" not in one and "like" not in one:
        return None
    return Query(
        text=one.get("q", ""),
        item=item_of(one["like"]) if "like" in one else None,
        weight=_number(one, "weight", DEFAULT.weight),
        without=one.get("not", ""),
        away=_number(one, "away", DEFAULT.away),
        labels=tuple(fields.get("label", ())),
        match=one.get("match", DEFAULT.match),
        cutoff=_number(one, "cut", None),
        labels_weight=_number(one, "subjects", None),
        written=one.get("written") != "0",
        beside=one.get("beside") == "1",
    )


def _number(fields: dict[str, str], name: str, default: float | None) -> float | None:
    try:
        return float(fields[name]) if name in fields else default
    except ValueError:
        raise InputError(
            f"This link has a {name} of {fields[name]!r:.40}, which is no number; copy it again."
        ) from None
