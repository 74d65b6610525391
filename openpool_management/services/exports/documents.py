"""All documents of a publication, by key."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from openpool_management.domain.worker_history import months
from openpool_management.services.exports.material import Material
from openpool_management.services.exports.payouts import payouts_document
from openpool_management.services.exports.pool import pool_document
from openpool_management.services.exports.statements import statement_csv, statement_document
from openpool_management.services.exports.values import Document
from openpool_management.services.exports.worker import worker_document
from openpool_management.services.exports.worker_performance import worker_performance
from openpool_management.services.exports.worker_summary import worker_summary

JSON_TYPE = "application/json"
CSV_TYPE = "text/csv; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Published:
    """A document as it is written."""

    key: str
    content: bytes
    content_type: str


def all_documents(material: Material) -> Iterator[Published]:
    """Every document, one after the other."""
    for stream in material.streams:
        yield json_document(f"{stream.prefix}worker_summary.json", worker_summary(material, stream))
        yield json_document(
            f"{stream.prefix}worker_performance.json", worker_performance(material, stream)
        )
    yield json_document("pool.json", pool_document(material))
    yield json_document("payouts.json", payouts_document(material))
    for worker in material.workers:
        yield json_document(f"workers/{worker}.json", worker_document(material, worker))
    for worker, history in sorted(material.ledger.histories.items()):
        for month in months(history):
            key = f"statements/{worker}/{month.name}"
            statement = statement_document(material, worker, month)
            yield json_document(f"{key}.json", statement)
            yield Published(f"{key}.csv", statement_csv(statement).encode(), CSV_TYPE)


def json_document(key: str, document: Document) -> Published:
    """A document as JSON: the same bytes for the same values. Raises ValueError for NaN."""
    text = json.dumps(document, indent=1, sort_keys=True, allow_nan=False)
    return Published(key, f"{text}\n".encode(), JSON_TYPE)
