"""The pool's revenue: tickets that its orchestrators redeemed."""

import dagster as dg

from openpool_management.assets.raw_events import raw_events
from openpool_management.assets.tables import column_schema, table
from openpool_management.domain.money import format_eth
from openpool_management.domain.tickets import TicketState
from openpool_management.pool import utc_now
from openpool_management.resources import PoolResource
from openpool_management.services.tickets import look_at_tickets

DOUBTS_SHOWN = 20

COLUMNS = {
    "time": ("string", "When the orchestrator says it was redeemed (UTC)."),
    "stream": ("string", "Stream that told of it first."),
    "transaction": ("string", "Hash of the transaction."),
    "face_value_wei": ("string", "Face value."),
    "face value ETH": ("string", "face_value_wei in ETH."),
    "state": ("string", "verified, unverified, doubtful or failed."),
    "sender": ("string", "Ethereum address of the gateway that paid."),
    "told": ("int", "Number of events that tell of it."),
}


@dg.asset(
    deps=[raw_events],
    group_name="ledger",
    owners=["team:openpool"],
    kinds={"sql", "parquet"},
    code_version="1",
    tags={"domain": "tickets"},
    metadata={"dagster/column_schema": column_schema(COLUMNS)},
)
def redeemed_tickets(openpool: PoolResource) -> dg.MaterializeResult[None]:
    """Tickets redeemed on **all** streams, each transaction once.

    Tickets are collected from the event lake, and checked on the chain where `ETH_RPC_ENDPOINT`
    names a node. **Verified** and **unverified** ones are revenue; a **doubtful** one is told in
    ways that can't both be true, or its transaction is missing; a **failed** one brought nothing.
    Materializing this at any time, twice or twice at once counts nothing twice.
    """
    pool = openpool.pool
    look = look_at_tickets(pool.tickets, pool.lake, pool.chain, pool.settings.chain_id, utc_now())
    revenue = look.revenue
    verified_wei = revenue.wei(TicketState.VERIFIED)
    unverified_wei = revenue.wei(TicketState.UNVERIFIED)
    metadata: dict[str, dg.RawMetadataValue] = {
        "tickets collected": look.collected,
        "tickets checked": look.checked,
        "redeemed_wei": str(verified_wei + unverified_wei),
        "redeemed ETH": format_eth(verified_wei + unverified_wei),
        "verified_wei": str(verified_wei),
        "unverified_wei": str(unverified_wei),
        "doubtful_wei": str(revenue.wei(TicketState.DOUBTFUL)),
        **{state.value: revenue.count(state) for state in TicketState},
        "failed without a transaction": revenue.without_transaction,
        "doubts": list(revenue.doubts[:DOUBTS_SHOWN]),
        "newest redemptions": table(
            COLUMNS,
            [
                (
                    one.dt.isoformat(),
                    one.stream,
                    one.tx_hash,
                    str(one.face_value_wei),
                    format_eth(one.face_value_wei),
                    one.state.value,
                    one.sender,
                    one.told,
                )
                for one in reversed(revenue.redemptions)
            ],
        ),
    }
    if look.problem:
        metadata["chain"] = look.problem
    return dg.MaterializeResult(metadata=metadata)
