"""The store's pages asked for without a network, and with a browser; runs are those of the reports' tests."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from suite.claims import Claim, Judgement, claims_table
from suite.host.plain import plain
from suite.host.store import RunDirectory
from suite.statistics import Estimate
from suite.tables import frame_bytes
from tests.report.conftest import chromium, drawn, hostile, make_run, page  # noqa: F401

for needed in ("starlette", "uvicorn"):
    pytest.importorskip(needed, reason=f"no {needed}: pip install 'suite-robustness[view]'")

TOKEN, HOST = "a-token", "127.0.0.1:8000"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def words(self) -> str:
        """The text without its markup."""
        parts = self.text.split("</style>")[-1].split("<script>")[0].replace("<", "\0<").split("\0")
        return " ".join(unescape(" ".join(part.partition(">")[2] for part in parts)).split())


Ask = Callable[..., Answer]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of runs, which need not be there."""
    return tmp_path / "runs"


@pytest.fixture
def ask(root: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Asks for a path below the token, as typed into a browser; `path=` asks for any other."""
    from suite.host.view import listing
    from suite.host.view.application import application

    monkeypatch.setattr(listing, "FRESH", 0)  # every request looks at the folder
    app = application(root, lambda _: None, TOKEN, (HOST,))

    def get(
        below: str = "", *, path: str | None = None, method: str = "GET", hosts: tuple[str, ...] = (HOST,)
    ) -> Answer:
        return asyncio.run(_asked(app, f"/{TOKEN}/{below}" if path is None else path, method, hosts))

    return get


async def _asked(app: Any, address: str, method: str, hosts: tuple[str, ...]) -> Answer:
    path, _, query = address.partition("?")
    sent = list[dict[str, Any]]()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "root_path": "",
        "path": unquote(path), "raw_path": path.encode(errors="replace"), "query_string": query.encode(),
        "headers": [(b"host", host.encode()) for host in hosts],
    }  # fmt: skip
    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]).decode())


def judge(run: RunDirectory, *found: tuple[str, float, str]) -> RunDirectory:
    """The run with claims of these words, values and verdicts, each value beside 2.0."""
    path = run.path / "results" / "results.json"
    claims = [
        Claim(words, "Fig. 1", Judgement(verdict, "why"), "", Estimate(value, value - 1, value + 1, 9, "nets"), 2.0)
        for words, value, verdict in found
    ]
    (run.path / "results" / "tables").mkdir()
    (run.path / "results" / "tables" / "claims.parquet").write_bytes(frame_bytes(claims_table(claims)))
    tables = {"claims": {"file": "tables/claims.parquet", "rows": len(claims)}}
    path.write_text(json.dumps(plain({**json.loads(path.read_text()), "tables": tables})))
    return run
