"""What happens to a chain in the moment in which a broadcast is on its way to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from openpool_management.domain.payouts.transactions import SignedTransfer, read_signed
from openpool_management_tests.servers.rpc_actions import Action, Ask, Call
from openpool_management_tests.servers.rpc_proxy import RpcProxy

SEND = "eth_sendRawTransaction"


@dataclass(frozen=True)
class First(Action):
    """Something happens, then the broadcast is passed on."""

    happens: Callable[[], object]

    def answer(self, call: Call, ask: Ask) -> dict[str, Any]:
        self.happens()
        return super().answer(call, ask)


class Twice(Action):
    """The node gets the bytes twice; the client gets the second answer."""

    def answer(self, call: Call, ask: Ask) -> dict[str, Any]:
        ask(call.method, *call.params)
        return super().answer(call, ask)


def broadcasts(proxy: RpcProxy) -> list[SignedTransfer]:
    """What was sent through a proxy, in the order in which it came."""
    raws = [call.params[0] for call in proxy.calls if call.method == SEND]
    return [read_signed(bytes.fromhex(raw.removeprefix("0x"))) for raw in raws]
