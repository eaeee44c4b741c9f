"""Numbers as the page writes them: a minus of its proper width, and a zero that has no sign."""

from __future__ import annotations

import pytest

from app.kit.numbers import decimal, fixed, signed


@pytest.mark.parametrize("digits", [0, 1, 2, 4])
@pytest.mark.parametrize("number", [0.0, -0.0, -1e-9, 1e-9, -0.4 * 10**-4])
def test_what_is_written_as_zero_has_no_sign(number: float, digits: int) -> None:
    zero = f"{0.0:.{digits}f}"
    assert fixed(number, digits) == signed(number, digits) == zero
    assert decimal(number, digits) == (zero.removeprefix("0") if digits else zero)


def test_a_minus_is_a_minus_and_no_hyphen() -> None:
    assert [fixed(-0.126, 2), signed(-0.126), signed(0.126), decimal(-0.126, 2)] == ["−0.13", "−0.13", "+0.13", "−.13"]
    assert [decimal(value, 2) for value in (None, 0.5, 1.0, 10.5, -10.5)] == ["–", ".50", "1.00", "10.50", "−10.50"]
