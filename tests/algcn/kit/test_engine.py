"""The plain engine does one task after another, each when its result is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from algcn.kit.engine import Advance, check_seen, in_this_process
from algcn.kit.errors import InputError


def test_a_task_is_done_when_its_result_is_asked_for() -> None:
    taken: list[int] = []
    told: list[int] = []

    def double(task: int, advance: Advance) -> int:
        taken.append(task)
        advance(task)
        return 2 * task

    results = in_this_process(double, iter([3, 4]), told.append)
    assert (next(results), taken, told) == (6, [3], [3])
    assert (list(results), taken, told) == ([8], [3, 4], [3, 4])


def test_a_machine_must_see_the_pictures(tmp_path: Path) -> None:
    check_seen(tmp_path)
    with pytest.raises(InputError, match=r"does not see the folder .*nowhere'; put it where every machine sees it"):
        check_seen(tmp_path / "nowhere")
