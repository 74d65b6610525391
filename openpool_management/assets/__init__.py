"""The assets: the event log, what its jobs are, what is owed to whom, and payouts."""

from openpool_management.assets.payout_plan import payout_plan
from openpool_management.assets.payout_settlement import payout_settlement
from openpool_management.assets.pool_report import pool_report
from openpool_management.assets.processed_jobs import processed_jobs
from openpool_management.assets.published_exports import published_exports
from openpool_management.assets.raw_events import raw_events
from openpool_management.assets.redeemed_tickets import redeemed_tickets
from openpool_management.assets.wallet import wallet
from openpool_management.assets.worker_balances import worker_balances
from openpool_management.assets.worker_compute_units import worker_compute_units
from openpool_management.assets.worker_connections import worker_connections
from openpool_management.assets.worker_fees import worker_fees
from openpool_management.assets.worker_payouts import worker_payouts
from openpool_management.assets.worker_performance import worker_performance
from openpool_management.assets.worker_summary import worker_summary

ASSETS = (
    raw_events,
    processed_jobs,
    worker_fees,
    worker_compute_units,
    worker_connections,
    worker_balances,
    redeemed_tickets,
)
"""What reading the event log brings up to date. None of these pays anybody."""

ANALYTICS_ASSETS = (worker_performance, worker_summary, pool_report)
"""What is worked out of the lake and the ledger now and then. It pays nobody."""

EXPORT_ASSETS = (published_exports,)
"""What is written for others to read. It changes nothing in the ledger."""

PAYOUT_ASSETS = (payout_plan, worker_payouts, payout_settlement, wallet)
"""Payouts. worker_payouts and payout_settlement send transactions where payouts are live."""
