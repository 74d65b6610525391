"""Settle a batch: from the bytes of a stream's objects to one Batch, ready to be committed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from openpool_management.domain.batch import Batch, BatchKind, Decision, ReadObject, batch_id
from openpool_management.domain.commission import with_commission
from openpool_management.domain.correlation import PairRules
from openpool_management.domain.event_frame import decode_events
from openpool_management.domain.holds import WHOLE_OBJECT, HeldItem, HoldReason
from openpool_management.domain.lake_rows import LAKE_SCHEMA, with_address
from openpool_management.domain.posting import attributions_of, entries_of, unattributed_of
from openpool_management.domain.presence import presence_of
from openpool_management.domain.streams import ObjectTimes, Stream, times_of_key
from openpool_management.services.deduplication import drop_repeats
from openpool_management.services.history import StreamHistory
from openpool_management.services.pairing import MOVED_SCHEMA, Pairing, attribute_jobs
from openpool_management.services.ports import Fetched, Lake, Ledger, ObjectRef, StreamHead

DECODE_CHUNK_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class DecodedObjects:
    """Objects of one stream and their events; no ledger was asked about them.

    release is the operator's decision that brings back a held event of an object read before;
    read_at is when that object was read.
    """

    stream: Stream
    read_at: datetime
    objects: list[ReadObject]
    events: pl.DataFrame
    held: list[HeldItem]
    release: Decision | None = None


def decode_objects(stream: Stream, fetched: Iterable[Fetched], read_at: datetime) -> DecodedObjects:
    """Decode objects that were read (data is not None), given in key order.

    Bytes are let go of as they are decoded, some megabytes at a time.
    """
    objects: list[ReadObject] = []
    frames: list[pl.DataFrame] = []
    held: list[HeldItem] = []
    chunk: list[tuple[int, bytes]] = []
    chunk_bytes = 0
    seen: set[tuple[str, str]] = set()

    def decode_chunk() -> None:
        frame, items = decode_events(stream, chunk, read_at)
        frames.append(frame)
        held.extend(items)
        chunk.clear()

    for one in fetched:
        ref = one.ref
        # An object overwritten between two listings can come back under two refs.
        if one.data is None or (ref.key, ref.etag) in seen:
            continue
        seen.add((ref.key, ref.etag))
        times = times_of_key(stream, ref.key)
        if times is None:
            held.append(_bad_key(len(objects), ref))
        else:
            chunk.append((len(objects), one.data))
            chunk_bytes += len(one.data)
        objects.append(_read_object(ref, times, read_at))
        if chunk_bytes >= DECODE_CHUNK_BYTES:
            decode_chunk()
            chunk_bytes = 0
    decode_chunk()
    events = pl.concat(frames)
    counts = dict(events.group_by("object_no").len().rows())
    objects = [replace(one, events=counts.get(no, 0)) for no, one in enumerate(objects)]
    return DecodedObjects(stream, read_at, objects, events, held)


def settle(
    decoded: DecodedObjects,
    head: StreamHead,
    ledger: Ledger,
    lake: Lake,
    rules: PairRules,
) -> Batch:
    """Work out what a set of decoded objects adds to the ledger, and write its lake file.

    The batch may be committed as long as head is the stream's head. Until then the file counts for
    nothing.
    """
    stream = decoded.stream
    history = StreamHistory(stream, ledger, lake)
    events, duplicates, conflicts = drop_repeats(stream, decoded.events, history)
    events = with_address(events, decoded.objects)
    pairing = (
        attribute_jobs(events, history, rules)
        if stream.node_type == "ai"
        else Pairing(events, pl.DataFrame(schema=MOVED_SCHEMA))
    )
    jobs = with_commission(
        pairing.events.filter(pl.col("event_type") == "job-processed"), head.rates
    )
    release = decoded.release
    kind = BatchKind.RELEASE if release else BatchKind.OBJECTS
    parts = [release.subject] if release else [f"{one.key}\0{one.etag}" for one in decoded.objects]
    identity = batch_id(stream, kind, parts)
    rows = _lake_rows(pairing.events, jobs)
    lake_file = lake.write(stream, identity, rows) if rows.height else None
    return Batch(
        id=identity,
        stream=stream,
        seq=head.seq + 1,
        kind=kind,
        read_at=release.decided_at if release else decoded.read_at,
        rates_seen=len(head.rates),
        objects=tuple(decoded.objects),
        counts=dict(events.group_by("event_type").len().sort("event_type").rows()),
        duplicates=duplicates,
        held=(*decoded.held, *conflicts),
        entries=entries_of(identity, stream, jobs, pairing.moved, head.rates),
        unattributed=unattributed_of(jobs) + unattributed_of(_as_moved(pairing.moved)),
        attributions=attributions_of(pairing.moved),
        presence=presence_of(events),
        lake_file=lake_file,
        released=release.subject if release else None,
        subject=release.subject if release else "",
        reason=release.reason if release else "",
    )


def _as_moved(moved: pl.DataFrame) -> pl.DataFrame:
    """Moved jobs under their new workers: one that lost its pair to another job is nobody's too."""
    return moved.with_columns(worker="new_worker")


def _lake_rows(events: pl.DataFrame, jobs: pl.DataFrame) -> pl.DataFrame:
    rates = jobs.select("event_id", "fee_bps")
    rows = events.join(rates, on="event_id", how="left", maintain_order="left")
    return rows.select(pl.col(name).cast(dtype) for name, dtype in LAKE_SCHEMA.items())


def _read_object(ref: ObjectRef, times: ObjectTimes | None, read_at: datetime) -> ReadObject:
    return ReadObject(
        key=ref.key,
        version_id=ref.version_id or "",
        etag=ref.etag,
        size_bytes=ref.size_bytes,
        last_modified=ref.last_modified,
        start=times.start if times else None,
        end=times.end if times else None,
        read_at=read_at,
        events=0,
    )


def _bad_key(object_no: int, ref: ObjectRef) -> HeldItem:
    return HeldItem(
        object_no,
        WHOLE_OBJECT,
        HoldReason.BAD_KEY,
        f"The key {ref.key} is not of the form region/nodeType/region-nodeType-start_end.json.",
    )
