"""A service that loads in a thread while the page is already up; whoever needs it waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.service import RetrievalService


class Loading:
    """Load a service in a thread that starts at once.

    Args:
        load: Gets a function to say in a few words what it is doing, and returns the service.
    """

    def __init__(self, load: Callable[[Callable[[str], None]], RetrievalService]) -> None:
        self.state = "starting"
        self._future: Future[RetrievalService] = Future()
        # A daemon: a program that is told to stop while it loads stops at once.
        threading.Thread(target=self._run, args=(load,), name="loading", daemon=True).start()

    def done(self, timeout: float = 0.0) -> bool:
        """Whether loading is over, successful or not, after waiting for it up to `timeout` seconds."""
        return bool(wait([self._future], timeout).done)

    def failed(self) -> bool:
        """Whether loading is over and there is no service."""
        return self._future.done() and self._future.exception() is not None

    def service(self) -> RetrievalService:
        """Wait for the service and return it.

        Raises:
            InputError: It cannot be loaded; or whatever else `load` raised.
        """
        return self._future.result()

    def _report(self, state: str) -> None:
        self.state = state

    def _run(self, load: Callable[[Callable[[str], None]], RetrievalService]) -> None:
        try:
            self._future.set_result(load(self._report))
        except BaseException as error:  # the waiting threads get it, whatever it is
            self._future.set_exception(error)
