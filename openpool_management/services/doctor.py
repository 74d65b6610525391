"""The doctor: whether each part of the pool works, and what to do about those that don't."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol, runtime_checkable

from openpool_management.services.archived_source import ArchivedSource
from openpool_management.services.commissions import setting_difference
from openpool_management.services.connections import PresenceRecords
from openpool_management.services.findings import Finding, Level, error, ok, warning
from openpool_management.services.ports import (
    Books,
    CommissionHistory,
    EventSource,
    Holds,
    Lake,
    Ledger,
    LedgerHealth,
)
from openpool_management.services.ports.archive import Archive
from openpool_management.services.quality import (
    RewrittenKeys,
    cut_off_findings,
    gap_findings,
    held_findings,
    rewritten_findings,
    unattributed_findings,
)

CLOCK_TOLERANCE = timedelta(seconds=60)
SHOWN = 5


class Versioning(Protocol):
    """Whether a bucket keeps versions: Enabled, Suspended, Off or Unknown, and why Unknown."""

    @property
    def status(self) -> str: ...

    @property
    def reason(self) -> str | None: ...


@runtime_checkable
class VersionedSource(Protocol):
    """An event source that may keep versions."""

    def versioning(self) -> Versioning:
        """Raises OSError as listing does."""
        ...


class Patient(Protocol):
    """The parts that are examined. Each may raise when it is asked for."""

    @property
    def source(self) -> EventSource: ...

    @property
    def lake(self) -> Lake: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def books(self) -> Books: ...

    @property
    def holds(self) -> Holds: ...

    @property
    def commissions(self) -> CommissionHistory: ...

    @property
    def presence(self) -> PresenceRecords: ...

    @property
    def rewritten_keys(self) -> RewrittenKeys: ...

    def health(self) -> LedgerHealth:
        """The state of the ledger's database."""
        ...

    def store_time(self) -> datetime | None:
        """What time the event log's store thinks it is, None where it has no clock of its own."""
        ...


class Limits(Protocol):
    """The settings that findings depend on."""

    @property
    def fee_bps(self) -> int: ...

    @property
    def unattributed_share(self) -> Decimal: ...

    @property
    def gap_factor(self) -> int: ...


def doctor(patient: Patient, limits: Limits, clock: Callable[[], datetime]) -> Iterator[Finding]:
    """Examine one part after the other. A part that raises is a finding; the others go on."""
    yield ok("settings", "All settings can be read.")
    yield from (found := list(_examined("event log", SOURCE_REMEDY, lambda: _source(patient))))
    if worst(found) is not Level.ERROR:
        yield from _examined("versioning", SOURCE_REMEDY, lambda: _versioning(patient))
        yield from _examined("clock", SOURCE_REMEDY, lambda: _clock(patient, clock))
    yield from _examined("archive", SOURCE_REMEDY, lambda: _archive(patient))
    yield from (found := list(_examined("ledger", LEDGER_REMEDY, lambda: _ledger(patient))))
    yield from _examined("lake", LAKE_REMEDY, lambda: _lake(patient))
    hanging: list[tuple[str, str, Callable[[], Iterator[Finding]]]] = [
        ("lake files", LAKE_REMEDY, lambda: _lake_files(patient)),
        ("commission", LEDGER_REMEDY, lambda: _commission(patient, limits, clock())),
        ("data", LEDGER_REMEDY, lambda: _data(patient, limits, clock())),
    ]
    for subject, remedy, part in hanging:
        if worst(found) is Level.ERROR:
            yield warning(subject, "Not examined: the ledger can't be reached.", LEDGER_REMEDY)
        else:
            yield from _examined(subject, remedy, part)
    yield ok("Dagster", DAGSTER)


DAGSTER = (
    "Dagster keeps its runs and ticks in DAGSTER_HOME where that is set, else in .openpool/dagster "
    "of the project for a `dagster dev` started there; nothing in the ledger depends on them."
)
SOURCE_REMEDY = (
    "Check S3_BUCKET, S3_ARCHIVE_BUCKET, S3_ENDPOINT and the AWS_ keys, or OPENPOOL_EVENTS_DIR; "
    "`openpool settings` shows them."
)
LEDGER_REMEDY = (
    "Check OPENPOOL_LEDGER_URL, and that the database runs and can be reached from here."
)
LAKE_REMEDY = "Check OPENPOOL_LAKE_URL, and that it can be written to from here."


def _examined(
    subject: str, remedy: str, part: Callable[[], Iterator[Finding]]
) -> Iterator[Finding]:
    try:
        yield from part()
    except Exception as failure:  # noqa: BLE001 - whatever is wrong is what the doctor is here for
        yield error(subject, f"It can't be examined: {_words(failure)}", remedy)


def _words(failure: Exception) -> str:
    # A database's error wraps the driver's, whose first line names host and reason.
    inner = getattr(failure, "orig", None) or failure
    lines = str(inner).strip().splitlines()
    return lines[0] if lines else type(failure).__name__


def _log(patient: Patient) -> EventSource:
    source = patient.source
    return source.log if isinstance(source, ArchivedSource) else source


def _archive_of(patient: Patient) -> Archive | None:
    source = patient.source
    return source.archive if isinstance(source, ArchivedSource) else None


