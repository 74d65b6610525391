"""The pool as a Dagster resource."""

import dagster as dg
from pydantic import PrivateAttr

from openpool_management.payout_desk import PayoutDesk
from openpool_management.pool import Pool
from openpool_management.settings import Settings, load_settings


class PoolResource(dg.ConfigurableResource["PoolResource"]):
    """A Pool for one run or one tick.

    It takes its options from the environment of the process that does the work, when it does it:
    Dagster shows and stores a resource's config, which is no place for a secret.
    """

    _pool: Pool | None = PrivateAttr(default=None)
    _desk: PayoutDesk | None = PrivateAttr(default=None)

    def load(self) -> Settings:
        """The options. Raises SettingsError, a sentence for each wrong one."""
        return load_settings()

    @property
    def pool(self) -> Pool:
        """The pool. Raises SettingsError as load does."""
        if self._pool is None:
            self._pool = Pool(self.load())
        return self._pool

    @property
    def desk(self) -> PayoutDesk:
        """Payouts of the pool; the key is loaded when something is to be signed."""
        if self._desk is None:
            self._desk = PayoutDesk(self.pool)
        return self._desk

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Let go of the ledger's connections."""
        # Asking for the engine would make one, and with it a ledger that nobody wanted.
        if self._pool is not None and "engine" in vars(self._pool):
            self._pool.engine.dispose()
        self._pool = self._desk = None
