"""What all decisions of an operator share: a reason, a refusal in words, and one commit."""

from collections.abc import Callable

from openpool_management.domain.batch import Batch
from openpool_management.domain.streams import Stream
from openpool_management.services.ports import Ledger, LedgerConflict, StreamHead

MAX_CONFLICTS = 100


class DecisionRefused(Exception):
    """A decision that the ledger does not take; the message says why, and what can be done."""


def stated_reason(reason: str) -> str:
    """The reason without space around it. Raises DecisionRefused when nothing is left."""
    if not reason.strip():
        raise DecisionRefused(
            "The reason is empty: say in a few words why you decide so; it stays in the ledger."
        )
    return reason.strip()


def commit_decision(
    ledger: Ledger, stream: Stream, work_out: Callable[[StreamHead], Batch]
) -> Batch:
    """Commit the batch that work_out makes of the stream's head; try again when others come first.

    work_out looks at the ledger anew each time, and raises DecisionRefused where the decision is no
    longer possible. Raises LedgerConflict when others never let go of the stream.
    """
    for _ in range(MAX_CONFLICTS):
        batch = work_out(ledger.head(stream))
        try:
            ledger.commit(batch)
        except LedgerConflict:
            continue
        return batch
    raise LedgerConflict(
        f"Stream {stream} was changed by others {MAX_CONFLICTS} times while a decision was being "
        "written: stop the other processes that sync it and try again."
    )
