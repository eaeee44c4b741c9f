"""Write numbers as the page shows them; each function is a filter of the templates too."""

from __future__ import annotations


def counted(number: int, what: str) -> str:
    """Say how many of something there are: `1 picture`, `2,000 pictures`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def thousands(number: int) -> str:
    """Write a whole number with commas."""
    return f"{number:,}"


def fixed(number: float, digits: int) -> str:
    """Write a number with so many digits after the point: a minus of its proper width, and none before a zero."""
    return f"{number:z.{digits}f}".replace("-", "−")


def decimal(number: float | None, digits: int) -> str:
    """Write .8619, as tables of such numbers have it; a dash for no number."""
    if number is None:
        return "–"
    text = fixed(number, digits)
    return text.replace("0.", ".", 1) if text.lstrip("−").startswith("0.") else text


def signed(number: float, digits: int = 2) -> str:
    """Write a number whose sign is the point: +0.50, −0.50, and 0.00 without any."""
    text = fixed(number, digits)
    return text if text.startswith("−") or not float(text) else f"+{text}"


def duration(seconds: float) -> str:
    """Say how long an answer took."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
