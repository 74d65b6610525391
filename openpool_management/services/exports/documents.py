"""All documents of a publication, by key."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from openpool_management.services.exports.publication import Publication
from openpool_management.services.exports.statements import statement_csv
from openpool_management.services.exports.values import Document
from openpool_management.services.exports.worker_performance import worker_performance
from openpool_management.services.exports.worker_summary import worker_summary

JSON_TYPE = "application/json"
CSV_TYPE = "text/csv; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Published:
    """A document as it is written. dated: what it replaces is kept under a date."""

    key: str
    content: bytes
    content_type: str
    dated: bool = True


@dataclass(frozen=True, slots=True)
class Fixed:
    """A document that never changes once it is written, so it is made only where it is missing."""

    key: str
    make: Callable[[], bytes]
    content_type: str


def all_documents(publication: Publication) -> Iterator[Published]:
    """Every document, one after the other."""
    material = publication.material
    for stream in material.streams:
        yield json_document(f"{stream.prefix}worker_summary.json", worker_summary(material, stream))
        yield json_document(
            f"{stream.prefix}worker_performance.json", worker_performance(material, stream)
        )
    yield json_document("pool.json", publication.pool)
    yield json_document("payouts.json", publication.payouts)
    yield json_document("ranking.json", publication.ranking)
    yield json_document("quality.json", publication.quality)
    for worker in material.workers:
        yield json_document(f"workers/{worker}.json", publication.worker(worker))
        for month in publication.months(worker):
            key = f"statements/{worker}/{month.name}"
            statement = publication.statement(worker, month)
            yield json_document(f"{key}.json", statement)
            yield Published(f"{key}.csv", statement_csv(statement).encode(), CSV_TYPE)


def json_document(key: str, document: Document) -> Published:
    """A document as JSON: the same bytes for the same values. Raises ValueError for NaN."""
    text = json.dumps(document, indent=1, sort_keys=True, allow_nan=False)
    return Published(key, f"{text}\n".encode(), JSON_TYPE)
