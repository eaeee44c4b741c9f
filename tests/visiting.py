"""A visit to the page without a browser: the requests that the page's own script sends, for crowds of visitors.

Notable: as the page does, a visit holds a heartbeat open, knows events by the element that they belong to, keeps what
its components show, and hears the answers of a session in one stream for each event.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 300.0  # seconds for one answer
PREFIX = "/gradio_api"


class Failed(Exception):
    """The server did not answer as it should: a status, a stream that broke off."""


class Refused(Exception):
    """The server answered with a sentence instead of what was asked for."""


class Visit:
    """A visitor with the page open; use it as a context manager.

    Args:
        url: Where the page is.

    Attributes:
        session: The name of the session.
        shown: What each element shows, by its id in the page.
        heard: All that the server said of the last event, as it was sent.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname, parts.port
        self.session = secrets.token_hex(6)
        self.heard = ""
        config = json.loads(self.get("/config"))
        self._ids = {part["id"]: part["props"].get("elem_id") for part in config["components"]}
        self._states = {part["id"] for part in config["components"] if part["type"] == "state"}
        self._events = {
            (self._ids.get(target, target), event): dependency
            for dependency in config["dependencies"]
            for target, event in dependency["targets"]
            if dependency["backend_fn"]
        }
        self._named = {dependency["api_name"]: dependency for dependency in config["dependencies"]}
        self._values = {part["id"]: part["props"].get("value") for part in config["components"]}

    def __enter__(self) -> Visit:
        # Nobody reads it: it says ALIVE now and then, and is there until the page is closed.
        self._heartbeat = http.client.HTTPConnection(self._host, self._port, timeout=PATIENCE)
        self._heartbeat.request("GET", f"{PREFIX}/heartbeat/{self.session}")
        return self

    def __exit__(self, *_: object) -> None:
        self._heartbeat.close()

    @property
    def shown(self) -> dict[str, Any]:
        return {name: self._values[number] for number, name in self._ids.items() if name}

    def put(self, element: str, value: Any) -> None:
        """Type or choose something."""
        (number,) = (number for number, name in self._ids.items() if name == element)
        self._values[number] = value

    def get(self, path: str) -> bytes:
        """Fetch something by its address.

        Raises:
            Failed: It is not there.
        """
        status, body = self._request("GET", path)
        if status != 200:
            raise Failed(f"status {status} for {path.split('?')[0]}: {body[:200]!r}")
        return body

    def upload(self, *files: Path) -> list[dict[str, Any]]:
        """Upload files, and return what events are told of them.

        Raises:
            Refused: They are not taken; the sentence says why.
        """
        boundary = secrets.token_hex(16)
        parts = []
        for file in files:
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{file.name}"\r\n\r\n'
            parts.append(head.encode() + file.read_bytes() + b"\r\n")
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        status, answer = self._request("POST", f"{PREFIX}/upload?upload_id={secrets.token_hex(5)}", body, kind)
        if status != 200:
            raise (Refused if 400 <= status < 500 or status == 507 else Failed)(f"status {status}: {answer[:300]!r}")
        meta = {"_type": "gradio.FileData"}
        return [
            {"path": path, "orig_name": file.name, "size": file.stat().st_size, "meta": meta}
            for path, file in zip(json.loads(answer), files, strict=True)
        ]

    def fire(self, element: str, event: str, sent: Any = None) -> dict[str, Any]:
        """Do something in the page, wait for all that it brings, and return what is shown then.

        Args:
            element: The id of the element, "" for the page itself.
            event: What is done with it: click, submit, select, …
            sent: What the page's own script sends with it.

        Raises:
            Refused: The server answers with a sentence.
            Failed: It does not answer as it should.
        """
        return self._run(self._events[element, event], sent)

    def open_page(self) -> dict[str, Any]:
        """Have the page filled for somebody who came."""
        return self._run(self._named["open_page"], None)

    def open_tab(self, name: str) -> dict[str, Any]:
        """Open a tab: all that belongs to it is asked for."""
        chosen = [d for d in self._named.values() if [self._number(f"tab-{name}"), "select"] in d["targets"]]
        heard = []
        for dependency in chosen:
            if dependency["backend_fn"]:
                self._run(dependency, None)
                heard.append(self.heard)
        self.heard = "".join(heard)
        return self.shown

    def _number(self, element: str) -> int:
        return next(number for number, name in self._ids.items() if name == element)

    def _run(self, dependency: dict[str, Any], sent: Any) -> dict[str, Any]:
        data = [None if number in self._states else self._values[number] for number in dependency["inputs"]]
        body = {
            "data": data,
            "event_data": sent,
            "fn_index": dependency["id"],
            "trigger_id": dependency["targets"][0][0] if dependency["targets"] else None,
            "session_hash": self.session,
        }
        if not dependency["queue"]:
            status, answer = self._request("POST", f"{PREFIX}/run/predict", json.dumps(body).encode())
            self.heard = answer.decode()
            if status != 200:
                raise Failed(f"status {status}: {self.heard[:300]}")
            self._take(dependency, json.loads(answer)["data"])
            return self.shown
        status, answer = self._request("POST", f"{PREFIX}/queue/join", json.dumps(body).encode())
        if status != 200:
            raise (Refused if status in (429, 503) else Failed)(f"status {status}: {answer[:300].decode()}")
        self._listen(dependency, json.loads(answer)["event_id"])
        return self.shown

    def _listen(self, dependency: dict[str, Any], event: str) -> None:
        """Take the messages of the session until the event is over."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=PATIENCE)
        heard: list[str] = []
        with contextlib.closing(connection):
            connection.request("GET", f"{PREFIX}/queue/data?session_hash={self.session}")
            response = connection.getresponse()
            if response.status != 200:
                raise Failed(f"status {response.status} of the stream")
            shown: list[Any] = []
            for line in response:
                if not line.startswith(b"data:"):
                    continue
                heard.append(line[5:].decode())
                message = json.loads(heard[-1])
                if message.get("event_id") not in (None, event):
                    continue
                if message["msg"] == "process_generating":
                    shown = self._grow(dependency, shown, message["output"]["data"])
                elif message["msg"] == "process_completed":
                    self.heard = "".join(heard)
                    self._finish(dependency, shown, message)
                    return
                elif message["msg"] == "unexpected_error":
                    raise Failed(str(message.get("message")))
        raise Failed("the stream ended without the answer")

    def _grow(self, dependency: dict[str, Any], shown: list[Any], data: list[Any]) -> list[Any]:
        """What is shown after one more message: the first is whole, the others say what changed."""
        from gradio_client.utils import apply_diff

        if shown:
            data = [apply_diff(before, change) for before, change in zip(shown, data, strict=True)]
        self._take(dependency, data)
        return data

    def _finish(self, dependency: dict[str, Any], shown: list[Any], message: dict[str, Any]) -> None:
        if not message["success"]:
            raise Refused(str(message["output"].get("error")))
        if not shown:  # a generator's last message repeats what was shown
            self._take(dependency, message["output"]["data"])

    def _take(self, dependency: dict[str, Any], data: list[Any]) -> None:
        for number, value in zip(dependency["outputs"], data, strict=True):
            if isinstance(value, dict) and value.get("__type__") == "update":
                if "value" not in value:
                    continue
                value = value["value"]
            self._values[number] = value

    def _request(
        self, method: str, path: str, body: bytes | None = None, kind: str = "application/json"
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Content-Type": kind} if body is not None else {})
            response = connection.getresponse()
            return response.status, response.read()
