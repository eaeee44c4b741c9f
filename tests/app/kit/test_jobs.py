"""Jobs: they report, end when told to or when nobody watches, take turns, and leave the other core alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import torch

from algcn.kit.errors import InputError
from app.kit import jobs as module
from app.kit.jobs import Job, Jobs

BUSY = "One is running already."
PATIENCE = 20.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)


def until_stopped(job: Job) -> str:
    until(job.stopping)
    return "stopped"


def watched(job: Job) -> list:
    return [entry for news in job.watch(0.05) for entry in news]


def test_a_job_reports_and_returns() -> None:
    def work(job: Job) -> int:
        for number in range(3):
            job.report(number)
        return 42

    job = Jobs(1, BUSY).start("somebody", work, str)
    assert watched(job) == [0, 1, 2]
    assert job.result() == 42
    assert not job.running


def test_an_error_reaches_who_asks_for_the_result() -> None:
    def work(job: Job) -> None:
        raise InputError("That was nothing.")

    job = Jobs(1, BUSY).start("somebody", work, str)
    assert watched(job) == []
    with pytest.raises(InputError, match="That was nothing"):
        job.result()


def test_a_job_is_stopped_by_its_visitor_alone() -> None:
    jobs = Jobs(2, BUSY)
    mine, other = (jobs.start(name, until_stopped, str) for name in ("me", "you"))
    jobs.stop("me")
    assert mine.result() == "stopped"
    assert other.running
    jobs.stop("nobody")
    jobs.stop("you")
    assert other.result() == "stopped"


def test_a_watcher_that_goes_away_stops_the_job() -> None:
    job = Jobs(1, BUSY).start("somebody", until_stopped, str)
    watching = job.watch(0.05)
    assert next(watching) == []
    watching.close()  # what happens to a generator when a page is closed
    assert job.result() == "stopped"


def test_a_job_that_nobody_watches_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNWATCHED_SECONDS", 0.1)
    assert Jobs(1, BUSY).start("somebody", until_stopped, str).result() == "stopped"


def test_a_visitor_has_one_at_a_time() -> None:
    jobs = Jobs(5, BUSY)
    jobs.check_idle("me")
    first = jobs.start("me", until_stopped, str)
    with pytest.raises(InputError, match="running already"):
        jobs.start("me", until_stopped, str)
    with pytest.raises(InputError, match="running already"):
        jobs.check_idle("me")
    jobs.stop("me")
    first.result()
    until(lambda: "me" not in jobs._jobs)
    jobs.start("me", lambda job: None, str).result()


def test_others_wait_in_the_order_in_which_they_came() -> None:
    jobs, begun, let_go = Jobs(2, BUSY), [], {name: threading.Event() for name in "abcd"}

    def work(name: str) -> Callable[[Job], None]:
        def run(job: Job) -> None:
            begun.append(name)
            let_go[name].wait(PATIENCE)

        return run

    started = {}
    for name in "abcd":
        started[name] = jobs.start(name, work(name), lambda before: f"{before} before")
        if name in "ab":
            until(lambda name=name: name in begun)
    assert next(started["c"].watch(PATIENCE)) == ["1 before"]
    assert next(started["d"].watch(PATIENCE)) == ["2 before"]
    # Watchers that went away above stopped both: c gives up its place, and a job started later comes after d.
    with pytest.raises(InputError, match="stopped before its turn"):
        started["c"].result()
    assert begun == ["a", "b"]
    let_go["b"].set()
    with pytest.raises(InputError, match="stopped before its turn"):
        started["d"].result()
    let_go["e"] = threading.Event()
    late = jobs.start("e", work("e"), str)
    until(lambda: begun == ["a", "b", "e"])
    let_go["a"].set(), let_go["e"].set()
    late.result()


def test_a_job_computes_on_one_core_and_the_others_as_before() -> None:
    before = torch.get_num_threads()
    assert Jobs(1, BUSY).start("somebody", lambda job: torch.get_num_threads(), str).result() == 1
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert [torch.get_num_threads(), *found] == [before, before]
