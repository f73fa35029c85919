"""Headers that keep a page to itself, and requests that come from where they should."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.access import OPEN_PATHS
from web.refusals import refusal

# Scripts, styles and pictures of our own only; WebAssembly may compile, nothing may be written into the page
# (no unsafe-inline, no eval); blob: is the visitor's own picture.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    # Together they allow the browser to run the network in several threads.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeaders:
    """ASGI middleware: every answer has `HEADERS`, and what is not a file of ours is not kept by caches."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, add)


class KnownOrigin:
    """ASGI middleware: refuses foreign Host headers, and posts that another page makes a browser send."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]):
        """Prepare.

        Args:
            app: what is protected.
            hosts: names that the Host header may have, without port; empty: any.
        """
        self.app = app
        self.hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            foreign = self.hosts and _host(headers.get("host", "")) not in self.hosts
            if foreign and scope["path"] not in OPEN_PATHS:
                sentence = (
                    "This server is not reached under that name; its operator can add it to --allowed_hosts."
                )
                await refusal(421, sentence)(scope, receive, send)
                return
            fetched = headers.get("sec-fetch-site", "same-origin")
            if scope["method"] not in ("GET", "HEAD") and fetched not in ("same-origin", "none"):
                await refusal(403, "Another page may not send this.")(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _host(header: str) -> str:
    """The name in a Host header, without its port: `[::1]:8000` -> `::1`."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()
