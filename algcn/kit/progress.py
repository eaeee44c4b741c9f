"""How far a long piece of work is: a bar on stderr with rate and time left.

Notable: what is over within a second shows nothing. In a terminal the bar is drawn again and again on one line, and
`say` prints above it. Where stderr is no terminal (a log file, a pipe) a bar would be thousands of lines, so there is
one line every half minute.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

from tqdm import tqdm

DELAY_SECONDS = 1.0  # in a terminal; before that nothing is drawn
LINE_SECONDS = 30.0  # between two lines where there is no terminal
_Item = TypeVar("_Item")


def in_terminal() -> bool:
    """Whether somebody may be watching stderr."""
    return sys.stderr is not None and sys.stderr.isatty()


def tqdm_options(doing: str, unit: str, *, shown: bool) -> dict[str, Any]:
    """The options of a bar, for packages that draw their own with tqdm."""
    return {
        "desc": doing,
        "unit": unit,
        "delay": DELAY_SECONDS,
        "dynamic_ncols": True,
        "bar_format": "{l_bar}{bar}{r_bar}",
        "file": sys.stderr,
        "disable": not (shown and in_terminal()),
    }


class ProgressBar:
    """A bar for one piece of work; use it in a `with` statement.

    Args:
        doing: what is being done, in a word or two.
        total: how much there is to do; None where nobody knows.
        unit: what is counted, in the singular.
        shown: False for a bar that draws and says nothing.

    Example:
        >>> with ProgressBar("encoding", total=3, unit="image") as bar:
        ...     for name in ("a.jpg", "b.jpg", "c.jpg"):
        ...         bar.update()
    """

    def __init__(self, doing: str, *, total: int | None = None, unit: str = "item", shown: bool = True) -> None:
        self._shown = shown
        self._in_terminal = in_terminal()
        self._started = self._printed = time.monotonic()
        self._bar = tqdm(total=total, **tqdm_options(doing, unit, shown=shown))
        # tqdm draws when something is done, which may be minutes from now.
        self._timer = threading.Timer(DELAY_SECONDS, self._draw)
        self._timer.daemon = True
        if not self._bar.disable:
            self._timer.start()
        self._doing, self._unit, self._total, self._done, self._first = doing, unit, total, 0, 0

    @property
    def done(self) -> int:
        """How much is done."""
        return self._done

    def update(self, count: int = 1) -> None:
        """Count what was done since the last call."""
        self._done += count
        self._bar.update(count)
        if self._shown and not self._in_terminal and time.monotonic() - self._printed >= LINE_SECONDS:
            self._print_line()

    def reach(self, done: int, total: int) -> None:
        """Say how much is done in all, and of how much."""
        self._total = self._bar.total = total
        self.update(done - self._done)

    def start_at(self, done: int) -> None:
        """Begin with what an earlier run did; it counts neither for the rate nor for the time left."""
        self._done = self._first = self._bar.n = self._bar.initial = done

    def describe(self, doing: str) -> None:
        """Change what is said to be done."""
        self._doing = doing
        if not self._bar.disable:
            self._bar.set_description(doing, refresh=False)

    def note(self, **values: str) -> None:
        """Show values behind the bar."""
        if not self._bar.disable:
            self._bar.set_postfix(values, refresh=False)

    def say(self, line: str) -> None:
        """Print a line on stdout, above the bar; a bar that is not shown says nothing."""
        if self._shown:
            self._bar.delay = 0  # writing draws the bar again
            with tqdm.external_write_mode(file=sys.stdout):
                print(line, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._bar.close()
        if self._printed > self._started and error is None:
            self._print_line()  # lines were printed, so the last one says how it ended

    def _draw(self) -> None:
        if not self._bar.disable:
            self._bar.delay = 0  # with a delay, tqdm would not end the line of a bar that it never drew itself
            self._bar.refresh()

    def _print_line(self) -> None:
        now = time.monotonic()
        line = tqdm.format_meter(
            self._done,
            self._total,
            now - self._started,
            prefix=self._doing,
            unit=self._unit,
            initial=self._first,
            ncols=0,
        )
        print(line, file=sys.stderr, flush=True)
        self._printed = now


def track(
    items: Iterable[_Item], doing: str, *, total: int | None = None, unit: str = "item", shown: bool = True
) -> Iterator[_Item]:
    """The items one by one, with a bar of how many have been taken."""
    with ProgressBar(doing, total=total, unit=unit, shown=shown) as bar:
        for item in items:
            yield item
            bar.update()
