"""Emoji as words: an encoder of words reads "dog face" where somebody wrote 🐶.

Notable: the words are Unicode's own names (`unicodedata`), so no list is kept here. What only changes another emoji (a
skin tone, a variation, the joiner of a family) says nothing of its own; what this Python has no name for stays as it
is, for whoever wants to say that it is not known.
"""

from __future__ import annotations

import unicodedata

# Below these the symbols are letters' relatives: ©, ™, №, …
_FIRST = 0x2190
# Emoji proper; older symbols have "black" and "white" in their names for filled and outlined.
_EMOJI = 0x1F000
_OUTLINES = frozenset({"black", "white", "heavy"})
_JOINER = "\u200d"
_KEYCAP = "\u20e3"
_TONES, _TAGS = range(0x1F3FB, 0x1F400), range(0xE0020, 0xE0080)
_SILENT = frozenset({"\ufe0e", "\ufe0f", _KEYCAP, *map(chr, _TONES), *map(chr, _TAGS)})
_REGIONAL = frozenset(map(chr, range(0x1F1E6, 0x1F200)))  # two of them are a flag
_JOINED = {"♂": "man", "♀": "woman", "⬛": "black"}  # what these say behind a joiner, of whoever is before it


def is_symbol(character: str) -> bool:
    """Tell whether a character is a picture or a symbol instead of a letter, a mark or a digit."""
    if ord(character) < _FIRST:
        return False
    return unicodedata.category(character) in ("So", "Sk", "Cn", "Co")


def spell_emoji(text: str) -> str:
    """Put the Unicode names of emoji in their place; a text without emoji stays as it is.

    Example:
        >>> spell_emoji("🐶 on the 🏖️")
        'dog face on the beach with umbrella'
        >>> spell_emoji("🏄🏽‍♂️ 🇪🇸")
        'surfer man flag'
    """
    if not any(is_symbol(character) or character in _SILENT for character in text):
        return text
    spelt: list[str] = []
    previous = ""
    flag_begun = False
    for character in text:
        if character in _SILENT:
            continue
        if character in _REGIONAL:
            spelt.append(" " if flag_begun else " flag ")
            flag_begun = not flag_begun
        elif character == _JOINER:
            spelt.append(" " if previous and is_symbol(previous) else character)
        else:
            joined = previous == _JOINER and character in _JOINED
            spelt.append(f" {_JOINED[character]} " if joined else _spelt(character))
            flag_begun = False
        previous = character
    return " ".join("".join(spelt).split())


def _spelt(character: str) -> str:
    name = unicodedata.name(character, "").lower() if is_symbol(character) else ""
    words = name.replace("-", " ").split()
    if ord(character) < _EMOJI:
        words = [word for word in words if word not in _OUTLINES]
    return f" {' '.join(words)} " if words else character
