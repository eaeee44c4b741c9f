"""Write numbers as the page shows them; each function is a filter of the templates too."""

from __future__ import annotations


def counted(number: int, what: str) -> str:
    """Say how many of something there are: `1 picture`, `2,000 pictures`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def thousands(number: int) -> str:
    """Write a whole number with commas."""
    return f"{number:,}"


def fixed(number: float, digits: int) -> str:
    """Write a number with so many digits after the point."""
    return f"{number:.{digits}f}"


def decimal(number: float | None, digits: int) -> str:
    """Write .8619, as tables of such numbers have it; a dash for no number."""
    if number is None:
        return "–"
    text = fixed(number, digits)
    return text.removeprefix("0") if text.startswith("0.") else text


def signed(value: float) -> str:
    """Write two digits, with a minus of its proper width and no minus for nothing."""
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text.replace("-", "−")


def duration(seconds: float) -> str:
    """Say how long an answer took."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
