"""The assets: the event log, what its jobs are, and what is owed to whom."""

from openpool_management.assets.processed_jobs import processed_jobs
from openpool_management.assets.raw_events import raw_events
from openpool_management.assets.redeemed_tickets import redeemed_tickets
from openpool_management.assets.worker_balances import worker_balances
from openpool_management.assets.worker_compute_units import worker_compute_units
from openpool_management.assets.worker_connections import worker_connections
from openpool_management.assets.worker_fees import worker_fees

ASSETS = (
    raw_events,
    processed_jobs,
    worker_fees,
    worker_compute_units,
    worker_connections,
    worker_balances,
    redeemed_tickets,
)
