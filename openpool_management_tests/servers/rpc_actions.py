"""What can be done to a JSON-RPC call on its way to a node and back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Call:
    """One call of a client; params as it sent them."""

    method: str
    params: list[Any]


class Ask(Protocol):
    """Asks the node behind the proxy."""

    def __call__(self, method: str, *params: Any, url: str | None = None) -> dict[str, Any]:
        """The whole answer, with result or error; url names another node."""
        ...


@dataclass
class Reply:
    """What a client gets: delayed, cut short or not at all (body None closes the connection)."""

    body: bytes | None
    status: int = 200
    sent_share: float = 1.0
    delay_s: float = 0.0


class Action:
    """What is done to a call: as it stands, nothing. Actions override one of the two methods."""

    def __repr__(self) -> str:
        # Names of parametrized tests must be the same in every process.
        return type(self).__name__

    def answer(self, call: Call, ask: Ask) -> dict[str, Any]:
        """The answer, without its id: what the node says."""
        return ask(call.method, *call.params)

    def ship(self, reply: Reply) -> None:
        """Change the HTTP answer that the call's answer is part of."""


class Pass(Action):
    """Pass it on and back."""


class DropReply(Action):
    """The node gets it; the client gets a closed connection."""

    def ship(self, reply: Reply) -> None:
        reply.body = None


class Swallow(DropReply):
    """The node never gets it; the client gets a closed connection."""

    def answer(self, call: Call, ask: Ask) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class Delay(Action):
    """The node gets it at once; the client gets the answer that much later."""

    seconds: float

    def ship(self, reply: Reply) -> None:
        reply.delay_s = self.seconds


@dataclass(frozen=True)
class Http(Action):
    """An HTTP status and body, and the node is not asked unless forward is set."""

    status: int = 200
    body: bytes = b"<html><body>Bad gateway</body></html>"
    forward: bool = False

    def answer(self, call: Call, ask: Ask) -> dict[str, Any]:
        return super().answer(call, ask) if self.forward else {}

    def ship(self, reply: Reply) -> None:
        reply.status, reply.body = self.status, self.body


@dataclass(frozen=True)
class Truncate(Action):
    """The node's answer, of which only a share of the bytes is sent, and said to be all."""

    share: float = 0.5

    def ship(self, reply: Reply) -> None:
        reply.sent_share = self.share


@dataclass(frozen=True)
class Error(Action):
    """A JSON-RPC error; the node is not asked unless forward is set."""

    message: str
    code: int = -32000
    forward: bool = False

    def answer(self, call: Call, ask: Ask) -> dict[str, Any]:
        if self.forward:
            ask(call.method, *call.params)
        return {"error": {"code": self.code, "message": self.message}}


@dataclass(frozen=True)
class Result(Action):
    """A result that the node is not asked for."""

    result: Any

    def answer(self, call: Call, ask: Ask) -> dict[str, Any]:
        return {"result": self.result}


@dataclass(frozen=True)
class Rewrite(Action):
    """The node's result, changed by a function. Errors pass."""

    change: Callable[[Any], Any]

    def answer(self, call: Call, ask: Ask) -> dict[str, Any]:
        answer = ask(call.method, *call.params)
        return {"result": self.change(answer["result"])} if "result" in answer else answer


@dataclass(frozen=True)
class Params(Action):
    """The same method with other parameters."""

    params: list[Any]

    def answer(self, call: Call, ask: Ask) -> dict[str, Any]:
        return ask(call.method, *self.params)


@dataclass(frozen=True)
class AskOther(Action):
    """Another node answers."""

    url: str

    def answer(self, call: Call, ask: Ask) -> dict[str, Any]:
        return ask(call.method, *call.params, url=self.url)
