"""An event ID that comes with two times, which the emitter never writes, does not stop a stream."""

from pathlib import Path

from openpool_management.domain.invariants import broken_invariants
from openpool_management.pool import Pool
from openpool_management.settings import Settings
from openpool_management_tests.log_objects import AI, ALICE, body, key, processed, received


def test_one_id_with_two_times_is_paired_once(tmp_path: Path) -> None:
    events = tmp_path / "events"
    events.mkdir()
    pool = Pool(Settings(home=tmp_path / "home", events_dir=events))
    first = processed(1, request="aaaaaaaa")
    again = {**processed(1801, request="bbbbbbbb"), "ID": first["ID"]}
    answers = [received(ALICE, 0, request="aaaaaaaa"), received(ALICE, 1700, request="bbbbbbbb")]
    for name, content in (
        (key(AI, 1), [first]),
        (key(AI, 1801), [again]),
        (key(AI, 0), answers),
    ):
        path = events / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body(content))
        for outcome in pool.ingest.sync(AI):
            assert outcome.batch is not None
    balances = {one.account: one.balance_wei for one in pool.books.standings()}
    assert broken_invariants(balances) == []
    pool.engine.dispose()
