"""Triggers that bind what is signed to what was set aside, in each database's terms.

Migrations call these functions, so a change here needs a migration that calls them again.
"""

from collections.abc import Iterator

_REFUSAL = "a transaction pays exactly what its payout says, or cancels it"
_MATCH = (
    "SELECT 1 FROM tx_slot s JOIN payout_intent i ON i.id = s.intent_id WHERE s.id = NEW.slot_id "
    "AND ((NEW.purpose = 'payout' AND i.to_address = NEW.to_address "
    "AND i.amount_wei = NEW.value_wei) OR (NEW.purpose = 'cancel' "
    "AND s.sender = NEW.to_address AND NEW.value_wei = '0'))"
)


def bound_attempts(dialect: str) -> Iterator[str]:
    """Statements that refuse an attempt whose recipient or value is not its payout's."""
    if dialect == "postgresql":
        yield (
            "CREATE FUNCTION check_attempt_is_bound() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NOT EXISTS ({_MATCH}) THEN RAISE EXCEPTION '{_REFUSAL}'; END IF; "
            "RETURN NEW; END $$"
        )
        yield (
            "CREATE TRIGGER tx_attempt_is_bound BEFORE INSERT ON tx_attempt "
            "FOR EACH ROW EXECUTE FUNCTION check_attempt_is_bound()"
        )
        return
    yield (
        "CREATE TRIGGER tx_attempt_is_bound BEFORE INSERT ON tx_attempt "
        f"WHEN NOT EXISTS ({_MATCH}) BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    )
