"""Where the page is served: every place that cannot be is one sentence, and proxies do not come between."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from gradio_client import Client
from serving import Server, free_port, run, serve

from algcn.kit.errors import InputError
from app.kit.serving import place, spare_proxies, starting

NOBODY = "http://127.0.0.1:9"


@pytest.mark.parametrize("port", ["web", "", "0", "-1", "65536", "7860.5", "²"])
def test_what_is_no_port_is_said(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_SERVER_PORT", port)
    with pytest.raises(InputError, match=r"^GRADIO_SERVER_PORT must be a number from 1 to 65535, 7860 for instance"):
        place()


@pytest.mark.parametrize("name", ["no.such.host.invalid", "192.0.2.1", "::1", "[::1]", "http://127.0.0.1", "a" * 300])
def test_what_is_no_address_of_this_machine_is_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_SERVER_NAME", name)
    monkeypatch.delenv("GRADIO_SERVER_PORT", raising=False)
    with pytest.raises(InputError, match="set GRADIO_SERVER_NAME to an IPv4 address of this machine") as told:
        place()
    assert repr(name) in str(told.value)


def test_a_port_that_is_taken_is_said_and_one_that_is_not_named_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setenv("GRADIO_SERVER_PORT", str(taken))
        with pytest.raises(InputError, match=f"^The port {taken} is taken; set GRADIO_SERVER_PORT to a free one"):
            place()
    assert place() == ("127.0.0.1", taken)
    monkeypatch.delenv("GRADIO_SERVER_PORT")
    assert place() == ("127.0.0.1", None)


def test_proxies_stay_for_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    spare_proxies("127.0.0.1")
    assert "no_proxy" not in os.environ, "without a proxy nothing is changed"
    monkeypatch.setenv("http_proxy", NOBODY)
    monkeypatch.setenv("no_proxy", "example.org")
    spare_proxies("10.0.0.7")
    assert os.environ["no_proxy"] == "example.org,localhost,127.0.0.1,10.0.0.7"
    assert os.environ["http_proxy"] == NOBODY


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError("Cannot find empty port\nin range: 1-1."), "Cannot find empty port in range: 1-1"),
        (ValueError("When localhost is not accessible, …"), "When localhost is not accessible, …"),
        (ImportError("no socksio"), "no socksio"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_whatever_goes_wrong_at_the_start_is_a_sentence(error: Exception, reason: str) -> None:
    with pytest.raises(InputError) as told, starting():
        raise error
    assert str(told.value).startswith(f"The page cannot be served ({reason}); look at GRADIO_SERVER_NAME")
    with pytest.raises(InputError, match=r"^a sentence of our own$"), starting():
        raise InputError("a sentence of our own")


def test_a_page_behind_a_proxy_is_reached_all_the_same(
    tmp_path: Path, tiny_bundle_dir: Path, tiny_gallery_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"), NOBODY)
    arguments = ("--bundle", tiny_bundle_dir, "--gallery", tiny_gallery_dir)
    with serve(tmp_path / "home", arguments, **proxies) as server:
        assert Client(server.url, verbose=False).predict("a dog", api_name="/search_by_text")["images"]


@pytest.mark.parametrize(
    "variables",
    [{"ALL_PROXY": "socks5://127.0.0.1:9"}, {"GRADIO_NUM_PORTS": "many"}, {"SSL_CERT_FILE": "/no/such/file"}],
    ids=lambda variables: next(iter(variables)),
)
def test_what_the_libraries_refuse_ends_the_program_with_a_sentence(
    variables: dict[str, str], tmp_path: Path, tiny_bundle_dir: Path, tiny_gallery_dir: Path
) -> None:
    done = run(
        tmp_path,
        *("--bundle", tiny_bundle_dir, "--gallery", tiny_gallery_dir),
        GRADIO_SERVER_PORT=str(free_port()),
        **variables,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: The page cannot be served (")


def test_a_taken_port_ends_the_program_with_a_sentence(tiny_server: Server, tmp_path: Path) -> None:
    done = run(tmp_path, GRADIO_SERVER_PORT=tiny_server.url.rpartition(":")[2])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: The port ") and "is taken" in done.stderr
