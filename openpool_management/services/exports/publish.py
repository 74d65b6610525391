"""Publishing: only what changed is written, and what it replaces is kept under a date."""

import json
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from openpool_management.services.exports.documents import JSON_TYPE, Fixed, Published
from openpool_management.services.ports.documents import DocumentStore

TIMESTAMP = "export_timestamp"
_AS_OF = re.compile(rb'<span id="as-of">.*?</span>')
"""Where a page says when it was made."""


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What was done, as keys: written (for the first time or again), unchanged, kept in history."""

    store: str
    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    kept: tuple[str, ...]


def publish(
    documents: Iterable[Published | Fixed], store: DocumentStore, now: datetime, threads: int = 1
) -> PublishReport:
    """Write the documents that say something else than those in the store.

    The time of the export alone is no change: an unchanged document keeps the time at which it
    first said this. Of what is replaced on a day by UTC, the first is kept under
    ``history/{YYYY-MM-DD}/``. Raises OSError where the store can't be read or written; what was
    written by then stays, and the next publication goes on.
    """
    day = f"{now.astimezone(UTC):%Y-%m-%d}"
    with ThreadPoolExecutor(threads) as pool:
        done = list(pool.map(partial(_publish, store, day), documents))
    return PublishReport(
        store.name,
        tuple(key for key, written, _ in done if written),
        tuple(key for key, written, _ in done if not written),
        tuple(kept for _, _, kept in done if kept),
    )


def _publish(store: DocumentStore, day: str, document: Published | Fixed) -> tuple[str, bool, str]:
    """(key, whether it was written, the key under which the one before was kept)."""
    before = store.read(document.key)
    if isinstance(document, Fixed):
        if before is None:
            store.write(document.key, document.make(), document.content_type)
        return document.key, before is None, ""
    if before is not None and _says(before, document) == _says(document.content, document):
        return document.key, False, ""
    kept = ""
    if before is not None and document.dated:
        history = f"history/{day}/{document.key}"
        if store.read(history) is None:
            store.write(history, before, document.content_type)
            kept = history
    store.write(document.key, document.content, document.content_type)
    return document.key, True, kept


def _says(content: bytes, document: Published) -> Any:
    """What a document says apart from when it was exported."""
    if document.content_type != JSON_TYPE:
        return _AS_OF.sub(b"", content, count=1)
    try:
        said = json.loads(content)
    except ValueError:
        return content
    return (
        {name: said[name] for name in said if name != TIMESTAMP} if isinstance(said, dict) else said
    )
