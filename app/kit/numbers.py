"""How numbers read on the page; each is a filter of the templates too."""

from __future__ import annotations


def counted(number: int, what: str) -> str:
    """Says how many of something there are: `1 picture`, `2,000 pictures`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def thousands(number: int) -> str:
    """Writes a whole number with commas."""
    return f"{number:,}"


def fixed(number: float, digits: int) -> str:
    """Writes a number with so many digits after the point."""
    return f"{number:.{digits}f}"


def signed(value: float) -> str:
    """Writes two digits, with a minus of its proper width and no minus for nothing."""
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text.replace("-", "−")


def duration(seconds: float) -> str:
    """Says how long an answer took."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
