"""Each worker's last payout, and what was earned after it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, case, cast, func, literal, select
from sqlalchemy.sql.selectable import CTE

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.payouts import tables
from openpool_management.domain.accounts import AccountKind


@dataclass(slots=True)
class LastPayout:
    """When it was set aside, the first posting after that, and what they come to in wei."""

    at: datetime
    earned_again_at: datetime | None = None
    earned_since_wei: int = 0


def last_payouts(connection: Connection) -> dict[str, LastPayout]:
    """The last payout of each worker that was not voided."""
    reserved = _reserved()
    found = {row.worker: LastPayout(row.created_at) for row in connection.execute(select(reserved))}
    for row in connection.execute(_earned_after(reserved)):
        worker, at, balance_wei, before_wei = row
        one = found[worker]
        one.earned_since_wei += balance_wei - (before_wei or 0)
        one.earned_again_at = at if one.earned_again_at is None else min(at, one.earned_again_at)
    return found


def _reserved() -> CTE:
    """(worker, created_at, entry_id) of each worker's last payout."""
    intent, event, entry = tables.payout_intent.c, tables.payout_event.c, schema.entry.c
    voided = select(event.intent_id).where(event.mark == "voided")
    last = select(func.max(intent.number)).where(intent.id.not_in(voided)).group_by(intent.worker)
    key = literal("payout:").concat(intent.id).concat(":reserved")
    return (
        select(intent.worker, intent.created_at, entry.id.label("entry_id"))
        .join(schema.entry, entry.posting_key == key)
        .where(intent.number.in_(last))
        .cte("reserved")
    )


def _earned_after(reserved: CTE) -> Select[Any]:
    """(worker, time of the first posting after, balance, balance before it) by account.

    The postings of an account are numbered without a gap and their entries ascend, so the first one
    after an entry is found by halving: a few rows by their key, however many there are.
    """
    account, posting = schema.account.c, schema.posting.c
    seq = select(func.max(posting.account_seq)).where(posting.account_id == account.id)
    heads = (
        select(
            account.worker,
            account.id.label("account_id"),
            reserved.c.entry_id,
            posting.balance_wei,
            cast(0, BigInteger).label("low"),
            posting.account_seq.label("high"),
        )
        .join(reserved, reserved.c.worker == account.worker)
        .join(schema.posting, posting.account_id == account.id)
        .where(
            account.kind == AccountKind.PAYABLE.value,
            account.stream != "",
            posting.account_seq == seq.correlate(schema.account).scalar_subquery(),
            posting.entry_id > reserved.c.entry_id,
        )
        .cte("halving", recursive=True)
    )
    wide = heads.c.high - heads.c.low > 1
    is_after = posting.entry_id > heads.c.entry_id
    halving = heads.union_all(
        select(
            heads.c.worker,
            heads.c.account_id,
            heads.c.entry_id,
            heads.c.balance_wei,
            case((is_after, heads.c.low), else_=posting.account_seq),
            case((is_after, posting.account_seq), else_=heads.c.high),
        ).join_from(
            heads,
            schema.posting,
            (posting.account_id == heads.c.account_id)
            & (posting.account_seq == (heads.c.low + heads.c.high) // 2)
            & wide,
        )
    )
    first, before, found = schema.posting.alias(), schema.posting.alias(), halving.c
    return (
        select(found.worker, schema.entry.c.posted_at, found.balance_wei, before.c.balance_wei)
        .join_from(
            halving,
            first,
            (first.c.account_id == found.account_id) & (first.c.account_seq == found.high),
        )
        .join(schema.entry, schema.entry.c.id == first.c.entry_id)
        .outerjoin(
            before,
            (before.c.account_id == found.account_id) & (before.c.account_seq == found.low),
        )
        .where(found.high - found.low == 1)
    )
