"""The lease of a wallet: one process at a time writes for it, and the fence proves which."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text

from openpool_management.adapters.sql.payouts.tables import sender_lease
from openpool_management.services.ports.payouts import Lease, LeaseHeld, PayoutConflict

PAYOUT_LOCK = 0x6F70_6C03
"""PostgreSQL advisory lock of whoever writes about payouts. SQLite has one writer anyway."""


def one_writer(connection: Connection) -> None:
    """Wait until no other transaction writes about payouts."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": PAYOUT_LOCK})


def take(connection: Connection, sender: str, owner: str, now: datetime, seconds: int) -> Lease:
    """Take or renew the lease. Raises LeaseHeld while another owner's has not run out."""
    last = _last(connection, sender)
    if last is not None and last.owner not in ("", owner) and last.expires_at > now:
        raise LeaseHeld(
            f"Another process pays from {sender}, until {last.expires_at:%H:%M:%S} UTC at most: "
            "let it finish, or wait until then if it has died."
        )
    lease = Lease(sender, owner, (last.fence if last else 0) + 1, now + timedelta(seconds=seconds))
    _write(connection, lease)
    return lease


def give_back(connection: Connection, lease: Lease, now: datetime) -> None:
    """End the lease, if it is still the caller's."""
    last = _last(connection, lease.sender)
    if last is not None and last.owner == lease.owner:
        _write(connection, Lease(lease.sender, "", last.fence + 1, now))


def check(connection: Connection, lease: Lease) -> None:
    """Raises PayoutConflict when the lease is another's."""
    last = _last(connection, lease.sender)
    if last is None or last.owner != lease.owner:
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
