"""What every request passes: whom it is for and where it comes from, headers of every answer, and unforeseen errors."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from pose_core.progress import warn

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "default-src 'none'; frame-ancestors 'none'"
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
SAFE = ("GET", "HEAD")


def refused(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error as it is answered: one line."""
    return JSONResponse({"error": " ".join(message.split())}, status, headers)


class Guard:
    """Refuses requests to other names than the server's, as a page has whose name was bound anew to this address, and
    requests that another site's page sends.

    Starlette's `TrustedHostMiddleware` does the first of these, and answers with plain text.

    Args:
        app: what is guarded.
        hosts: names and addresses, without ports, by which this server is known.
        debug: print the traceback of unforeseen errors.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], *, debug: bool = False) -> None:
        self.app, self.debug = app, debug
        self.hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application, guarded."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        problem = self._problem(scope["method"], Headers(scope=scope))
        try:
            if problem is not None:
                await problem(scope, receive, send_with_headers)
            else:
                await self.app(scope, receive, send_with_headers)
        # The outermost place: whatever goes wrong, its client gets one line, and others an answer
        except Exception as error:
            if self.debug:
                traceback.print_exc()
            warn(f"{scope['method']} {scope['path']!r}: unexpected {type(error).__name__}: {error}")
            if not started:
                answer = refused(500, f"unexpected {type(error).__name__}; the server's log says more")
                await answer(scope, receive, send_with_headers)

    def _problem(self, method: str, headers: Headers) -> JSONResponse | None:
        """What a request is refused with; None where it may go on."""
        given = headers.get("host", "")
        if _host(given) not in self.hosts:
            return refused(400, "the Host header names no host of this server; --allow-host adds one")
        origin = headers.get("origin")
        if method not in SAFE and origin is not None and _origin(origin) != given.lower():
            return refused(403, "sent by a page of another site")
        return None


def _host(header: str) -> str | None:
    """The host of a Host header, without its port; None of what is none."""
    try:
        parts = urlsplit(f"//{header}")
        _ = parts.port  # which is checked only when it is asked for
    except ValueError:
        return None
    return parts.hostname if parts.netloc == header and "@" not in header else None


def _origin(origin: str) -> str | None:
    """Host and port of an origin; None of what is none, as `null`."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None
