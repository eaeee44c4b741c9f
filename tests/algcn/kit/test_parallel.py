"""A bounded map: in order, not ahead of itself, and an error comes in its turn."""

from __future__ import annotations

import threading
import time

import pytest

from algcn.kit.parallel import bounded_map, cores


def test_results_are_in_order_whatever_takes_longer():
    def slow_at_first(number):
        time.sleep(0.02 if number == 0 else 0)
        return number * number

    assert list(bounded_map(slow_at_first, range(50), workers=4)) == [number * number for number in range(50)]
    assert list(bounded_map(slow_at_first, [])) == []
    assert cores() >= 1


def test_no_more_is_taken_than_is_needed():
    taken = []

    def items():
        for number in range(1000):
            taken.append(number)
            yield number

    results = bounded_map(lambda number: number, items(), workers=2, ahead=5)
    for _ in range(3):
        next(results)
    assert len(taken) <= 3 + 5
    results.close()


def test_several_threads_work_at_once():
    meet = threading.Barrier(3)
    assert len(list(bounded_map(lambda _: meet.wait(timeout=10), range(3), workers=3))) == 3


def test_an_error_comes_after_the_results_before_it():
    def fails_at_three(number):
        if number == 3:
            raise ValueError("three")
        return number

    results = bounded_map(fails_at_three, range(10), workers=2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
