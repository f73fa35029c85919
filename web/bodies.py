"""Bodies of requests: so many bytes and so much time, counted while they arrive."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.refusals import Refused, refusal


class BodyLimit:
    """ASGI middleware: refuses a body that says it is too long, and one that turns out to be."""

    def __init__(self, app: ASGIApp, max_bytes: int, seconds: float):
        self.app = app
        self.max_bytes = max_bytes
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sentence = f"The request is too large; at most {self.max_bytes / 1e6:g} MB are taken."
        stated = Headers(scope=scope).get("content-length", "")
        if stated.isdecimal() and int(stated) > self.max_bytes:
            await refusal(413, sentence, {"Connection": "close"})(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + self.seconds
        arrived = 0
        complete = False

        async def counted() -> Message:
            nonlocal arrived, complete
            if complete:  # from now on only the visitor's leaving is waited for
                return await receive()
            left = deadline - asyncio.get_running_loop().time()
            try:
                message = await asyncio.wait_for(receive(), max(left, 0.001))
            except asyncio.TimeoutError:  # the built-in one only since 3.11
                raise Refused(408, "The request took too long to arrive.") from None
            if message["type"] == "http.request":
                arrived += len(message.get("body", b""))
                complete = not message.get("more_body", False)
                if arrived > self.max_bytes:
                    raise Refused(413, sentence, headers={"Connection": "close"})
            return message

        await self.app(scope, counted, send)
