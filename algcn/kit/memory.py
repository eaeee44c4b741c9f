"""How much memory this process takes: large buffers that are kept for reuse, and a limit for what may be hostile."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable
from pathlib import Path

# Parameters of glibc's mallopt: number, value, and the names by which a user sets them from outside.
MALLOC_SETTINGS = (
    (-3, 32 << 20, ("MALLOC_MMAP_THRESHOLD_", "glibc.malloc.mmap_threshold")),
    (-1, 512 << 20, ("MALLOC_TRIM_THRESHOLD_", "glibc.malloc.trim_threshold")),
    (-8, 1, ("MALLOC_ARENA_MAX", "glibc.malloc.arena_max")),  # else every thread would keep memory of its own
)

_STATM = Path("/proc/self/statm")


def keep_large_buffers() -> None:
    """Make glibc keep the memory of activations and gradients for the whole process; a user's own settings stay.

    glibc gives a freed buffer of a few megabytes back to the kernel, and the next layer takes as much again, page by
    page, up to 5,000 for each picture and 11,000 for each step of training; that can take longer than the arithmetic
    (tests/benchmarks/encode_images.py). Other C libraries have other ways and are left alone.
    """
    mallopt = _of_glibc("mallopt")
    if mallopt is None:
        return
    for parameter, value, (variable, tunable) in MALLOC_SETTINGS:
        if variable not in os.environ and tunable not in os.environ.get("GLIBC_TUNABLES", ""):
            mallopt(parameter, value)


def release_free_memory() -> None:
    """Give memory that this process has freed back to the system, where the C library is glibc."""
    malloc_trim = _of_glibc("malloc_trim")
    if malloc_trim is not None:
        malloc_trim(0)


def _of_glibc(name: str) -> Callable[..., int] | None:
    try:
        os.confstr("CS_GNU_LIBC_VERSION")
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError, ValueError):
        return None


def limit_address_space(further: int) -> None:
    """Let this process take so many bytes of address space more than it has now, where the system knows limits.

    What goes beyond is a `MemoryError`. Elsewhere than on Linux nothing is limited: macOS keeps no such limit, and
    Windows has none.
    """
    if not _STATM.exists():
        return
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        limit = address_space() + further
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a picture that ends a process writes no file


def address_space() -> int:
    """Return how many bytes of address space this process has; 0 where the system does not say."""
    try:
        return int(_STATM.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
