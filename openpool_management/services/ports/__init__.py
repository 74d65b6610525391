"""What the services need from the outside, as protocols. Adapters implement them."""

from openpool_management.services.ports.decisions import (
    CommissionHistory,
    HeldDecision,
    HeldRow,
    Holds,
    RateRow,
    UnattributedJobs,
    UnattributedRow,
)
from openpool_management.services.ports.event_log import (
    EventSource,
    Fetched,
    ObjectRef,
)
from openpool_management.services.ports.ledger import (
    Books,
    Lake,
    Ledger,
    LedgerConflict,
    LedgerHealth,
    LedgerRecord,
    RecordedBatch,
    StreamHead,
)

__all__ = [
    "Books",
    "CommissionHistory",
    "EventSource",
    "Fetched",
    "HeldDecision",
    "HeldRow",
    "Holds",
    "Lake",
    "Ledger",
    "LedgerConflict",
    "LedgerHealth",
    "LedgerRecord",
    "ObjectRef",
    "RateRow",
    "RecordedBatch",
    "StreamHead",
    "UnattributedJobs",
    "UnattributedRow",
]
