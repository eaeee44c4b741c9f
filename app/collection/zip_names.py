"""Tell what the names in a zip archive say: a zip rarely notes in which encoding its names are written.

An entry with the UTF-8 flag is UTF-8, and an Info-ZIP Unicode Path field with the right checksum wins. The other names
were written by one program on one system, so they share one encoding: the one that fits all of them. Where several do,
the names in a table of the archive decide; where it has none, the letters do, by rule for the code pages of DOS and
Windows, and by `chardet` for what is left. Names that it had to guess are said.
"""

from __future__ import annotations

import struct
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zipfile import ZipInfo

UTF8_FLAG = 0x800
UNICODE_PATH = 0x7075  # Info-ZIP's field: version, CRC-32 of the name that the entry has, the name in UTF-8
WRITTEN = "cp437"  # as zipfile decodes a name without the flag: each byte is a character and comes back
SAMPLE_BYTES = 20_000  # of letters that are not ASCII: more than that add nothing to a guess


@dataclass(frozen=True)
class Encoding:
    """An encoding: Python's name, what people call it, chardet's names for it, whether a byte is a letter in it."""

    codec: str
    words: str
    detected: tuple[str, ...]
    single: bool = False


UTF8 = Encoding("utf-8", "UTF-8", ("utf-8",))
ENCODINGS = (
    UTF8,
    Encoding("gb18030", "Chinese (GBK)", ("gb18030", "gb2312")),
    Encoding("cp932", "Japanese (Shift-JIS)", ("cp932", "shift_jis_2004")),
    Encoding("cp949", "Korean (EUC-KR)", ("cp949", "euc_kr")),
    Encoding("big5hkscs", "traditional Chinese (Big5)", ("big5hkscs",)),
    Encoding("cp1252", "Western (Windows-1252)", ("cp1252",), single=True),
    Encoding("cp850", "Western (DOS, code page 850)", ("cp850",), single=True),
    Encoding("cp437", "Western (DOS, code page 437)", ("cp437",), single=True),
    Encoding("cp1251", "Cyrillic (Windows-1251)", ("cp1251",), single=True),
    Encoding("cp866", "Cyrillic (DOS, code page 866)", ("cp866",), single=True),
)
SCRIPTS = ("LATIN", "CYRILLIC")  # of the encodings whose bytes are letters
ODD_LETTERS = 4  # one letter in so many may look odd


@dataclass(frozen=True)
class ZipNames:
    """The names of an archive's entries.

    Attributes:
        names: For each entry its path, in NFC, with "/" between folders.
        assumed: The encoding that was guessed, as people call it; None where there was nothing to guess.
        example: A name that was read in it.
    """

    names: list[str]
    assumed: str | None = None
    example: str = ""


def decode_names(entries: Sequence[ZipInfo], listed: Iterable[str] = ()) -> ZipNames:
    """Decode the names of all entries of an archive.

    Args:
        entries: The entries as zipfile lists them.
        listed: Names of files that tables in the archive give.
    """
    known = {number: name for number, entry in enumerate(entries) if (name := _said(entry)) is not None}
    raw = {number: _raw(entry) for number, entry in enumerate(entries) if number not in known}
    parts = list(dict.fromkeys(part for name in raw.values() for part in name.split(b"/") if not part.isascii()))
    codec, words = _choose(parts, listed)
    names = [_path(known[number] if number in known else raw[number].decode(codec)) for number in range(len(entries))]
    example = next((names[number] for number, name in raw.items() if not name.isascii()), "") if words else ""
    return ZipNames(names, words, example)


def _said(entry: ZipInfo) -> str | None:
    """The name of an entry that says how it is encoded."""
    if entry.flag_bits & UTF8_FLAG:
        return entry.orig_filename
    return _unicode_path(entry)


def _unicode_path(entry: ZipInfo) -> str | None:
    """Read the Unicode Path field of an entry, None where there is none or it belongs to another name."""
    extra = entry.extra
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        data, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == UNICODE_PATH and len(data) == length > 5:
            version, checksum = struct.unpack_from("<BL", data)
            if version == 1 and checksum == zlib.crc32(_raw(entry)):
                return _decoded(data[5:], UTF8.codec)
    return None


