"""Who may read the pages: those who know the address with its token, on this machine, and nobody by way of them.

A page elsewhere can send a browser here, also by a name of its own that it lets lead to 127.0.0.1 (DNS rebinding). Such
requests have another Host, or lack the token, and learn nothing; there is no CORS header that would let them read.
"""

import secrets
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = ("GET", "HEAD")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer; a page brings a stricter policy along."""


class Guard:
    """Passes on what reads below `/TOKEN`, under one of the allowed names, and refuses all else."""

    def __init__(self, app: ASGIApp, token: str, hosts: tuple[str, ...]) -> None:
        self._app, self._token, self._hosts = app, token.encode(), hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                more = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message = {
                    **message,
                    "headers": [*message["headers"], *(pair for pair in more if pair[0] not in given)],
                }
            await send(message)

        first, _, rest = scope["path"].removeprefix("/").partition("/")
        refusal = self._refusal(scope, first)
        if refusal is not None:
            await refusal(scope, receive, send_guarded)
        else:
            below = {**scope, "path": f"/{rest}", "raw_path": f"/{rest}".encode(), "root_path": ""}
            await self._app(below, receive, send_guarded)

    def _refusal(self, scope: Scope, token: str) -> PlainTextResponse | None:
        """Why a request is not answered, or None."""
        if _host(scope) not in self._hosts:
            return PlainTextResponse("This address is not served here.\n", 421)
        if scope["method"] not in METHODS:
            return PlainTextResponse("Pages can be read, and nothing else.\n", 405, {"Allow": ", ".join(METHODS)})
        if not secrets.compare_digest(token.encode(errors="replace"), self._token):
            return PlainTextResponse("Not found. The whole address is what suite view has printed.\n", 404)
        return None


def _host(scope: Scope) -> str:
    """The request's one Host; empty where it names none, or several."""
    found: list[Any] = [value for name, value in scope["headers"] if name == b"host"]
    return found[0].decode("latin-1").lower() if len(found) == 1 else ""
