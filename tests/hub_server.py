"""A small Hugging Face Hub on loopback: what huggingface_hub asks for when it reads and writes a repository.

Repositories live in memory. Faults are switched on by name: `truncated` and `altered` files, `endless` ones that go on
for 256 MB, `delay` before every answer, `pace` between the pieces of a file, `status` for every answer, and `stop()` /
`start()` for a Hub that is gone and back on the same port.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

LARGE_SUFFIXES = (".safetensors", ".webp", ".png", ".jpg")  # kept as LFS objects, named by their SHA-256
COMMIT_HEADER = "X-Repo-Commit"
PIECE_BYTES = 64 << 10


@dataclasses.dataclass
class Repository:
    """Commits in order, each the whole list of files."""

    commits: dict[str, dict[str, bytes]] = dataclasses.field(default_factory=dict)

    def commit(self, content: dict[str, bytes]) -> str:
        seed = json.dumps([len(self.commits), sorted((n, hashlib.sha256(d).hexdigest()) for n, d in content.items())])
        sha = hashlib.sha1(seed.encode(), usedforsecurity=False).hexdigest()
        self.commits[sha] = content
        return sha

    @property
    def head(self) -> str:
        return list(self.commits)[-1]

    def resolve(self, revision: str) -> str | None:
        return self.head if revision == "main" else revision if revision in self.commits else None


class HubServer:
    """The server; use it as a context manager."""

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.objects: dict[str, bytes] = {}  # LFS objects that were uploaded
        self.requests: list[str] = []
        self.unknown: list[str] = []
        self.with_token: list[str] = []  # requests that came with one
        self.truncated: set[str] = set()
        self.altered: set[str] = set()
        self.endless: set[str] = set()
        self.sent = 0  # bytes of endless files
        self.delay = 0.0
        self.pace = 0.0  # seconds
        self.status: int | None = None
        self.writable = True
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> HubServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def heal(self) -> None:
        """Switch every fault off."""
        self.truncated, self.altered, self.endless, self.sent = set(), set(), set(), 0
        self.delay, self.pace, self.status, self.writable = 0.0, 0.0, None, True

    def add(self, name: str, folder: Path, repo_type: str = "model") -> str:
        """A new commit with all files of `folder`; returns its hash."""
        content = {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
        return self.repositories.setdefault((repo_type, name), Repository()).commit(content)


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_GET

    def _answer(self) -> None:
        url = urlsplit(self.path)
        self.hub.requests.append(f"{self.command} {self.path}")
        if "Authorization" in self.headers:
            self.hub.with_token.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        time.sleep(self.hub.delay)
        if self.hub.status is not None:
            self._json({"error": "out of order"}, self.hub.status)
            return
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        if self.command == "PUT" and parts[0] == "upload":
            self.hub.objects[parts[1]] = body
            self._json({})
        elif parts[:1] == ["api"]:
            self._api(parts[1:], parse_qs(url.query), body)
        elif parts[-4:] == ["info", "lfs", "objects", "batch"]:
            self._lfs_batch(json.loads(body))
        elif "resolve" in parts:
            self._resolve(parts)
        else:
            self._no_such_address()

    def _api(self, parts: list[str], query: dict[str, list[str]], body: bytes) -> None:
        if parts == ["repos", "create"]:
            self._create(json.loads(body))
        elif parts == ["validate-yaml"]:
            self._json({"errors": [], "warnings": []})
        elif parts[0] in ("models", "datasets") and len(parts) >= 3:
            self._repository(parts[0].removesuffix("s"), "/".join(parts[1:3]), parts[3:], query, body)
        else:
            self._no_such_address()

    def _create(self, request: dict) -> None:
        if not self.hub.writable:
            self._json({"error": "Invalid username or password."}, 401)
            return
        name = "/".join(filter(None, (request.get("organization"), request["name"])))
        key = (request.get("type") or "model", name)
        known = key in self.hub.repositories
        if not known:
            self.hub.repositories[key] = Repository()
            self.hub.repositories[key].commit({".gitattributes": b"*.safetensors filter=lfs\n"})
        url = f"{self.hub.url}/{'datasets/' if key[0] == 'dataset' else ''}{name}"
        self._json({"url": url, "name": name, "id": "0"}, 409 if known else 200)

    def _repository(self, kind: str, name: str, rest: list[str], query: dict, body: bytes) -> None:
        repository = self.hub.repositories.get((kind, name))
        if repository is None:
            # As the Hub does: whoever is not logged in does not learn whether it is missing or private.
            self._json({"error": "Invalid username or password."}, 401, {"X-Error-Code": "RepoNotFound"})
            return
        revision = rest[1] if len(rest) > 1 else "main"
        sha = repository.resolve(revision)
        if sha is None:
            self._json({"error": "Invalid rev id"}, 404, {"X-Error-Code": "RevisionNotFound"})
            return
        content = repository.commits[sha]
        if not rest or rest[0] == "revision":
            siblings = [_sibling(path, data, "blobs" in query) for path, data in sorted(content.items())]
            self._json({"id": name, "sha": sha, "siblings": siblings, "tags": [], "private": False})
        elif rest[0] == "tree":
            self._json([_tree_entry(path, data) for path, data in sorted(content.items())])
        elif rest[0] in ("preupload", "commit") and not self.hub.writable:
            self._json({"error": "Forbidden"}, 403)
        elif rest[0] == "preupload":
            self._json({"files": [_upload_mode(file, content) for file in json.loads(body)["files"]]})
        elif rest[0] == "commit":
            self._commit(kind, name, repository, body)
        else:
            self._no_such_address()

    def _commit(self, kind: str, name: str, repository: Repository, body: bytes) -> None:
        content = dict(repository.commits[repository.head])
        for line in body.decode().splitlines():
            operation = json.loads(line)
            value = operation["value"]
            if operation["key"] == "file":
                content[value["path"]] = base64.b64decode(value["content"])
            elif operation["key"] == "lfsFile":
                content[value["path"]] = self.hub.objects[value["oid"]]
            elif operation["key"] == "deletedFile":
                content.pop(value["path"], None)
        sha = repository.commit(content)
        self._json({"success": True, "commitOid": sha, "commitUrl": f"{self.hub.url}/{name}/commit/{sha}"})

    def _lfs_batch(self, request: dict) -> None:
        objects = []
        for entry in request["objects"]:
            action = {"upload": {"href": f"{self.hub.url}/upload/{entry['oid']}", "header": {}}}
            known = {} if entry["oid"] in self.hub.objects else {"actions": action}
            objects.append({"oid": entry["oid"], "size": entry["size"], **known})
        self._json({"transfer": "basic", "objects": objects})

    def _resolve(self, parts: list[str]) -> None:
        kind = "dataset" if parts[0] == "datasets" else "model"
        at = parts.index("resolve")
        repository = self.hub.repositories.get((kind, "/".join(parts[at - 2 : at])))
        sha = repository.resolve(parts[at + 1]) if repository else None
        path = "/".join(parts[at + 2 :])
        if sha is None or path not in repository.commits[sha]:
            code = "RepoNotFound" if sha is None else "EntryNotFound"
            self._json({"error": "not found"}, 404, {"X-Error-Code": code})
            return
        data = repository.commits[sha][path]
        etag = _etag(path, data)
        if path in self.hub.altered:
            data = bytes(byte ^ 1 for byte in data)
        self.send_response(200)
        self.send_header("ETag", f'"{etag}"')
        self.send_header(COMMIT_HEADER, sha)
        is_endless = path in self.hub.endless and self.command == "GET"
        if not is_endless:
            self.send_header("Content-Length", str(len(data)))
        if path in self.hub.truncated:
            data = data[: len(data) // 2]
        self._end_headers()
        if self.command != "HEAD":
            self._write(data)
        if is_endless:
            self._go_on()

    def _write(self, data: bytes) -> None:
        if not self.hub.pace:
            self.wfile.write(data)
            return
        with contextlib.suppress(ConnectionError):  # the client hangs up
            for start in range(0, len(data), PIECE_BYTES):
                self.wfile.write(data[start : start + PIECE_BYTES])
                time.sleep(self.hub.pace)

    def _go_on(self) -> None:
        with contextlib.suppress(ConnectionError):  # the client hangs up
            for _ in range(256):
                self.wfile.write(bytes(1 << 20))
                self.hub.sent += 1 << 20

    def _end_headers(self) -> None:
        # One request for each connection: a stopped server is then gone for every client at once.
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()

    def _no_such_address(self) -> None:
        self.hub.unknown.append(f"{self.command} {self.path}")
        self._json({"error": "Sorry, we can't find the page you are looking for."}, 404)

    def _json(self, value: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self._end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _etag(path: str, data: bytes) -> str:
    return hashlib.sha256(data).hexdigest() if path.endswith(LARGE_SUFFIXES) else _git_hash(data)


def _lfs(path: str, data: bytes) -> dict:
    if not path.endswith(LARGE_SUFFIXES):
        return {}
    return {"lfs": {"oid": _etag(path, data), "sha256": _etag(path, data), "size": len(data), "pointerSize": 134}}


def _sibling(path: str, data: bytes, with_blobs: bool) -> dict:
    blob = {"size": len(data), "blobId": _git_hash(data), **_lfs(path, data)} if with_blobs else {}
    return {"rfilename": path, **blob}


def _tree_entry(path: str, data: bytes) -> dict:
    return {"type": "file", "path": path, "size": len(data), "oid": _git_hash(data), **_lfs(path, data)}


def _upload_mode(file: dict, content: dict[str, bytes]) -> dict:
    mode = "lfs" if file["path"].endswith(LARGE_SUFFIXES) else "regular"
    known = content.get(file["path"])
    oid = _etag(file["path"], known) if known is not None else None
    return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid}
