"""The page served by the test's own process, so that a test can hold up a part of it, and look inside."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.interface import build, launch
from app.program import Program
from app.service import RetrievalService
from app.visitors.loading import Loading


@contextlib.contextmanager
def serve_here(service: RetrievalService, folder: Path) -> Iterator[tuple[str, Program]]:
    """Serve a page on a free port of loopback; gives its address and what all its visitors share."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    uploads = folder / "uploads"
    uploads.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_SERVER_PORT", str(port))
        patch.setenv("GRADIO_TEMP_DIR", str(uploads))
        program = Program(Loading(lambda report: service), uploads, folder / "cache")
        page = build(program)
        try:
            yield launch(page, program), program
        finally:
            page.close(verbose=False)
