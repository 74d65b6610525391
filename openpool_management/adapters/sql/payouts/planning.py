"""What planning needs to know of workers, and plans that were saved."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select

from openpool_management.adapters.sql import schema
from openpool_management.adapters.sql.accounts import account_heads
from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.payouts import tables
from openpool_management.adapters.sql.payouts.last_payouts import last_payouts
from openpool_management.adapters.sql.payouts.lease import one_writer
from openpool_management.domain.accounts import AccountKind
from openpool_management.services.ports.planning import SavedPlan, WorkerStanding


class SqlPlanning:
    """Implements the PlanningBook port."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def standings(self) -> list[WorkerStanding]:
        """See the port."""
        found: dict[str, WorkerStanding] = {}
        account = schema.account.c
        chosen = account.kind.in_((AccountKind.PAYABLE.value, AccountKind.IN_PAYOUT.value))
        with reading(self.engine) as connection:
            for of, head in account_heads(connection, chosen):
                one = found.setdefault(of.worker, WorkerStanding(of.worker))
                if of.kind is AccountKind.PAYABLE:
                    one.payable_wei += head.balance_wei
                else:
                    one.in_payout_wei += head.balance_wei
            for worker, at in _first_earned(connection):
                found[worker].first_earned_at = found[worker].unpaid_since = at
            for worker, payout in last_payouts(connection).items():
                one = found[worker]
                one.paid_at = payout.at
                rest_wei = one.payable_wei - payout.earned_since_wei
                one.unpaid_since = payout.at if rest_wei > 0 else payout.earned_again_at
            for worker, threshold_wei in _thresholds(connection):
                if worker in found:
                    found[worker].threshold_wei = threshold_wei
            for worker, blocked, reason in _blocks(connection):
                if worker in found:
                    found[worker].blocked = reason if blocked else ""
        return [found[worker] for worker in sorted(found)]

    def save_plan(
        self, plan_hash: str, run_key: str, document: dict[str, Any], total_wei: int, at: datetime
    ) -> None:
        """See the port."""
        table = tables.payout_plan
        with self.engine.begin() as connection:
            one_writer(connection)
            if connection.scalar(select(table.c.hash).where(table.c.hash == plan_hash)) is None:
                connection.execute(
                    insert(table).values(
                        hash=plan_hash,
                        run_key=run_key,
                        document=json.dumps(document),
                        total_wei=total_wei,
                        made_at=at,
                    )
                )

    def approve(self, plan_hash: str, reason: str, at: datetime) -> None:
        """See the port."""
        table = tables.plan_approval
        with self.engine.begin() as connection:
            one_writer(connection)
            known = select(table.c.plan_hash).where(table.c.plan_hash == plan_hash)
            if connection.scalar(known) is None:
                connection.execute(
                    insert(table).values(plan_hash=plan_hash, reason=reason, approved_at=at)
                )

    def saved_plans(self, run_key: str | None = None) -> list[SavedPlan]:
        """See the port."""
        plan, approval, intent = tables.payout_plan, tables.plan_approval, tables.payout_intent
        begun = select(intent.c.plan_hash).where(intent.c.plan_hash.is_not(None))
        query = (
            select(plan, approval.c.approved_at, approval.c.reason, plan.c.hash.in_(begun))
            .outerjoin(approval, approval.c.plan_hash == plan.c.hash)
            .order_by(plan.c.made_at.desc(), plan.c.hash)
        )
        if run_key is not None:
            query = query.where(plan.c.run_key == run_key)
        with reading(self.engine) as connection:
            return [
                SavedPlan(
                    row[0], row[1], json.loads(row[2]), row[3], row[4], row[5], row[6] or "", row[7]
                )
                for row in connection.execute(query)
            ]

    def reserved_between(self, since: datetime, until: datetime) -> int:
        """See the port."""
        intent, event = tables.payout_intent.c, tables.payout_event.c
        voided = select(event.intent_id).where(event.mark == "voided")
        with reading(self.engine) as connection:
            rows = connection.scalars(
                select(intent.amount_wei).where(
                    intent.created_at >= since,
                    intent.created_at < until,
                    intent.id.not_in(voided),
                )
            )
            return sum(rows)


def _first_earned(connection: Connection) -> Any:
    account, posting, entry = schema.account.c, schema.posting.c, schema.entry.c
    return connection.execute(
        select(account.worker, func.min(entry.posted_at, type_=entry.posted_at.type))
        .join(schema.posting, posting.account_id == account.id)
        .join(schema.entry, entry.id == posting.entry_id)
        .where(
            account.kind == AccountKind.PAYABLE.value,
            account.stream != "",
            posting.account_seq == 1,
        )
        .group_by(account.worker)
    )


def _thresholds(connection: Connection) -> Any:
    table = tables.payout_threshold.c
    return connection.execute(select(table.worker, table.threshold_wei).order_by(table.id))


def _blocks(connection: Connection) -> Any:
    table = tables.payout_block.c
    return connection.execute(select(table.worker, table.blocked, table.reason).order_by(table.id))
