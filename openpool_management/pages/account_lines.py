"""Lines of a worker's account as pages show them. What operators wrote on them stays out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from openpool_management.domain.audit import PostedLine
from openpool_management.domain.journal import key_facts
from openpool_management.domain.money import format_percent
from openpool_management.services.audit_trail import AuditTrail
from openpool_management.services.exports.publication import Publication
from openpool_management.services.exports.values import Document, time_text
from openpool_management.services.statement import Statement, StatementLine
from openpool_management.services.statement_jobs import LineJob

LINES_SHOWN = 20
JOBS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class LinesPart:
    """Lines of whole entries, newest first. older: the entry to go on before, None at the end."""

    lines: list[PostedLine]
    older: int | None


def lines_part(
    publication: Publication, trail: AuditTrail, worker: str, before: int | None = None
) -> LinesPart:
    """Some LINES_SHOWN of the lines that a worker's balance in a publication is made of.

    The ledger may have more of them by the time when a page is made. before: only those of entries
    with lower numbers. An entry is never cut, however many lines it has.
    """
    last_lines = publication.material.ledger.last_lines
    found = trail.records.statement(worker, LINES_SHOWN + 1, last_lines, before)
    if len(found) <= LINES_SHOWN:
        return LinesPart(found, None)
    cut = found[LINES_SHOWN].entry_number
    whole = [one for one in found if one.entry_number > cut]
    if whole:
        return LinesPart(whole, whole[-1].entry_number)
    more = trail.records.statement(worker, 1, last_lines, cut)
    return LinesPart(trail.records.entry_lines(worker, cut), cut if more else None)


def account_lines(lines: Iterable[PostedLine]) -> list[Document]:
    """A row for each line. entry leads to its jobs, payout_id to the payout it is of."""
    return [
        {
            "entry": one.entry_number,
            "posted_at": time_text(one.posted_at),
            "label": key_facts(one.posting_key).title,
            "payout_id": key_facts(one.posting_key).payout_id,
            "stream": one.account.stream,
            "pipeline": one.account.pipeline,
            "model": one.account.model,
            "jobs": one.jobs,
            "amount_wei": one.amount_wei,
        }
        for one in lines
    ]


@dataclass(frozen=True, slots=True)
class EntryPart:
    """A part of an entry's jobs, JOBS_SHOWN of each line at most. number counts parts from 1."""

    number: int
    last: int
    lines: list[Document]


def entry_part(statement: Statement, number: int) -> EntryPart | None:
    """A part of the lines of one entry with their jobs; None where there is no such part."""
    most = max((len(one.jobs) for one in statement.lines), default=0)
    last = max(-(-most // JOBS_SHOWN), 1)
    if not 1 <= number <= last or not statement.lines:
        return None
    first = (number - 1) * JOBS_SHOWN
    return EntryPart(number, last, [_line(one, first) for one in statement.lines])


def _line(one: StatementLine, first: int) -> Document:
    return {
        "pipeline": one.line.account.pipeline,
        "model": one.line.account.model,
        "amount_wei": one.line.amount_wei,
        "jobs": one.line.jobs,
        "compute_units": one.line.compute_units,
        "error": one.error,
        "hidden": max(len(one.jobs) - JOBS_SHOWN, 0),
        "rows": _jobs(one.jobs[first : first + JOBS_SHOWN]),
    }


def _jobs(jobs: Sequence[LineJob]) -> list[Document]:
    return [
        {
            "event_id": job.event_id,
            "dt": time_text(job.dt),
            "object_key": job.object_key,
            "object_version": job.object_version,
            "object_index": job.object_index,
            "compute_units": job.compute_units,
            "fees_wei": job.fees_wei,
            "fee_percent": format_percent(job.fee_bps),
            "net_wei": job.net_wei,
            "cause": job.cause.value if job.cause else "",
        }
        for job in jobs
    ]
