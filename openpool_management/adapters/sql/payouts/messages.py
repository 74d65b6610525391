"""Pauses, blocked workers, and messages for the operator, in SQL."""

import json
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import takewhile

from sqlalchemy import Connection, Engine, insert, select

from openpool_management.adapters.sql.books import reading
from openpool_management.adapters.sql.payouts import tables
from openpool_management.domain.payouts.payout import Event, Payout
from openpool_management.services.ports.payouts import Lease, Message, Pause


class SqlMessages(ABC):
    """The part of the PayoutBook that people take part in."""

    engine: Engine

    def pause(self) -> Pause | None:
        """See the port."""
        table = tables.payout_pause.c
        with reading(self.engine) as connection:
            row = connection.execute(
                select(table.paused, table.reason, table.asked_by, table.at)
                .order_by(table.id.desc())
                .limit(1)
            ).first()
        return None if row is None else Pause(bool(row[0]), row[1], row[2], row[3])

    def set_pause(self, pause: Pause) -> None:
        """See the port."""
        with self._writing() as connection:
            connection.execute(
                insert(tables.payout_pause).values(
                    paused=int(pause.paused),
                    reason=pause.reason,
                    asked_by=pause.asked_by,
                    at=pause.at,
                )
            )

    def set_block(self, worker: str, blocked: bool, reason: str, at: datetime) -> None:
        """See the port."""
        with self._writing() as connection:
            self._write_block(connection, worker, blocked, reason, at)

    def block_reasons(self, worker: str) -> list[str]:
        """See the port."""
        table = tables.payout_block.c
        query = select(table.blocked, table.reason).where(table.worker == worker)
        with reading(self.engine) as connection:
            newest_first = connection.execute(query.order_by(table.id.desc()))
            return [row.reason for row in takewhile(lambda row: row.blocked, newest_first)]

    def set_threshold(
        self, worker: str, threshold_wei: int | None, reason: str, at: datetime
    ) -> None:
        """See the port."""
        with self._writing() as connection:
            connection.execute(
                insert(tables.payout_threshold).values(
                    worker=worker, threshold_wei=threshold_wei, reason=reason, set_at=at
                )
            )

    def tell(self, dedupe_key: str, subject: str, document: str, at: datetime) -> None:
        """See the port."""
        with self._writing() as connection:
            _put(connection, dedupe_key, subject, document, at)

    def told(self, dedupe_key: str) -> bool:
        """See the port."""
        key = tables.outbox.c.dedupe_key
        with reading(self.engine) as connection:
            return connection.scalar(select(key).where(key == dedupe_key)) is not None

    def undelivered(self) -> list[Message]:
        """See the port."""
        table = tables.outbox.c
        confirmed = select(tables.outbox_delivery.c.outbox_id)
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(table.id, table.subject, table.document)
                .where(table.id.not_in(confirmed))
                .order_by(table.id)
            )
            return [Message(*row) for row in rows]

    def delivered(self, message: Message, at: datetime) -> None:
        """See the port."""
        with self._writing() as connection:
            known = select(tables.outbox_delivery.c.outbox_id)
            if message.id not in set(connection.scalars(known)):
                connection.execute(
                    insert(tables.outbox_delivery).values(outbox_id=message.id, delivered_at=at)
                )

    @staticmethod
    def _write_block(
        connection: Connection, worker: str, blocked: bool, reason: str, at: datetime
    ) -> None:
        connection.execute(
            insert(tables.payout_block).values(
                worker=worker, blocked=int(blocked), reason=reason, set_at=at
            )
        )

    @staticmethod
    def _tell_of(
        connection: Connection, key: str, subject: str, payout: Payout, event: Event
    ) -> None:
        document = {
            "payout_id": payout.id,
            "worker": payout.intent.worker,
            "amount_wei": str(payout.intent.amount_wei),
            "tx_hash": event.tx_hash,
            "detail": event.detail,
        }
        _put(connection, key, subject, json.dumps(document), event.at)

    @abstractmethod
    def _writing(self, lease: Lease | None = None) -> AbstractContextManager[Connection]: ...


def _put(
    connection: Connection, dedupe_key: str, subject: str, document: str, at: datetime
) -> None:
    table = tables.outbox
    known = connection.scalar(select(table.c.id).where(table.c.dedupe_key == dedupe_key))
    if known is None:
        connection.execute(
            insert(table).values(
                dedupe_key=dedupe_key, subject=subject, document=document, made_at=at
            )
        )
