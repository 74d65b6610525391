"""What payouts commit is on the disk, whatever a database does with the commits of others."""

from pathlib import Path

from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url

from openpool_management.domain.payouts.payout import PayoutState
from openpool_management_tests.payout_model.fake_chain import FakeChain
from openpool_management_tests.payout_rig import ETH_WEI, PayoutRig, worker_address
from openpool_management_tests.services.payouts.conftest import KEY

SYNCHRONOUS = {
    "postgresql": ("SHOW synchronous_commit", "on"),
    "sqlite": ("PRAGMA synchronous", 2),
}


def test_every_commit_of_payouts_waits_for_the_disk(
    tmp_path: Path, chain: FakeChain, ledger_url: str
) -> None:
    pool = PayoutRig.at(tmp_path, KEY, chain, url=ledger_url)
    pool.earn((worker_address(1), ETH_WEI))
    engine = pool.scratch.engine
    ask, durable = SYNCHRONOUS[engine.dialect.name]
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            name = make_url(ledger_url).database
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        engine.dispose()
        with engine.connect() as connection:
            assert connection.exec_driver_sql(ask).scalar_one() == "off"
    commits = []

    def about_to_commit(connection: Connection) -> None:
        commits.append(connection.exec_driver_sql(ask).scalar_one())

    event.listen(engine, "commit", about_to_commit)
    pool.pay()
    chain.finalize()
    pool.drive()
    assert pool.states() == [PayoutState.SETTLED]
    assert set(commits) == {durable}
    pool.scratch.close()
