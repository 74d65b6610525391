"""The documents of one moment, each made when it is first asked for."""

from dataclasses import dataclass, field
from functools import cached_property

from openpool_management.domain.worker_history import Month, months
from openpool_management.services.exports.material import Material
from openpool_management.services.exports.payouts import payouts_document
from openpool_management.services.exports.pool import pool_document
from openpool_management.services.exports.quality import quality_document
from openpool_management.services.exports.ranking import ranking_document
from openpool_management.services.exports.statements import statement_document
from openpool_management.services.exports.values import Document
from openpool_management.services.exports.worker import worker_document


@dataclass
class Publication:
    """What files, pages and the API state: all three read the same documents."""

    material: Material
    _workers: dict[str, Document] = field(default_factory=dict, repr=False)

    @cached_property
    def pool(self) -> Document:
        """``pool.json``."""
        return pool_document(self.material)

    @cached_property
    def payouts(self) -> Document:
        """``payouts.json``."""
        return payouts_document(self.material)

    @cached_property
    def ranking(self) -> Document:
        """``ranking.json``."""
        return ranking_document(self.material)

    @cached_property
    def quality(self) -> Document:
        """``quality.json``."""
        return quality_document(self.material)

    @cached_property
    def workers(self) -> frozenset[str]:
        """Addresses of the workers that have a document."""
        return frozenset(self.material.workers)

    def worker(self, address: str) -> Document:
        """``workers/{address}.json``. Raises KeyError for an address that is not in workers."""
        if address not in self.workers:
            raise KeyError(address)
        if address not in self._workers:
            self._workers[address] = worker_document(self.material, address)
        return self._workers[address]

    def months(self, address: str) -> list[Month]:
        """The months that a worker has a statement of, oldest first."""
        history = self.material.ledger.histories.get(address)
        return list(months(history)) if history else []

    def statement(self, address: str, month: Month) -> Document:
        """``statements/{address}/{YYYY-MM}.json``."""
        return statement_document(self.material, address, month)
