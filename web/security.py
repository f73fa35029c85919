"""The door before every route: known hosts, rate limit, access token, size of bodies; headers of answers."""

import asyncio
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from files.reading import table_beside
from web.api import Refused, refusal
from web.options import MAX_BYTES, SECONDS_TO_SEND, WebOptions

HEADERS: dict[str, str] = table_beside(__file__, "headers")
# What probes of the machine ask for, by number and without a token: it says nothing about anybody.
OPEN_PATHS = frozenset({"/health", "/ready"})
COOKIE = "anime_ssd_token"
_MOST_ADDRESSES = 10_000
_TOO_LARGE = f"The request is too large; at most {MAX_BYTES / 1e6:g} MB are taken."


class Door:
    """ASGI middleware: refuses what may not come in, and gives every answer `HEADERS`."""

    def __init__(self, app: ASGIApp, options: WebOptions):
        self.app = app
        self.hosts = {host.lower() for host in options.hosts}
        self.token = options.access_token.encode()
        self.rate = RateLimit(options.requests_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                # A browser asks whether a file of ours has changed; whatever else it gets, it does not keep.
                headers.setdefault("Cache-Control", "no-cache" if "etag" in headers else "no-store")
            await send(message)

        request, is_open = Request(scope), scope["path"] in OPEN_PATHS
        answer = (
            self._foreign(request, is_open)
            or (None if is_open else self._too_often(request) or self._locked(request))
            or self._too_long(request)
        )
        if answer is None:
            await self.app(scope, self._counted(receive), send_with_headers)
        else:
            await answer(scope, receive, send_with_headers)

    def _foreign(self, request: Request, is_open: bool) -> Response | None:
        """Host names that are not ours, and posts that another page makes a browser send."""
        if self.hosts and not is_open and _host(request.headers.get("host", "")) not in self.hosts:
            sentence = (
                "This server is not reached under that name; its operator can add it to --allowed_hosts."
            )
            return refusal(421, sentence)
        fetched = request.headers.get("sec-fetch-site", "same-origin")
        if request.method not in ("GET", "HEAD") and fetched not in ("same-origin", "none"):
            return refusal(403, "Another page may not send this.")
        return None

    def _too_often(self, request: Request) -> Response | None:
        wait = self.rate.take(request.client.host if request.client else "?")
        if wait <= 0:
            return None
        headers = {"Retry-After": str(max(1, round(wait)))}
        return refusal(429, "Too many requests from your address; wait a moment.", headers)

    def _locked(self, request: Request) -> Response | None:
        """The token comes as `Authorization: Bearer`, or once in the address of the page (`/?token=...`).

        There it is put into a cookie that scripts cannot read. An empty token lets everybody in.
        """
        if not self.token:
            return None
        given = request.query_params.get("token", "")
        if request.scope["path"] == "/" and self._right(given):
            answer = RedirectResponse("/", 303)
            # Not "strict": who follows a link in a message would come without it.
            secure = request.scope["scheme"] == "https"
            answer.set_cookie(COOKIE, given, httponly=True, samesite="lax", secure=secure)
            return answer
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._right(bearer) or self._right(request.cookies.get(COOKIE, "")):
            return None
        sentence = "This page needs its access token: open the address that its operator gave you."
        return refusal(401, sentence, {"WWW-Authenticate": "Bearer"})

    def _right(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self.token)

    def _too_long(self, request: Request) -> Response | None:
        """A body that says that it is too long; `_counted` finds one that only turns out to be."""
        stated = request.headers.get("content-length", "")
        if stated.isdecimal() and int(stated) > MAX_BYTES:
            return refusal(413, _TOO_LARGE, {"Connection": "close"})
        return None

    def _counted(self, receive: Receive) -> Receive:
        """Receives a body of so many bytes and within so much time, counted while it arrives."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SECONDS_TO_SEND
        arrived, complete = 0, False

        async def counted() -> Message:
            nonlocal arrived, complete
            if complete:  # from now on only the visitor's leaving is waited for
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), max(deadline - loop.time(), 0.001))
            except TimeoutError:
                raise Refused(408, "The request took too long to arrive.") from None
            if message["type"] == "http.request":
                arrived += len(message.get("body", b""))
                complete = not message.get("more_body", False)
                if arrived > MAX_BYTES:
                    raise Refused(413, _TOO_LARGE, headers={"Connection": "close"})
            return message

        return counted


class RateLimit:
    """A bucket of requests for each address, which fills steadily."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic):
        """Prepare; 0 a minute means any number."""
        self.per_minute = per_minute
        self.clock = clock
        # address -> (requests left, when that was); the longest unseen ones are forgotten first.
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> float:
        """Count a request; seconds to wait until there is room for it, 0 where there is."""
        if self.per_minute == 0:
            return 0.0
        now = self.clock()
        left, then = self._left.pop(address, (float(self.per_minute), now))
        left = min(float(self.per_minute), left + (now - then) * self.per_minute / 60)
        allowed = left >= 1
        self._left[address] = (left - 1 if allowed else left), now
        while len(self._left) > _MOST_ADDRESSES:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / self.per_minute


def _host(header: str) -> str:
    """The name in a Host header, without its port: `[::1]:8000` -> `::1`."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()
