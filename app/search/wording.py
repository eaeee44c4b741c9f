"""What a text says about labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from algcn.labels import LabelSet

FILLERS = frozenset({"a", "an", "the", "some", "and"})
MAX_TERMS = 8


def named_only(text: str, label_set: LabelSet) -> list[str]:
    """The labels that `text` names, if it says nothing else: "cow", "a dog and a cat", but not "a dog that sleeps"."""
    named = label_set.find(text)
    rest = re.sub(r"[\s_\-]+", " ", text.casefold())
    phrases = {
        re.sub(r"[\s_\-]+", " ", phrase.casefold())
        for name in named
        for phrase in (name, *label_set[label_set.index(name)].synonyms)
    }
    for phrase in sorted(phrases, key=len, reverse=True):
        rest = re.sub(rf"(?<!\w){re.escape(phrase)}(?!\w)", " ", rest)
    return named if set(re.findall(r"\w+", rest)) <= FILLERS else []


def terms(text: str) -> Sequence[str]:
    """The terms of "snow, night": what stands between commas, at most eight."""
    return [term.strip() for term in text.split(",") if term.strip()][:MAX_TERMS]
