"""Decode the pictures of strangers in processes of their own, which have little memory and little time.

Notable: a picture of a kilobyte can ask a decoder for gigabytes or for minutes, and holds Python's lock meanwhile. Here
it costs a small process that is killed at its limit and replaced; the page only ever receives a bounded number of
pixels. Processes start with the first picture (or `warm`) and are used again, until they keep too much of what they
have read. They know nothing of who asks, so all programs of a process share them.
"""

from __future__ import annotations

import contextlib
import json
import math
import multiprocessing
import os
import queue
import signal
import threading
import warnings
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from PIL import AvifImagePlugin, Image

from algcn.kit import images
from algcn.kit.errors import InputError
from algcn.kit.memory import address_space, keep_large_buffers, limit_address_space, release_free_memory
from algcn.kit.resizing import Resizing

PROCESSES = 2
SECONDS = 10.0  # for one picture; a camera's needs a quarter of one, 64 million pixels two or three
WAIT_SECONDS = 30.0  # for a process that is free
MEMORY = 1_500_000_000  # bytes of address space, beyond what a process has when it starts
# What C libraries and caches of profiles may keep of pictures; a new process has more room then than an old one.
KEPT = 500_000_000
NICENESS = 5  # answers to others come first
# A larger picture is made smaller by a whole number, as long as so many pixels stay: encoders take far fewer. The
# pocket encoder's features of 30 photos of 12 megapixels had a cosine of at least .9994 with those of all pixels.
KEPT_PIXELS = 3_000_000
START_SECONDS = 20.0  # for Python and Pillow to be loaded, on a machine that is busy
ALARM_SECONDS = 2  # after the time for a picture, a process ends itself, for nobody may be left to end it
FREED_FROM = 100_000_000  # bytes that a picture left behind; what is free of them goes back to the system
THREADS = 4  # of a decoder that has threads: each takes address space, and some take as many as there are cores
_NO_ANSWER = (EOFError, OSError, ValueError, TypeError)
_MAX_ANSWER = 1 << 20
_MAX_PIXEL_BYTES = 3 * 4 * KEPT_PIXELS + 1


class _Limits(NamedTuple):
    seconds: float
    memory: int
    kept: int


class _Request(NamedTuple):
    source: str | Path | bytes
    name: str | None
    resizing: Resizing | None


class Decoders:
    """A few processes that decode pictures, one picture at a time each.

    Args:
        processes: How many there are.
        seconds: How long one picture may take.
        memory: Bytes of address space that one picture may take.
        kept: Bytes of it that a process may keep; one that keeps more is replaced.
    """

    def __init__(
        self, processes: int = PROCESSES, seconds: float = SECONDS, memory: int = MEMORY, kept: int = KEPT
    ) -> None:
        self._limits = _Limits(seconds, memory, kept)
        self._free: queue.LifoQueue[_Process | None] = queue.LifoQueue()  # the last one used is the warmest
        for _ in range(processes):
            self._free.put(None)

    def open_image(
        self, source: str | Path | bytes, name: str | None = None, resizing: Resizing | None = None
    ) -> Image.Image:
        """Read one picture as upright 8-bit RGB, as `algcn.kit.images.open_image` does, smaller where it is large.

        Args:
            source: A path, or the bytes of a file.
            name: What to call the picture in an error; the file's name by default.
            resizing: The first step of the encoder that reads the picture; then only so many pixels are handed over.

        Raises:
            InputError: As there; or the picture takes more memory or time than one may, or too many others wait.
        """
        try:
            process = self._free.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            raise InputError("Too many pictures wait to be read; try again in a minute.") from None
        what = f"The file {name or (Path(source).name if isinstance(source, (str, Path)) else '')}".rstrip()
        try:
            process, image, problem = self._ask(process, _Request(source, name, resizing), what)
        except BaseException:
            self._free.put(_ended(process))
            raise
        self._free.put(process)
        if image is None:
            raise InputError(problem)
        return image

    def free(self) -> int:
        """Return how many more pictures could be decoded at this moment."""
        return self._free.qsize()

    def processes(self) -> list[int]:
        """Return the numbers by which the system knows the processes that are there and free."""
        with self._free.mutex:
            return [process.number for process in self._free.queue if process is not None]

    def warm(self) -> None:
        """Start a process now, so that the first picture does not wait for it."""
        with contextlib.suppress(queue.Empty, OSError):
            process = self._free.get_nowait()
            try:
                process = process or _Process(self._limits)
            finally:
                self._free.put(process)

    def close(self) -> None:
        """End the processes; a picture that is being decoded is waited for."""
        for _ in range(self._free.qsize()):
            self._free.put(_ended(self._free.get()))

    def _ask(
        self, process: _Process | None, request: _Request, what: str
    ) -> tuple[_Process | None, Image.Image | None, str]:
        """Have a picture decoded; returns the process if it can go on, the picture or the reason why there is none."""
        try:
            if process is None or not process.is_alive():
                process = _ended(process) or _Process(self._limits)
            process.wait_until_ready()
        except (EOFError, OSError):  # the system has no more processes, memory or time
            reason = "No picture can be read at this moment, for the machine is too busy; try again in a minute."
            return _ended(process), None, reason
        try:
            answer = process.ask(request)
        except TimeoutError:
            reason = (
                f"{what} takes longer than {self._limits.seconds:g} seconds to decode. Save it again as JPEG or PNG."
            )
            return _ended(process), None, reason
        except _NO_ANSWER:  # it was killed, by its own limits or by the system
            reason = f"{what} takes more memory or time to decode than a picture may. Save it again as JPEG or PNG."
            return _ended(process), None, reason
        if not process.goes_on:
            process = _ended(process)
        if isinstance(answer, Image.Image):
            return process, answer, ""
        return process, None, answer