def _source(patient: Patient) -> Iterator[Finding]:
    source = _log(patient)
    streams = source.streams()
    # A versioned bucket may list streams of which nothing but delete markers is left.
    objects = (next(source.objects(stream, None), None) for stream in streams)
    first = next((ref for ref in objects if ref is not None), None)
    if first is None and (archive := _archive_of(patient)) is not None and archive.holds_any():
        yield ok("event log", f"{source.name} can be listed; its objects are in {archive.name}.")
        return
    if first is None:
        yield warning(
            "event log",
            f"{source.name} can be listed, but holds no objects of a stream.",
            "Keys must begin with region/nodeType/: check the bucket, and POOL_S3_* of the "
            "orchestrators.",
        )
        return
    (fetched,) = source.fetch([first])
    if fetched.data is None:
        yield error("event log", fetched.error or f"{first.key} can't be read.", SOURCE_REMEDY)
    else:
        names = ", ".join(map(str, streams))
        yield ok("event log", f"{source.name} lists and reads; its streams are {names}.")


def _archive(patient: Patient) -> Iterator[Finding]:
    archive = _archive_of(patient)
    if archive is not None:
        number = "some" if archive.holds_any() else "no"
        yield ok("archive", f"{archive.name} can be listed; it holds {number} copies.")


def _versioning(patient: Patient) -> Iterator[Finding]:
    source = _log(patient)
    if not isinstance(source, VersionedSource):
        yield ok("versioning", f"{source.name} is a directory, which keeps no versions.")
        return
    versioning = source.versioning()
    loss = "two flushes under one key overwrite each other, and the first is lost unless read"
    remedy = "Switch versioning on, and give each orchestrator a region name of its own."
    match versioning.status:
        case "Enabled":
            yield ok("versioning", f"{source.name} keeps versions: nothing overwritten is lost.")
        case "Suspended":
            sentence = f"{source.name} keeps old versions but makes no new ones: {loss}."
            yield warning("versioning", sentence, remedy)
        case "Off":
            sentence = f"{source.name} keeps no versions: {loss}."
            yield warning("versioning", sentence, remedy)
        case _:
            sentence = versioning.reason or f"{source.name} did not say whether it keeps versions."
            yield warning("versioning", sentence, remedy)


def _clock(patient: Patient, clock: Callable[[], datetime]) -> Iterator[Finding]:
    theirs, ours = patient.store_time(), clock()
    if theirs is None:
        yield ok("clock", "The event log has no clock of its own.")
        return
    difference = abs(ours - theirs)
    seconds = int(difference.total_seconds())
    if difference > CLOCK_TOLERANCE:
        yield warning(
            "clock",
            f"This machine's clock and the store's are {seconds} s apart.",
            "Set this machine's clock by NTP: requests are refused when it is far off, and events "
            "more than a day ahead of it are held.",
        )
    else:
        yield ok("clock", f"This machine's clock and the store's are {seconds} s apart.")


def _ledger(patient: Patient) -> Iterator[Finding]:
    health = patient.health()
    if health.kind == "sqlite" and health.journal_mode != "wal":
        yield warning(
            "ledger",
            f"SQLite's journal mode is {health.journal_mode} instead of wal.",
            "Put the ledger on a local disk: network file systems don't bear WAL.",
        )
    else:
        journal = f", journal mode {health.journal_mode}" if health.journal_mode else ""
        sentence = f"A {health.kind} database at schema revision {health.revision}{journal}."
        yield ok("ledger", sentence)


def _lake(patient: Patient) -> Iterator[Finding]:
    patient.lake.probe()
    yield ok("lake", "It can be written to.")


def _lake_files(patient: Patient) -> Iterator[Finding]:
    latest = datetime.max.replace(tzinfo=UTC)
    earliest = datetime.min.replace(tzinfo=UTC)
    files = [
        file
        for stream in sorted(patient.books.event_totals())
        for file in patient.ledger.lake_files(stream, earliest, latest)
    ]
    missing = patient.lake.missing(files)
    if missing:
        shown = ", ".join(file.name for file in missing[:SHOWN])
        yield error(
            "lake files",
            f"{len(missing)} of {len(files)} files that the ledger names are not in the lake: "
            f"{shown}.",
            "Restore them from a backup, or check that OPENPOOL_LAKE_URL is the ledger's own lake.",
        )
    else:
        yield ok("lake files", f"All {len(files)} files that the ledger names are there.")


def _commission(patient: Patient, limits: Limits, now: datetime) -> Iterator[Finding]:
    difference = setting_difference(patient.commissions.rates(), limits.fee_bps, now)
    if difference is None:
        yield ok("commission", "POOL_COMMISSION_RATE is the ledger's default commission.")
    else:
        sentence, _, remedy = difference.partition(" To change the commission, ")
        remedy = f"To change the commission, {remedy}" if remedy else "See `openpool commission`."
        yield warning("commission", sentence, remedy)


def _data(patient: Patient, limits: Limits, now: datetime) -> Iterator[Finding]:
    yield from held_findings(patient.holds.items(decided=False))
    yield from unattributed_findings(patient.books.standings(), limits.unattributed_share)
    for stream in sorted(patient.books.event_totals()):
        yield from gap_findings(patient.ledger, stream, now, limits.gap_factor)
        yield from rewritten_findings(patient.rewritten_keys, stream)
        yield from cut_off_findings(patient.presence, stream)


def worst(findings: list[Finding]) -> Level:
    """The gravest level among findings, OK for none."""
    levels = {finding.level for finding in findings}
    return next((level for level in (Level.ERROR, Level.WARNING) if level in levels), Level.OK)
