"""How labels and captions are spelt in a table: lists of any kind, separators, letter case, columns of 0 and 1.

What a whole column says decides, not one field alone: "dog,cat" holds two labels unless another row writes "dog|cat".
Each function raises a `ValueError` that says what is wrong with a value; the reader adds the row.
"""

from __future__ import annotations

import ast
import io
import json
import tokenize
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from algcn.kit.checks import shown

SEPARATOR = "|"
_SEPARATORS = (SEPARATOR, ";", ",")
_BRACKETS = {"[": "]", "(": ")", "{": "}"}
_SKIPPED_TOKENS = frozenset(
    {tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER, tokenize.COMMENT}
)
# The pairs of values that a column of yes and no may hold; a third one (-1, 0 and 1 at once) has another meaning.
_NO_AND_YES = (frozenset({"0", "1"}), frozenset({"false", "true"}), frozenset({"-1", "1"}))
_NO_ANSWER = frozenset({"none", ""})
_MOST_ANSWERS = 2 + len(_NO_ANSWER)
_YES = frozenset({"1", "true"})


def read_text(value: Any, name: str) -> str:
    """Read a field as a text without spaces around it; null is an empty one, a number the text of its digits.

    Raises:
        ValueError: It is something else, or holds half of a character, which no file can hold.
    """
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f"its {name} must be a text, not {shown(value)}")
    text = value if isinstance(value, str) else _digits(value)
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(f"its {name} holds half of a character, {shown(text)}")
    return text.strip()


def read_texts(value: Any, name: str) -> list[str]:
    """Read a field as texts: a text, a list of texts, or a list as Python, NumPy or JSON print it; empty ones vanish.

    Raises:
        ValueError: It is something else.
    """
    if isinstance(value, str):
        value = _printed_list(value) if value.lstrip().startswith("[") else value
    values = value if isinstance(value, (list, tuple)) else [value]
    return [text for each in values if (text := read_text(each, name))]


def separator_of(fields: Iterable[Any], *, one_each: bool = False) -> str | None:
    """Return the character between the labels of a column, None where each field holds one label.

    Args:
        fields: The column's values.
        one_each: The column's name says that there is one label in each field. Then a comma is taken for a part of the
            names ("salt, pepper") unless a part of one field is found in another.

    Raises:
        ValueError: The fields hold both ";" and ",", and no "|".
    """
    texts = {field for field in fields if isinstance(field, str) and not _is_bracketed(field)}
    found = [separator for separator in _SEPARATORS if any(separator in text for text in texts)]
    if not found or found[0] == SEPARATOR:
        return SEPARATOR if found else None
    if len(found) > 1:
        example = next(text for text in sorted(texts) if found[0] in text)
        raise ValueError(
            f"separates labels by ';' and ',' (such as {shown(example)}); write {SEPARATOR!r} between labels"
        )
    if one_each:
        parts = Counter(part for text in texts for part in {part.strip() for part in text.split(found[0])} if part)
        if max(parts.values(), default=0) < 2:
            return None
    return found[0]


def read_labels(value: Any, separator: str | None) -> list[str]:
    """Read a field as labels, each once.

    Args:
        value: A text, a number, a list, or a list as Python, NumPy or JSON print it; null and empty ones are no label.
        separator: What `separator_of` found for the column.

    Raises:
        ValueError: It is something else.
    """
    if isinstance(value, str) and _is_bracketed(value):
        parts: Any = _printed_list(value)
        if isinstance(parts, str):  # [dog, cat]: a list without quotes
            parts = value.strip()[1:-1].split(separator or ",")
    elif isinstance(value, str):
        parts = value.split(separator) if separator else [value]
    else:
        parts = value if isinstance(value, (list, tuple)) else [value]
    labels = [_label(read_text(part, "label")) for part in parts]
    return list(dict.fromkeys(filter(None, labels)))


def yes_columns(rows: Sequence[Mapping[str, Any]], columns: Iterable[str]) -> list[str]:
    """Return the columns whose fields are all 0 or 1, false or true, or -1 or 1; empty ones count as no."""
    values: dict[str, set[str]] = {column: set() for column in columns}
    for row in rows:  # by what each row has: rows of JSON may each have other columns
        for column, value in row.items():
            if column in values:
                values[column].add(str(value).strip().casefold().removesuffix(".0"))
                if len(values[column]) > _MOST_ANSWERS:
                    del values[column]
    said = {column: answers - _NO_ANSWER for column, answers in values.items()}
    return [column for column, answers in said.items() if answers and any(answers <= pair for pair in _NO_AND_YES)]


def is_yes(value: Any) -> bool:
    """Tell whether a field of a column of 0 and 1 says yes."""
    return str(value).strip().casefold().removesuffix(".0") in _YES


def agree(counts: Mapping[str, int], known: Iterable[str] = ()) -> dict[str, str]:
    """Choose one spelling for labels that differ in letter case only: that of `known`, else the most frequent.

    Args:
        counts: How often each spelling is found, in the order in which they came up.
        known: Labels that have a spelling already.

    Returns:
        The spelling to use for each one found that is to be changed.
    """
    chosen = {name.casefold(): name for name in known}
    for name in sorted(counts, key=counts.__getitem__, reverse=True):
        chosen.setdefault(name.casefold(), name)
    return {name: chosen[name.casefold()] for name in counts if chosen[name.casefold()] != name}


def _digits(value: float) -> str:
    """Write a number as a table shows it: 3.0 is 3, and what is no number is nothing."""
    if isinstance(value, float):
        return "" if value != value else str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def _label(text: str) -> str:
    label = unicodedata.normalize("NFC", " ".join(text.split()))
    if SEPARATOR in label or any(character < " " or character == "\x7f" for character in label):
        raise ValueError(f"its label {shown(label)} holds {SEPARATOR!r} or a control character")
    return label


def _is_bracketed(text: str) -> bool:
    text = text.strip()
    return text[:1] in _BRACKETS and text[-1:] == _BRACKETS[text[:1]]


def _printed_list(text: str) -> list[Any] | str:
    """Read a list as it is printed: ["a", "b"], ['a', 'b'], or ['a' 'b'] as NumPy does; `text` where it is none."""
    try:
        read = json.loads(text)
        return read if isinstance(read, list) else text
    except (ValueError, RecursionError):
        pass
    parts = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text.strip()).readline):
            if token.type in (tokenize.STRING, tokenize.NUMBER):
                parts.append(ast.literal_eval(token.string))
            elif token.type not in _SKIPPED_TOKENS and token.string not in ("[", "]", "(", ")", "{", "}", ","):
                return text
    except (tokenize.TokenError, SyntaxError, ValueError):
        return text
    return parts
