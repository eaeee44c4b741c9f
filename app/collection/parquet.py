"""Rewrite Parquet tables that strangers hand in, in a process of its own.

Notable: a Parquet file of a few kilobytes can claim to be gigabytes, and a damaged one can end the process that reads
it. So another process reads it, with limits on its time and memory, and writes what it found anew, as long as that is
not much; only this is read by the server.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from algcn.kit.errors import InputError
from algcn.kit.files import replacing
from app.kit.limits import MAX_COLUMNS, MAX_ROWS

MAX_UNPACKED_BYTES = 32 << 20
CPU_SECONDS, WALL_SECONDS, MEMORY_BYTES = 20, 60, 4 << 30
BATCH_ROWS = 4096
TOO_LARGE, TOO_MANY = 3, 4
PROGRAM = "import sys; from app.collection.parquet import rewrite; rewrite(sys.argv[1:])"


def tame(tables: Mapping[Path, str]) -> None:
    """Rewrite tables in place, so that they can be read without danger.

    Args:
        tables: The files, and what each is called in a sentence.

    Raises:
        InputError: One of them cannot be read, or they hold too much.
    """
    if not tables:
        return
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", PROGRAM, *map(str, tables)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            done, _ = process.communicate(timeout=WALL_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            done, _ = process.communicate()
    if process.returncode == 0:
        return
    name = list(tables.values())[min(done.count(b"\n"), len(tables) - 1)]
    if process.returncode == TOO_LARGE:
        limit = MAX_UNPACKED_BYTES >> 20
        raise InputError(f"The file {name} holds more than {limit} MB once it is unpacked; leave rows or columns out.")
    if process.returncode == TOO_MANY:
        raise InputError(
            f"The file {name} has more than {MAX_ROWS:,} rows or {MAX_COLUMNS:,} columns; leave rows or columns out."
        )
    raise InputError(f"The file {name} is not a Parquet file that can be read; save the table as metadata.csv.")


def rewrite(files: list[str]) -> None:
    """Rewrite tables in place, in the process made for it; a line is printed after each."""
    with contextlib.suppress(ImportError):  # Windows has no such limits; that on the time is kept by whoever waits
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    from pyarrow import parquet

    size = rows = 0
    for file in files:
        with (
            parquet.ParquetFile(file) as table,
            replacing(file) as aside,
            parquet.ParquetWriter(aside, table.schema_arrow) as writer,
        ):
            if len(table.schema_arrow.names) > MAX_COLUMNS:
                sys.exit(TOO_MANY)
            for batch in table.iter_batches(BATCH_ROWS):
                size += batch.nbytes
                rows += batch.num_rows
                if rows > MAX_ROWS:
                    sys.exit(TOO_MANY)
                if size > MAX_UNPACKED_BYTES:
                    sys.exit(TOO_LARGE)
                writer.write_batch(batch)
        print("done", flush=True)
