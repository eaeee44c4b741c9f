"""Run work that takes seconds in a thread, watched by the page that started it.

Notable: a job ends early when it is told to, and also when nobody has watched it for a while, however the visitor left;
a few jobs run at once, the others wait in the order in which they came, and each visitor has one.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from algcn.kit.errors import InputError
from algcn.kit.threads import one_core
from app.kit.disk import telling_visitors
from app.kit.listening import is_heard

UNWATCHED_SECONDS = 20.0
NICENESS = 5  # a search by somebody else comes first
WAIT_SECONDS = 0.2
END_SECONDS = 5.0  # that a job which was stopped has to end
WATCH_SECONDS = 0.25  # from one look of an endpoint's at its job to the next
MAX_WAITING = 16  # each is watched by a thread of the page
_OVER = object()


class Job:
    """A piece of work in a thread: `work(job)` hands over news with `report` and looks often at `stopping`."""

    def __init__(self, work: Callable[[Job], Any], name: str) -> None:
        self._work = work
        self._news: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._stop, self._over = threading.Event(), threading.Event()
        self._seen = time.monotonic()
        self._value: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the work to end; it does so at the next point where it looks."""
        self._stop.set()

    @property
    def running(self) -> bool:
        """Whether the work is not over yet."""
        return not self._over.is_set()

    def stopping(self) -> bool:
        """Whether the work should end: it was told to, or nobody is watching any more."""
        return self._stop.is_set() or time.monotonic() - self._seen > UNWATCHED_SECONDS

    def report(self, news: Any) -> None:
        """Tell whoever watches; called by the work."""
        self._news.put(news)

    def watch(self, seconds: float) -> Iterator[list[Any]]:
        """Yield what was reported since the last time, at least every so many seconds (then maybe nothing), to the end.

        A watcher that goes away stops the job, and so does one to whom nobody listens any more.
        """
        try:
            over = False
            while not over and is_heard():
                self._seen = time.monotonic()
                news = []
                with contextlib.suppress(queue.Empty):
                    news.append(self._news.get(timeout=seconds))
                    while True:
                        news.append(self._news.get_nowait())
                over = _OVER in news
                yield [entry for entry in news if entry is not _OVER]
        finally:
            self.stop()

    def result(self) -> Any:
        """Wait for the work and return its result, or raise its error."""
        self._over.wait()
        if self._error is not None:
            raise self._error
        return self._value

    def _run(self) -> None:
        with contextlib.suppress(AttributeError, OSError):  # a thread has a priority of its own on Linux alone
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        try:
            with telling_visitors(), one_core():
                self._value = self._work(self)
        except BaseException as error:  # whoever asks for the result gets it, whatever it is
            self._error = error
        finally:
            self._over.set()
            self._news.put(_OVER)


class Jobs:
    """A queue of jobs of one kind, of which a few run at once.

    Args:
        limit: The number of jobs that run at once.
        busy: The sentence for a visitor who starts a second one.
    """

    def __init__(self, limit: int, busy: str) -> None:
        self._limit, self._busy = limit, busy
        self._jobs: dict[str, Job] = {}
        self._order: list[Job] = []
        self._changed = threading.Condition()

    def start(self, visitor: str, work: Callable[[Job], Any], waiting: Callable[[int], Any]) -> Job:
        """Start a job, or queue it.

        Args:
            visitor: The key of the visitor whose job it is.
            work: What to do; see `Job`.
            waiting: What to report while it waits, given how many are before it.

        Raises:
            InputError: The visitor has a job that is not over, or too many are waiting.
        """

        def in_turn(job: Job) -> Any:
            try:
                self._wait(job, waiting)
                return work(job)
            finally:
                with self._changed:
                    self._order.remove(job)
                    if self._jobs.get(visitor) is job:
                        del self._jobs[visitor]
                    self._changed.notify_all()

        with self._changed:
            self.check_idle(visitor)
            if len(self._order) >= self._limit + MAX_WAITING:
                raise InputError(f"{MAX_WAITING} others are waiting for their turn: try again in a few minutes.")
            job = Job(in_turn, name=f"job of {visitor}")
            self._jobs[visitor] = job
            self._order.append(job)
        job.start()
        return job

    def stop(self, visitor: str) -> None:
        """Stop the visitor's job, if there is one."""
        job = self._jobs.get(visitor)
        if job is not None:
            job.stop()

    def end(self, visitor: str) -> None:
        """Stop the visitor's job, if there is one, and wait a moment until it is over.

        Raises:
            InputError: It goes on.
        """
        with self._changed:
            self.stop(visitor)
            if not self._changed.wait_for(lambda: visitor not in self._jobs, END_SECONDS):
                raise InputError(self._busy)

    def check_idle(self, visitor: str) -> None:
        """Make sure that the visitor has no job.

        Raises:
            InputError: The visitor has a job that is not over.
        """
        if visitor in self._jobs:
            raise InputError(self._busy)

    def _wait(self, job: Job, waiting: Callable[[int], Any]) -> None:
        told = -1
        with self._changed:
            while (before := self._order.index(job) - self._limit + 1) > 0:
                if before != told:
                    job.report(waiting(before))
                    told = before
                self._changed.wait(WAIT_SECONDS)
                if job.stopping():  # also where its turn has come meanwhile
                    raise InputError("The job was stopped before its turn came; start it again.")
