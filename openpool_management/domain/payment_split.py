"""What of a payment belongs to which stream.

Workers earn on streams and are paid over all of them together, so a payment's parts are worked out
and not posted: each stream gives what of its earnings was unpaid when the payment was set aside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

NO_STREAM = ""
"""Holds a payment to somebody who has earned on no stream yet."""


def split_payment(amount_wei: int, unpaid_wei: Mapping[str, int]) -> dict[str, int]:
    """Split a payment over streams by what each had unpaid, in wei.

    Streams are taken in order of name, each up to what it had unpaid. What is left then, such as in
    a payment that was made by hand, goes to the last of them. A stream that has nothing unpaid, or
    less than nothing since its jobs moved to others, gives nothing unless it is the last. The
    shares add up to the amount; those of 0 are left out.
    Raises ValueError for an amount that is below 0.
    """
    if amount_wei < 0:
        raise ValueError(f"A payment of {amount_wei} wei can't be split: it must be at least 0.")
    left_wei = amount_wei
    shares: dict[str, int] = {}
    for stream in sorted(unpaid_wei):
        shares[stream] = min(max(unpaid_wei[stream], 0), left_wei)
        left_wei -= shares[stream]
    last = max(unpaid_wei, default=NO_STREAM)
    shares[last] = shares.get(last, 0) + left_wei
    return {stream: share for stream, share in shares.items() if share}


@dataclass(slots=True)
class UnpaidByStream:
    """What one worker has unpaid on each stream, brought on entry by entry, in wei."""

    unpaid_wei: dict[str, int] = field(default_factory=dict)
    shares: dict[str, dict[str, int]] = field(default_factory=dict)
    """The shares of each payout that was set aside, by its id; voided ones too."""

    def copied(self) -> "UnpaidByStream":
        """One that can be brought on; this one stays as it is."""
        return UnpaidByStream(dict(self.unpaid_wei), dict(self.shares))

    def earn(self, stream: str, amount_wei: int) -> None:
        """A stream earned, or lost what had moved to others.

        The first one takes over what was paid before anything was earned: else that would be
        missing from the streams' sums for ever, and they would say that so much is still owed.
        """
        if NO_STREAM in self.unpaid_wei and stream != NO_STREAM:
            self.unpaid_wei[stream] = self.unpaid_wei.pop(NO_STREAM)
            self.shares = {paid: {stream: sum(of.values())} for paid, of in self.shares.items()}
        self.unpaid_wei[stream] = self.unpaid_wei.get(stream, 0) + amount_wei

    def set_aside(self, payout_id: str, amount_wei: int) -> None:
        """A payout was set aside; it is split by what is unpaid at this point."""
        self.shares[payout_id] = split_payment(amount_wei, self.unpaid_wei)
        for stream, share_wei in self.shares[payout_id].items():
            self.earn(stream, -share_wei)

    def give_back(self, payout_id: str) -> None:
        """A payout was voided: its shares are unpaid again."""
        for stream, share_wei in self.shares[payout_id].items():
            self.earn(stream, share_wei)
