"""Who may use the page, and how often: the access token and the rate limit."""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from web.refusals import refusal

# What probes of the machine ask for: it says nothing about anybody.
OPEN_PATHS = frozenset({"/health", "/ready"})
COOKIE = "anime_ssd_token"
_MOST_ADDRESSES = 10_000


class AccessToken:
    """ASGI middleware: without the token there is nothing to see but `OPEN_PATHS`.

    The token comes as `Authorization: Bearer`, or once in the address of the page (`/?token=...`), which puts
    it into a cookie that scripts cannot read.
    """

    def __init__(self, app: ASGIApp, token: str):
        """Prepare; an empty token lets everybody in."""
        self.app = app
        self.token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self.token or scope["path"] in OPEN_PATHS:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and self._right(given):
            answer = RedirectResponse("/", 303)
            # Not "strict": who follows a link in a message would come without it.
            answer.set_cookie(COOKIE, given, httponly=True, samesite="lax", secure=scope["scheme"] == "https")
            await answer(scope, receive, send)
            return
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if self._right(bearer) or self._right(_cookie(headers.get("cookie", ""))):
            await self.app(scope, receive, send)
            return
        sentence = "This page needs its access token: open the address that its operator gave you."
        await refusal(401, sentence, {"WWW-Authenticate": "Bearer"})(scope, receive, send)

    def _right(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self.token)


class RateLimit:
    """ASGI middleware: a bucket of requests for each address, which fills steadily."""

    def __init__(self, app: ASGIApp, per_minute: int, clock: Callable[[], float] = time.monotonic):
        """Prepare; 0 a minute means any number."""
        self.app = app
        self.per_minute = per_minute
        self.clock = clock
        # address -> (requests left, when that was); the longest unseen ones are forgotten first.
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.per_minute and scope["path"] not in OPEN_PATHS:
            address = scope["client"][0] if scope.get("client") else "?"
            wait = self.take(address)
            if wait > 0:
                sentence = "Too many requests from your address; wait a moment."
                headers = {"Retry-After": str(max(1, round(wait)))}
                await refusal(429, sentence, headers)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def take(self, address: str) -> float:
        """Count a request; seconds to wait until there is room for it, 0 where there is."""
        now = self.clock()
        left, then = self._left.pop(address, (float(self.per_minute), now))
        left = min(float(self.per_minute), left + (now - then) * self.per_minute / 60)
        allowed = left >= 1
        self._left[address] = (left - 1 if allowed else left), now
        while len(self._left) > _MOST_ADDRESSES:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / self.per_minute


def _cookie(header: str) -> str:
    try:
        cookie = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie else ""
