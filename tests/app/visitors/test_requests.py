"""Bodies are bounded whatever their header says, and an upload that is refused or broken off leaves no file."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from serving import Server
from starlette.middleware import Middleware

from app.visitors.requests import Requests

FULL = "The server's disk is nearly full; try again later."
LIMIT = 1 << 20


@contextlib.contextmanager
def page(folder: Path, monkeypatch: pytest.MonkeyPatch, **limits: object) -> Iterator[tuple[int, Path]]:
    """A running page of gradio's with the limits; its port and its folder of uploads."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder / "uploads"))
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.File()
    values = {"free_bytes": lambda: 1 << 40, "upload_bytes": LIMIT, "request_bytes": LIMIT, **limits}
    try:
        blocks.launch(prevent_thread_lock=True, quiet=True, app_kwargs={"middleware": [Middleware(Requests, **values)]})
        yield blocks.server_port, folder / "uploads"
    finally:
        blocks.close(verbose=False)


def form(size: int) -> bytes:
    head = b'--xx\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    return head + bytes(size) + b"\r\n--xx--\r\n"


def send(port: int, path: str, body: bytes, kind: str, *, chunked: bool = False) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    pieces = (body[start : start + 65536] for start in range(0, len(body), 65536))
    headers = {"Content-Type": kind}
    try:
        connection.request("POST", path, pieces if chunked else body, headers, encode_chunked=chunked)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def upload(port: int, size: int, *, chunked: bool = False) -> tuple[int, str]:
    return send(port, "/gradio_api/upload", form(size), "multipart/form-data; boundary=xx", chunked=chunked)


def kept(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def nothing_is_kept(folder: Path) -> bool:
    """Whether there is no file, or none soon: the server notices a hang-up after its client."""
    deadline = time.monotonic() + 10
    while kept(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not kept(folder)


@pytest.mark.parametrize("chunked", [False, True])
def test_uploads_within_the_bounds_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunked: bool) -> None:
    with page(tmp_path, monkeypatch) as (port, uploads):
        assert upload(port, 1000, chunked=chunked)[0] == 200
        (file,) = kept(uploads)
        assert file.read_bytes() == bytes(1000)


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_that_is_too_large_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunked: bool
) -> None:
    with page(tmp_path, monkeypatch) as (port, uploads):
        answer = upload(port, 3 * LIMIT, chunked=chunked)
        assert answer == (413, "The upload is too large; send at most 1 MB at once.")
        assert nothing_is_kept(uploads)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_disk_that_is_nearly_full_takes_no_upload_but_answers_all_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunked: bool
) -> None:
    with page(tmp_path, monkeypatch, free_bytes=lambda: 500, min_free=1000) as (port, uploads):
        assert upload(port, 1000, chunked=chunked) == (507, FULL)
        assert nothing_is_kept(uploads)
        assert send(port, "/gradio_api/queue/join", b"{", "application/json")[0] == 422


def test_what_is_announced_must_fit_beside_what_stays_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with page(tmp_path, monkeypatch, free_bytes=lambda: 51_000, min_free=1000) as (port, _):
        assert upload(port, 10_000)[0] == 200
        assert upload(port, 60_000) == (507, FULL)


def test_an_upload_stops_when_the_disk_fills_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter((1 << 40, 1 << 40, 0, 0, 0, 0))
    monkeypatch.setattr("app.visitors.requests.LOOK_BYTES", 100_000)
    with page(tmp_path, monkeypatch, free_bytes=lambda: next(looks)) as (port, uploads):
        assert upload(port, LIMIT // 2) == (507, FULL)
        assert nothing_is_kept(uploads)


@pytest.mark.parametrize("chunked", [False, True])
def test_any_other_body_is_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunked: bool) -> None:
    with page(tmp_path, monkeypatch, request_bytes=1000) as (port, _):
        body = b'{"data": ["%s"]}' % (b"x" * 100_000)
        for path in ("/gradio_api/queue/join", "/gradio_api/run/predict", "/gradio_api/component_server"):
            answer = send(port, path, body, "application/json", chunked=chunked)
            assert answer == (413, "The request is too large; send at most 0.000953674 MB at once."), path


def test_gradios_route_for_recordings_writes_nothing(tiny_server: Server) -> None:
    body = form(1000).replace(b'"files"', b'"video"')
    port = int(tiny_server.url.rpartition(":")[2])
    answer = send(port, "/gradio_api/process_recording", body, "multipart/form-data; boundary=xx")
    assert answer == (404, "This page takes no recordings.")


def test_an_upload_that_breaks_off_leaves_nothing(tiny_server: Server) -> None:
    port = int(tiny_server.url.rpartition(":")[2])
    uploads = tiny_server.home / "cache" / "uploads"
    before = set(uploads.rglob("*"))
    head = (
        "POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=xx\r\n"
        "Content-Length: 9000000\r\n\r\n"
    )
    output = len(tiny_server.output)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode() + form(4_000_000).removesuffix(b"\r\n--xx--\r\n"))
        deadline = time.monotonic() + 20
        while not (found := set(uploads.rglob("*")) - before) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert found, "the upload is being written"
    deadline = time.monotonic() + 20
    while (left := set(uploads.rglob("*")) - before) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left
    assert "Traceback" not in tiny_server.output[output:]


def test_many_that_hang_up_at_once_are_cleaned_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang_up(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            head = "POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=xx\r\n"
            connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n10000\r\n".encode() + form(65000))
            time.sleep(0.2)

    with page(tmp_path, monkeypatch) as (port, uploads):
        threads = [threading.Thread(target=hang_up, args=(port,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert nothing_is_kept(uploads)
        assert upload(port, 1000)[0] == 200
