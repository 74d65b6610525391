"""The lease of a wallet: one process at a time writes for it.

It may be taken over at any time without harm: who had it before finds rows of another owner from
its own fence on, and writes nothing more.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text

from openpool_management.adapters.sql.payouts.tables import sender_lease
from openpool_management.services.ports.payouts import Lease, LeaseHeld, PayoutConflict

PAYOUT_LOCK = 0x6F70_6C03
"""PostgreSQL advisory lock of whoever writes about payouts. SQLite has one writer anyway."""


def one_writer(connection: Connection) -> None:
    """Wait until no other transaction writes about payouts, and make this one durable.

    Its commit waits for the disk whatever PostgreSQL's settings say, as SQLite's always does.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL synchronous_commit = on"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": PAYOUT_LOCK})


def take(connection: Connection, sender: str, owner: str, now: datetime, seconds: int) -> Lease:
    """Take or renew the lease. Raises LeaseHeld while another owner's has not run out.

    One that has more than twice the time to run that leases are given was written by a clock that
    is ahead, perhaps by years: it holds nobody up.
    """
    last, length = _last(connection, sender), timedelta(seconds=seconds)
    if last and last.owner not in ("", owner) and _runs(last.expires_at, now, length):
        raise LeaseHeld(
            f"Another process pays from {sender}, until {last.expires_at:%Y-%m-%d %H:%M:%S} UTC at "
            "most: let it finish, or wait until then if it has died."
        )
    lease = Lease(sender, owner, (last.fence if last else 0) + 1, now + length)
    _write(connection, lease)
    return lease


def _runs(expires_at: datetime, now: datetime, length: timedelta) -> bool:
    # Twice, so that clocks that differ a little don't take the lease from who is alive.
    return now < expires_at <= now + 2 * length


def give_back(connection: Connection, lease: Lease, now: datetime) -> None:
    """End the lease, if it is still the caller's."""
    last = _last(connection, lease.sender)
    if last is not None and last.owner == lease.owner:
        _write(connection, Lease(lease.sender, "", last.fence + 1, now))


def check(connection: Connection, lease: Lease) -> None:
    """Raises PayoutConflict when the lease is another's, or was in between."""
    row = sender_lease.c
    since = select(row.owner).where(row.sender == lease.sender, row.fence >= lease.fence)
    # The caller's own renewals raise the fence too.
    if set(connection.scalars(since)) != {lease.owner}:
        raise PayoutConflict(
            f"Another process took over the payouts from {lease.sender}. This one stops; nothing "
            "of what it did is lost."
        )


def _last(connection: Connection, sender: str) -> Row[Any] | None:
    return connection.execute(
        select(sender_lease)
        .where(sender_lease.c.sender == sender)
        .order_by(sender_lease.c.fence.desc())
        .limit(1)
    ).first()


def _write(connection: Connection, lease: Lease) -> None:
    connection.execute(
        insert(sender_lease).values(
            sender=lease.sender,
            fence=lease.fence,
            owner=lease.owner,
            expires_at=lease.expires_at,
        )
    )
