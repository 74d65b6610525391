"""Triggers that keep the ledger append-only and its entries balanced, in each database's terms.

Migrations call these functions, so a change here needs a migration that calls them again.
"""

from collections.abc import Iterator

_REFUSAL = "rows of the ledger are never changed or deleted: post a correcting entry"
_LATE_POSTING = "an entry takes postings only in the transaction that made it"


def append_only(dialect: str, table: str) -> Iterator[str]:
    """Statements that make a table refuse UPDATE and DELETE."""
    if dialect == "postgresql":
        yield (
            f"CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for action in ("UPDATE", "DELETE"):
        yield (
            f"CREATE TRIGGER {table}_refuses_{action.lower()} BEFORE {action} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        )


def functions(dialect: str) -> Iterator[str]:
    """What the triggers call, on PostgreSQL."""
    if dialect != "postgresql":
        return
    yield (
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{_REFUSAL}'; END $$"
    )
    yield (
        "CREATE FUNCTION check_entry_is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF (SELECT COALESCE(SUM(amount_wei), 0) FROM posting WHERE entry_id = NEW.id) <> 0 THEN "
        "RAISE EXCEPTION 'entry % is out of balance', NEW.posting_key; END IF; RETURN NULL; END $$"
    )
    yield (
        "CREATE FUNCTION check_entry_is_young() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NOT EXISTS (SELECT 1 FROM entry WHERE id = NEW.entry_id "
        "AND xmin = pg_current_xact_id()::xid) THEN "
        f"RAISE EXCEPTION '{_LATE_POSTING}'; END IF; RETURN NEW; END $$"
    )


def balanced_entries(dialect: str) -> Iterator[str]:
    """Statements that check an entry's sum at commit (PostgreSQL) and refuse late postings.

    SQLite can't add numbers beyond 64 bits, so there the sum is checked before the commit only.
    """
    if dialect == "postgresql":
        yield (
            "CREATE CONSTRAINT TRIGGER entry_is_balanced AFTER INSERT ON entry "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_entry_is_balanced()"
        )
        for table in ("posting", "work_posting"):
            yield (
                f"CREATE TRIGGER {table}_is_in_time BEFORE INSERT ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION check_entry_is_young()"
            )
        return
    for table in ("posting", "work_posting"):
        yield (
            f"CREATE TRIGGER {table}_is_in_time BEFORE INSERT ON {table} "
            "WHEN NEW.entry_id < (SELECT MAX(id) FROM entry) "
            f"BEGIN SELECT RAISE(ABORT, '{_LATE_POSTING}'); END"
        )
