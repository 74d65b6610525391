"""Strong ETags of whole answers, so that what did not change is not sent again."""

import re
from dataclasses import dataclass
from hashlib import sha256

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A weak tag is a W/ and a tag: they are compared without it.
_TAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')
_OF_A_BODY = ("content-length", "content-type", "content-disposition")


@dataclass(frozen=True, slots=True)
class ETagMiddleware:
    """Gives each whole answer an ETag, and answers 304 where If-None-Match names it.

    What is not to be stored, and what has an ETag, is left alone.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and look at its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = ", ".join(Headers(scope=scope).getlist("if-none-match"))
        start: Message | None = None
        parts: list[bytes] = []

        async def send_tagged(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if _to_be_tagged(message):
                    start = message
                    return
                if "etag" in MutableHeaders(scope=message):
                    MutableHeaders(scope=message).setdefault("Cache-Control", "no-cache")
            if start is None:
                await send(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body", False):
                return
            body = b"".join(parts)
            etag = etag_of(body)
            headers = MutableHeaders(scope=start)
            headers["ETag"] = etag
            headers.setdefault("Cache-Control", "no-cache")
            if named(etag, asked):
                for name in _OF_A_BODY:
                    del headers[name]
                start, body = {**start, "status": 304}, b""
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, send_tagged)


def etag_of(body: bytes) -> str:
    """The ETag of some bytes, with its quotes."""
    return f'"{sha256(body).hexdigest()[:32]}"'


def named(etag: str, if_none_match: str) -> bool:
    """Whether If-None-Match names an ETag: in a list, as a weak one, or by ``*``."""
    return if_none_match.strip() == "*" or etag in _TAG.findall(if_none_match)


def _to_be_tagged(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    stored = "no-store" not in headers.get("cache-control", "")
    return start["status"] == 200 and "etag" not in headers and stored