def _raw(entry: ZipInfo) -> bytes:
    return entry.orig_filename.encode(WRITTEN)


def _path(name: str) -> str:
    return unicodedata.normalize("NFC", name.partition("\0")[0].replace("\\", "/"))


def _choose(parts: list[bytes], listed: Iterable[str]) -> tuple[str, str | None]:
    """Choose the codec that fits all parts of paths; the second value is its words where it was guessed."""
    texts = {encoding: text for encoding in ENCODINGS if (text := _all_decoded(parts, encoding.codec)) is not None}
    wanted = {part for name in listed for part in _path(name).split("/") if not part.isascii()}
    matches = {encoding: sum(_path(part) in wanted for part in text) for encoding, text in texts.items()}
    best = max(matches.values())
    if best:
        texts = {encoding: text for encoding, text in texts.items() if matches[encoding] == best}
    if UTF8 in texts or (best and len({tuple(text) for text in texts.values()}) == 1):
        return next(iter(texts)).codec, None
    encoding = _most_plausible({encoding: list(_sample(text)) for encoding, text in texts.items()})
    return encoding.codec, encoding.words


def _decoded(part: bytes, codec: str) -> str | None:
    try:
        return part.decode(codec)
    except UnicodeDecodeError:
        return None


def _all_decoded(parts: list[bytes], codec: str) -> list[str] | None:
    decoded: list[str] = []
    for part in parts:
        text = _decoded(part, codec)
        if text is None:
            return None
        decoded.append(text)
    return decoded


def _sample(parts: list[str]) -> Iterator[str]:
    left = SAMPLE_BYTES
    for part in parts:
        if left <= 0:
            return
        yield part[:left]
        left -= len(part)


def _most_plausible(texts: dict[Encoding, list[str]]) -> Encoding:
    """Choose among encodings that fit by the letters that come out.

    Two rules leave few to choose from: letters of one byte are of one script in a word and do not change to capitals
    inside of it; letters of two bytes do not stand alone among Latin ones, as they seem to when a name is Western.
    To tell the others apart, Chinese from Korean for instance, takes to know how frequent each letter is: `chardet`
    does.
    """
    import chardet

    odd = {encoding: sum(map(_odd_letters, text)) for encoding, text in texts.items() if encoding.single}
    least = min(odd.values(), default=0)
    letters = max(sum(not letter.isascii() for part in texts[encoding] for letter in part) for encoding in texts)
    single = [encoding for encoding, count in odd.items() if count == least and ODD_LETTERS * count <= letters]
    wide = [encoding for encoding in texts if not encoding.single and not (single and _stands_alone(texts[encoding]))]
    left = [*wide, *single] or list(texts)
    if len(left) > 1:
        names = {name: encoding for encoding in left for name in encoding.detected}
        some = left[0]
        data = "\n".join(texts[some]).encode(some.codec)
        first = next(iter(names))
        found = chardet.detect(data, compat_names=False, include_encodings=names, no_match_encoding=first)["encoding"]
        return names.get(found or first, some)
    return left[0]


def _odd_letters(part: str) -> int:
    """Count the letters of a name that its writer would not have put there, were their bytes letters one by one."""
    count, before = 0, ""
    for letter in part:
        if letter.isascii() and not letter.isalpha():
            before = ""
            continue
        if not (letter.isascii() and before.isascii()):
            turns = before != "" and (_script(before) != _script(letter) or (letter.isupper() and before.islower()))
            count += turns or not letter.isalpha() or _script(letter) not in SCRIPTS
        before = letter
    return count


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _stands_alone(parts: list[str]) -> bool:
    """Tell whether most of the letters that are not ASCII touch one that is."""
    total = alone = 0
    for part in parts:
        for before, letter, after in zip(f" {part}", part, f"{part} "[1:], strict=False):
            if not letter.isascii():
                total += 1
                alone += any(other.isascii() and other.isalpha() for other in (before, after))
    return 2 * alone > total
