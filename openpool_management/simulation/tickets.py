"""Redeemed tickets: the widest numbers of the log."""

from random import Random

_FAILED = "0x" + "0" * 64
_USUAL_WIN_PROB = 2**256 // 1000
_FACE_VALUES_WEI = (36_000_000_000_000_000, 250_000_000_000_000_000, 2**63 + 1, 12 * 10**18)


class Tickets:
    """The tickets one orchestrator redeems; now and then a redemption fails or is told twice."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._recipient = f"0x{rng.randbytes(20).hex()}"
        self._senders = [f"0x{rng.randbytes(20).hex()}" for _ in range(3)]
        self._round = 3_900
        self._last: dict[str, object] | None = None

    def redeem(self) -> dict[str, object]:
        """The payload of the next ticket-redeemed."""
        rng = self._rng
        if self._last is not None and rng.random() < 0.15:
            return self._last
        self._round += 1
        failed = rng.random() < 0.15
        payload: dict[str, object] = {
            "creationRound": self._round,
            "faceValue": rng.choice(_FACE_VALUES_WEI),
            "pricePerPixel": rng.choice((None, "1589457", "49/3", "4768371")),
            "recipient": self._recipient,
            "sender": rng.choice(self._senders),
            "txHash": _FAILED if failed else f"0x{rng.randbytes(32).hex()}",
            "winProb": rng.choice((_USUAL_WIN_PROB, 2**256 - 1)),
        }
        self._last = None if failed else payload
        return payload
