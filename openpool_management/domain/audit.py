"""Records of a ledger as looking things up needs them: batches, lines, workers, held items."""

from dataclasses import dataclass
from datetime import datetime

from openpool_management.domain.accounts import Account
from openpool_management.domain.batch import AttributionCause, BatchKind, LakeFile
from openpool_management.domain.streams import Stream


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A batch that was committed. number grows with each commit; reason is an operator's words."""

    number: int
    id: str
    stream: Stream
    kind: BatchKind
    read_at: datetime
    lake_file: LakeFile | None
    reason: str


@dataclass(frozen=True, slots=True)
class PostedLine:
    """What one entry did to one account, and where it left the account.

    amount_wei is 0 and balance_wei None where only work was posted.
    """

    entry_number: int
    posting_key: str
    posted_at: datetime
    batch_number: int | None
    account: Account
    amount_wei: int
    balance_wei: int | None
    jobs: int
    compute_units: int


@dataclass(frozen=True, slots=True)
class AttributionRecord:
    """A change of a posted job's worker, and the batch that made it. worker None: nobody known."""

    event_id: bytes
    worker: str | None
    received_id: bytes | None
    cause: AttributionCause
    batch: BatchRecord


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A held item. decision is empty while it waits for one. event_index -1: the whole object."""

    id: str
    stream: Stream
    reason: str
    detail: str
    event_id: str | None
    event_type: str | None
    object_key: str
    object_version: str
    event_index: int
    read_at: datetime
    decision: str
    decision_reason: str


@dataclass(frozen=True, slots=True)
class RewrittenKey:
    """A key that was read with several contents; keeps_versions: each of them is a version."""

    key: str
    contents: int
    keeps_versions: bool
