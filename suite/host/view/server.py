"""The server: on this machine's own address alone, under a token that nobody can guess."""

import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn

from suite.errors import SuiteError
from suite.host.report.runs import Describe
from suite.host.view.application import application

ADDRESS = "127.0.0.1"


def serve(root: Path, describe: Describe, port: int, ready: Callable[[str], None]) -> None:
    """Serves the runs below a root until Ctrl-C.

    Args:
        port: 0 for one that is free.
        ready: is told the address, once it can be opened.

    Raises SuiteError where the port is taken.
    """
    with listening(port) as listener:
        server, address = server_of(root, describe, listener)
        ready(address)
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


def server_of(root: Path, describe: Describe, listener: socket.socket) -> tuple[uvicorn.Server, str]:
    """A server for a socket, and the address of its first page."""
    token, port = secrets.token_urlsafe(24), listener.getsockname()[1]
    app = application(root, describe, token, (f"{ADDRESS}:{port}", f"localhost:{port}"))
    config = uvicorn.Config(
        app, http="h11", ws="none", loop="asyncio", lifespan="off", log_level="warning", access_log=False,
        server_header=False, timeout_graceful_shutdown=2,
    )  # fmt: skip
    return uvicorn.Server(config), f"http://{ADDRESS}:{port}/{token}/"


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """A socket that listens on this machine's own address. Raises SuiteError where the port is taken."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ADDRESS, port))
        except OSError as error:
            raise SuiteError(f"cannot listen on port {port}: {error.strerror}", "choose another with --port") from error
        listener.listen()
        yield listener