class _Process:
    """A process that decodes, and the way to it.

    What comes back over it is JSON and pixels, never a pickle: the process may be in the hands of a picture.

    Attributes:
        goes_on: It can be asked for one more picture.
    """

    def __init__(self, limits: _Limits) -> None:
        context = multiprocessing.get_context("spawn")
        self._seconds = limits.seconds
        self._connection, theirs = context.Pipe()
        try:
            self._process = context.Process(target=_work, args=(theirs, limits), name="decoder", daemon=True)
            self._process.start()
        except BaseException:
            self._connection.close()
            raise
        finally:
            theirs.close()
        self.goes_on = True
        self._is_ready = False

    @property
    def number(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def wait_until_ready(self) -> None:
        """Return when a new process has loaded what it needs, which is not counted as a picture's time.

        Raises:
            TimeoutError, EOFError, OSError: It does not start.
        """
        if not self._is_ready:
            with self._limited_to(START_SECONDS):
                self._connection.recv_bytes(_MAX_ANSWER)
            self._is_ready = True

    def ask(self, request: _Request) -> Image.Image | str:
        """Return the picture, or the sentence that says why there is none.

        Raises:
            TimeoutError: It takes too long.
            EOFError, OSError, ValueError, TypeError: The process ended, or says what makes no sense.
        """
        with self._limited_to(self._seconds):
            self._connection.send(request)
            size, problem, self.goes_on = json.loads(self._connection.recv_bytes(_MAX_ANSWER))
            pixels = b"" if size is None else self._connection.recv_bytes(_MAX_PIXEL_BYTES)
        return problem if size is None else Image.frombuffer("RGB", size, pixels, "raw", "RGB", 0, 1)

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()

    @contextlib.contextmanager
    def _limited_to(self, seconds: float) -> Iterator[None]:
        """Kill the process after so many seconds, wherever it and the way to it stand; that is a `TimeoutError`."""
        lock = threading.Lock()
        is_over = is_late = False

        def stop() -> None:
            nonlocal is_late
            with lock:
                if not is_over:
                    is_late = True
                    self._process.kill()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError as error:  # there are too many threads
            raise OSError(str(error)) from None
        try:
            yield
        except (EOFError, OSError):
            if is_late:
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()
            with lock:
                is_over = True
                self.goes_on = self.goes_on and not is_late


def _ended(process: _Process | None) -> None:
    if process is not None:
        process.end()


def _work(connection: Connection, limits: _Limits) -> None:
    """Decode each picture that is asked for, until none comes any more; this is what a process runs."""
    _limit(limits.memory)
    start = address_space()
    with contextlib.suppress(EOFError, OSError, MemoryError):
        connection.send_bytes(b"")
        while True:
            source, name, resizing = connection.recv()
            _alarm(math.ceil(limits.seconds) + ALARM_SECONDS)
            size, problem, pixels = None, None, b""
            try:
                image = _small(images.open_image(source, name), resizing)
                size, pixels = image.size, image.tobytes()
                del image
            except InputError as error:
                problem = str(error)
            _alarm(0)
            most = start + len(pixels)
            if address_space() > most + FREED_FROM:
                release_free_memory()
            goes_on = address_space() < most + limits.kept
            connection.send_bytes(json.dumps([size, problem, goes_on]).encode())
            if pixels:
                connection.send_bytes(pixels)
            del source, pixels


def _limit(memory: int) -> None:
    """Let this process have little, and keep what pictures say about themselves out of the log."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal; the page decides when it ends
    warnings.simplefilter("ignore")
    AvifImagePlugin.DEFAULT_MAX_THREADS = THREADS
    keep_large_buffers()  # else every photo's pages come from the system anew, which takes as long as decoding it
    limit_address_space(memory)


def _alarm(seconds: int) -> None:
    if hasattr(signal, "alarm"):  # everywhere but on Windows
        signal.alarm(seconds)


def _small(image: Image.Image, resizing: Resizing | None) -> Image.Image:
    factor = max(1, int((image.width * image.height / KEPT_PIXELS) ** 0.5))
    image = image.reduce(factor) if factor > 1 else image
    if resizing is None or math.prod(resizing.size(*image.size)) > KEPT_PIXELS:
        return image
    return resizing.resized(image)


_DECODERS = Decoders()
open_image, warm = _DECODERS.open_image, _DECODERS.warm
