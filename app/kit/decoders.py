"""Decode the pictures of strangers in processes of their own, which have little memory and little time.

Notable: a picture of a kilobyte can ask a decoder for gigabytes or for minutes, and holds Python's lock meanwhile. Here
it costs a small process that is killed at its limit and replaced; the page only ever receives a bounded number of
pixels. Processes start with the first picture (or `warm`) and are used again. They hold nothing between two pictures,
so all programs of a process share them.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
from multiprocessing.connection import Connection
from pathlib import Path

from PIL import Image

from algcn.kit import images
from algcn.kit.errors import InputError
from algcn.kit.memory import limit_address_space

PROCESSES = 2
SECONDS = 10.0  # for one picture; a camera's needs a quarter of one
WAIT_SECONDS = 30.0  # for a process that is free
MEMORY = 1_500_000_000  # bytes of address space, beyond what a process has when it starts
NICENESS = 5  # answers to others come first
# A larger picture is made smaller by a whole number, as long as so many pixels stay: encoders take far fewer. The
# pocket encoder's features of 30 photos of 12 megapixels had a cosine of at least .9994 with those of all pixels.
KEPT_PIXELS = 3_000_000


class Decoders:
    """A few processes that decode pictures, one picture at a time each.

    Args:
        processes: How many there are.
        seconds: How long one picture may take.
        memory: Bytes of address space that one picture may take.
    """

    def __init__(self, processes: int = PROCESSES, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self._seconds, self._memory = seconds, memory
        self._free: queue.LifoQueue[_Process | None] = queue.LifoQueue()  # the last one used is the warmest
        for _ in range(processes):
            self._free.put(None)

    def open_image(self, source: str | Path | bytes, name: str | None = None) -> Image.Image:
        """Read one picture as upright 8-bit RGB, as `algcn.kit.images.open_image` does, smaller where it is large.

        Args:
            source: A path, or the bytes of a file.
            name: What to call the picture in an error; the file's name by default.

        Raises:
            InputError: As there; or the picture takes more memory or time than one may, or too many others wait.
        """
        try:
            process = self._free.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            raise InputError("Too many pictures wait to be read; try again in a minute.") from None
        what = f"The file {name or (Path(source).name if isinstance(source, (str, Path)) else '')}".rstrip()
        try:
            process, image, problem = self._ask(process, source, name, what)
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

    def warm(self) -> None:
        """Start a process now, so that the first picture does not wait for it."""
        with contextlib.suppress(queue.Empty):
            process = self._free.get_nowait()
            self._free.put(process or _Process(self._memory))

    def close(self) -> None:
        """End the processes; a picture that is being decoded is waited for."""
        for _ in range(self._free.qsize()):
            self._free.put(_ended(self._free.get()))

    def _ask(
        self, process: _Process | None, source: str | Path | bytes, name: str | None, what: str
    ) -> tuple[_Process | None, Image.Image | None, str]:
        """Have a picture decoded; returns the process if it can go on, the picture or the reason why there is none."""
        if process is None or not process.is_alive():
            process = _Process(self._memory)
        try:
            answer = process.ask(source, name, self._seconds)
        except TimeoutError:
            reason = f"{what} takes longer than {self._seconds:g} seconds to decode. Save it again as JPEG or PNG."
            return _ended(process), None, reason
        except (EOFError, OSError):  # it was killed, by its own limits or by the system
            reason = f"{what} takes more memory or time to decode than a picture may. Save it again as JPEG or PNG."
            return _ended(process), None, reason
        if isinstance(answer, Image.Image):
            return process, answer, ""
        return process, None, answer


class _Process:
    """A process that decodes, and the way to it."""

    def __init__(self, memory: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, memory), name="decoder", daemon=True)
        self._process.start()
        theirs.close()
        self._is_new = True

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def ask(self, source: str | Path | bytes, name: str | None, seconds: float) -> Image.Image | str:
        """Return the picture, or the sentence that says why there is none.

        Raises:
            TimeoutError: It takes too long.
            EOFError, OSError: The process ended.
        """
        self._connection.send((source, name))
        if not self._connection.poll(seconds + (START_SECONDS if self._is_new else 0)):
            raise TimeoutError
        self._is_new = False
        size, problem = self._connection.recv()
        if size is None:
            return problem
        return Image.frombuffer("RGB", size, self._connection.recv_bytes(), "raw", "RGB", 0, 1)

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()


START_SECONDS = 20.0  # for Python and Pillow to be loaded, on a machine that is busy


def _ended(process: _Process | None) -> None:
    if process is not None:
        process.end()


def _work(connection: Connection, memory: int) -> None:
    """Decode each picture that is asked for, until none comes any more; this is what a process runs."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    limit_address_space(memory)
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            source, name = connection.recv()
            pixels = b""
            try:
                image = _bounded(images.open_image(source, name))
                pixels, answer = image.tobytes(), (image.size, None)
            except InputError as error:
                answer = None, str(error)
            connection.send(answer)
            if pixels:
                connection.send_bytes(pixels)


def _bounded(image: Image.Image) -> Image.Image:
    factor = max(1, int((image.width * image.height / KEPT_PIXELS) ** 0.5))
    return image.reduce(factor) if factor > 1 else image


_DECODERS = Decoders()
open_image, warm = _DECODERS.open_image, _DECODERS.warm
