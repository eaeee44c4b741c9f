"""A room: a few work, some wait, and whoever finds it full is told so."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from algcn.kit.errors import InputError
from app.kit.rooms import Room


def test_a_few_work_some_wait_and_one_more_is_refused_at_once() -> None:
    room, let_go, inside, most = Room(2, 3, 60.0, "It is full."), threading.Event(), [], []

    def work() -> None:
        with room.place():
            inside.append(1)
            most.append(len(inside))
            let_go.wait(60)
            inside.pop()

    with ThreadPoolExecutor(5) as pool:
        running = [pool.submit(work) for _ in range(5)]
        while len(inside) < 2 or room._inside < 5:
            time.sleep(0.01)
        with pytest.raises(InputError, match="It is full"), room.place():
            pass
        let_go.set()
        for future in running:
            future.result(60)
    assert max(most) == 2
    with room.place():
        pass


def test_whoever_waits_too_long_is_refused_and_an_error_leaves_a_place() -> None:
    room = Room(1, 1, 0.01, "It is full.")
    with room.place(), pytest.raises(InputError, match="It is full"), room.place():
        pass
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), room.place():
            raise ZeroDivisionError
    with room.place():
        pass
