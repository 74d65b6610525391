"""What every answer bears, and the two methods there are."""

from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openpool_management.server.answers import refusal

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
    ),
}
METHODS = ("GET", "HEAD")
READ_ONLY = "Nothing can be changed here: ask with GET or HEAD."


@dataclass(frozen=True, slots=True)
class HeadersMiddleware:
    """Adds the headers, answers HEAD as GET, and refuses other methods.

    The server itself leaves out the body of what it was asked for by HEAD.
    The outermost one, so that no answer goes past it but that to a defect, which has its own.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if scope["method"] not in METHODS:
            allowed = {"Allow": ", ".join(METHODS)}
            await refusal(405, READ_ONLY, allowed)(scope, receive, send_with_headers)
            return
        await self.app({**scope, "method": "GET"}, receive, send_with_headers)
