"""`suite view` as it is typed: an address that opens, on this machine alone; what it says where it cannot serve."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

import suite
from suite.host.cli import main
from suite.host.view.server import ADDRESS, listening, server_of
from tests.report.conftest import MakeRun


@contextmanager
def served(root: Path) -> Iterator[str]:
    """The address of a server that runs within the block."""
    with listening(0) as listener:
        server, address = server_of(root, lambda _: None, listener)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join(10)


def test_the_address_opens_and_no_other(make_run: MakeRun, root: Path) -> None:
    run = make_run()
    with served(root) as address:
        with urlopen(address) as answer:
            assert run.path.name[:8] in answer.read().decode() and "server" not in answer.headers
        with urlopen(f"{address}run/{run.name}") as answer:
            assert "<h1>" in answer.read().decode()
        with pytest.raises(HTTPError, match="404"):
            urlopen(address[:-2])
        assert address.startswith(f"http://{ADDRESS}:") and len(address.split("/")[3]) >= 32


def test_every_server_has_a_token_of_its_own(root: Path) -> None:
    with listening(0) as listener:
        assert server_of(root, lambda _: None, listener)[1] != server_of(root, lambda _: None, listener)[1]
        assert listener.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_one_line(workplace: Path) -> None:
    with socket.socket() as taken:
        taken.bind((ADDRESS, 0))
        taken.listen()
        done = CliRunner().invoke(main, ["view", "--port", str(taken.getsockname()[1])], prog_name="suite")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: cannot listen on port") and "(choose another with --port)" in done.stderr


def test_without_the_extra_it_says_what_to_install(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "suite.host.view.server")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    done = CliRunner().invoke(main, ["view"], prog_name="suite")
    assert (done.exit_code, done.stdout) == (2, "")
    remedy = "(pip install 'suite-robustness[view]')"
    assert done.stderr == f"error: suite view needs uvicorn, which is not installed {remedy}\n"


def test_no_other_verb_imports_the_server() -> None:
    package = Path(suite.__file__).parent
    importing = {path for path in package.rglob("*.py") for word in ("starlette", "uvicorn", "suite.host.view")
                 if f"from {word}" in path.read_text() or f"import {word}" in path.read_text()}  # fmt: skip
    view = package / "host" / "view"
    assert {path for path in importing if view not in path.parents} == {package / "host" / "cli" / "view.py"}
