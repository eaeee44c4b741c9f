"""Where the page is served: what the environment says of it is checked before anything heavy is imported.

Notable: gradio asks itself over HTTP whether it is up. Where a proxy is set for all addresses, that question must not
go to the proxy, which knows nothing of a page on this machine.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import urllib.request
from collections.abc import Iterator

from algcn.kit.errors import InputError

NAME, PORT = "GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT"
LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"
MAX_PORT = 65535


def place() -> tuple[str, int | None]:
    """Return the address and the port that the environment names for the page; without a port gradio finds one.

    Raises:
        InputError: Nothing can be served there.
    """
    name, port = os.environ.get(NAME) or LOOPBACK, os.environ.get(PORT)
    if port is not None and not (port.isdecimal() and 0 < int(port) <= MAX_PORT):
        raise InputError(f"{PORT} must be a number from 1 to {MAX_PORT}, 7860 for instance, not {port!r}.")
    number = None if port is None else int(port)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gradio asks
        try:
            probe.bind((name, number or 0))
        except OSError as error:
            raise InputError(_refused(name, number, error)) from None
        except UnicodeError:  # a name that no address can have
            raise InputError(_no_address(name, "no name")) from None
    return name, number


def spare_proxies(name: str) -> None:
    """Have no proxy asked for what is on this machine, as the page is; `name` is where it is served."""
    proxies = urllib.request.getproxies_environment()
    excepted = proxies.pop("no", "")
    if proxies:
        local = ["localhost", LOOPBACK, *([] if name in (LOOPBACK, EVERYWHERE) else [name])]
        os.environ["no_proxy"] = ",".join(filter(None, [excepted, *local]))


@contextlib.contextmanager
def starting() -> Iterator[None]:
    """Say in a sentence why the page cannot be served, whatever the libraries raise within the block.

    Raises:
        InputError: The block raised something.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise InputError(
            f"The page cannot be served ({reason}); look at {NAME}, {PORT} and the other variables of that kind, and "
            f"at those of proxies: {LOOPBACK} must be reached without one."
        ) from error


def _refused(name: str, port: int | None, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"The port {port} is taken; set {PORT} to a free one, or leave it out to have one found."
    if error.errno == errno.EACCES:
        return f"The port {port} is kept for the administrator; set {PORT} to one from 1024 on."
    return _no_address(name, error.strerror or str(error))


def _no_address(name: str, reason: str) -> str:
    return (
        f"The page cannot be served at {name!r} ({reason}); set {NAME} to an IPv4 address of this machine: {LOOPBACK} "
        f"for this machine alone, {EVERYWHERE} for others too."
    )
