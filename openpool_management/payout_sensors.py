"""What starts payouts and settlements by itself, and what tells of them.

None of the sensors asks the chain. They decide nothing about money: the ledger does, in the run.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import dagster as dg

from openpool_management.adapters.webhook import post_alert
from openpool_management.domain.payouts.mode import PayoutMode
from openpool_management.jobs import UNFINISHED, payout_job, settlement_job
from openpool_management.partitions import WALLET_TAG, payout_day
from openpool_management.resources import PoolResource
from openpool_management.services.payouts.approvals import approved_plans, why_void

PAYOUTS_OFF = "Payouts are off: set OPENPOOL_PAYOUTS to dry-run to try them, then to live."

PAYOUT_INTERVAL_SECONDS = 300
SETTLEMENT_INTERVAL_SECONDS = 60
MESSAGES_A_TICK = 50
LONGEST_WAIT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The last request: a digest of what it was for, how often in a row, and when."""

    digest: str
    times: int
    at: datetime


@dg.sensor(
    name="payout_sensor",
    job=payout_job,
    minimum_interval_seconds=PAYOUT_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Requests the payouts of the day when somebody is due, or when a plan was "
    "approved. Its cursor only spaces out attempts that changed nothing: losing it loses nothing.",
    tags={"domain": "payouts", "team": "openpool"},
)
def payout_sensor(
    context: dg.SensorEvaluationContext, openpool: PoolResource
) -> dg.SensorResult | dg.SkipReason:
    """One run of today for those who are due."""
    if openpool.load().payouts is PayoutMode.OFF:
        return dg.SkipReason(PAYOUTS_OFF)
    desk = openpool.desk
    now, pause = desk.clock(), desk.book.pause()
    if pause is not None and pause.paused:
        # Without a memory, so that the first tick after a resume asks at once.
        reason = f"Payouts are paused by the {pause.asked_by}: {pause.reason}"
        return dg.SensorResult(skip_reason=reason, cursor="")
    if busy := wallet_is_busy(context.instance):
        return dg.SkipReason(busy)
    day = payout_day(now)
    plan = desk.plan(day, ask_chain=False)
    approved = [
        one.hash
        for one in approved_plans(desk.planner, now)
        if not why_void(desk.planner, one, now)
    ]
    if not plan.payments and not approved:
        return dg.SensorResult(skip_reason=f"Nobody is due on {day}.", cursor="")
    # Whom, not how much: fees that come in would make every plan look untried.
    due = [day, *approved, *sorted(payment.worker for payment in plan.payments)]
    wait = timedelta(seconds=PAYOUT_INTERVAL_SECONDS)
    asked = _ask_again(context.cursor, due, wait, now)
    if asked is None:
        return dg.SkipReason(
            f"{len(plan.payments)} workers are due as they were at the last run: it is tried again "
            "later. The check payouts_unhindered says what stands in the way."
        )
    return dg.SensorResult([dg.RunRequest(partition_key=day)], cursor=asked)


@dg.sensor(
    name="settlement_sensor",
    job=settlement_job,
    minimum_interval_seconds=SETTLEMENT_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Requests settlement_job while payouts are under way, less often while nothing "
    "comes of it.",
    tags={"domain": "payouts", "team": "openpool"},
)
def settlement_sensor(
    context: dg.SensorEvaluationContext, openpool: PoolResource
) -> dg.SensorResult | dg.SkipReason:
    """A run that looks at what is under way."""
    if openpool.load().payouts is PayoutMode.OFF:
        return dg.SkipReason(PAYOUTS_OFF)
    desk = openpool.desk
    if busy := wallet_is_busy(context.instance):
        return dg.SkipReason(busy)
    payouts = desk.book.open_payouts()
    if not payouts:
        return dg.SensorResult(skip_reason="No payout is under way.", cursor="")
    facts = [f"{one.id} {one.state} {len(one.events)} {len(one.slots)}" for one in payouts]
    wait = timedelta(seconds=SETTLEMENT_INTERVAL_SECONDS)
    asked = _ask_again(context.cursor, facts, wait, desk.clock())
    if asked is None:
        return dg.SkipReason(
            f"{len(payouts)} payouts are under way and stand as at the last look: they are looked "
            "at again later."
        )
    return dg.SensorResult([dg.RunRequest()], cursor=asked)


@dg.sensor(
    name="payout_alert",
    minimum_interval_seconds=SETTLEMENT_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Posts what operators have to know of payouts to OPENPOOL_ALERT_WEBHOOK_URL, each "
    "message at least once. Without that option they stay in the ledger, and hold up nothing.",
    tags={"domain": "alerts", "team": "openpool"},
)
def payout_alert(openpool: PoolResource) -> dg.SkipReason:
    """Messages of the outbox, confirmed one by one. It neither starts a run nor pays."""
    url = openpool.load().alert_webhook_url
    if url is None:
        return dg.SkipReason("Set OPENPOOL_ALERT_WEBHOOK_URL to be told of payouts.")
    desk = openpool.desk
    messages = desk.book.undelivered()[:MESSAGES_A_TICK]
    for message in messages:
        document = json.loads(message.document)
        about = ", ".join(f"{name} {value}" for name, value in document.items() if value)
        text = f"openpool: {message.subject}: {about}"
        alert = {"text": text, "id": message.id, "subject": message.subject} | document
        post_alert(url.get_secret_value(), alert)
        desk.book.delivered(message, desk.clock())
    return dg.SkipReason(f"{len(messages)} messages were delivered.")


def wallet_is_busy(instance: dg.DagsterInstance, job: str | None = None) -> str:
    """A sentence when a run of the wallet, or of one job, has not finished; else nothing."""
    tags = {WALLET_TAG: "payouts"}
    runs = instance.get_runs(dg.RunsFilter(job_name=job, statuses=UNFINISHED, tags=tags), limit=1)
    return f"Run {runs[0].run_id} of {runs[0].job_name} is not finished." if runs else ""


def _ask_again(
    cursor: str | None, subject: Iterable[str], first_wait: timedelta, now: datetime
) -> str | None:
    """The cursor of a request to make now, None to wait: the wait doubles for the same subject."""
    digest = hashlib.sha256("\n".join(subject).encode()).hexdigest()[:16]
    last = _asked(cursor)
    times = 0
    if last is not None and last.digest == digest and last.at <= now:
        # Half of an interval less: ticks don't come to the second.
        wait = min(first_wait * 2 ** min(last.times - 1, 10), LONGEST_WAIT) - first_wait / 2
        if now - last.at < wait:
            return None
        times = last.times
    asked = _Asked(digest, times + 1, now)
    return json.dumps(asdict(asked) | {"at": now.isoformat()})


def _asked(cursor: str | None) -> _Asked | None:
    try:
        row = json.loads(cursor or "")
        return _Asked(row["digest"], int(row["times"]), datetime.fromisoformat(row["at"]))
    except (ValueError, TypeError, KeyError):
        # Lost, or written by hand. It is a memory of attempts, so starting over is right.
        return None
