"""What starts runs by itself, and what tells of those that failed."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from itertools import islice

import dagster as dg

from openpool_management.adapters.webhook import post_alert
from openpool_management.domain.streams import Stream
from openpool_management.jobs import JOBS, UNFINISHED, ingest_job
from openpool_management.partitions import PARTITION_TAG, STREAM_TAG, STREAMS, STREAMS_NAME
from openpool_management.pool import NoSourceError, utc_now
from openpool_management.resources import PoolResource
from openpool_management.services.patience import Attempt, next_attempt

LOOKED_AT = 50
"""Waiting objects that a tick looks at for each stream; more of them cost more requests."""


def event_log_sensor(interval_seconds: int) -> dg.SensorDefinition:
    """The sensor that requests a run for each stream with something to read."""

    @dg.sensor(
        name="event_log_sensor",
        job=ingest_job,
        minimum_interval_seconds=interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Finds streams and objects that the ledger has not read, and starts one run "
        "for each stream that has some and no run yet. Its cursor only spaces out attempts at "
        "objects that can't be read: losing it loses nothing.",
        tags={"domain": "event-log", "team": "openpool"},
    )
    def sensor(
        context: dg.SensorEvaluationContext, openpool: PoolResource
    ) -> dg.SensorResult | dg.SkipReason:
        try:
            streams = openpool.pool.source.streams()
        except NoSourceError as error:
            return dg.SkipReason(str(error))
        return _look(context, openpool, streams)

    return sensor


def run_failure_alert(interval_seconds: int) -> dg.SensorDefinition:
    """The sensor that posts each failed run to a webhook, if one is set."""

    @dg.run_failure_sensor(
        name="run_failure_alert",
        minimum_interval_seconds=interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        monitored_jobs=list(JOBS),
        description="Posts each failed run to OPENPOOL_ALERT_WEBHOOK_URL, where it is set.",
        tags={"domain": "alerts", "team": "openpool"},
    )
    def sensor(context: dg.RunFailureSensorContext, openpool: PoolResource) -> dg.SkipReason | None:
        url = openpool.load().alert_webhook_url
        if url is None:
            return dg.SkipReason("Set OPENPOOL_ALERT_WEBHOOK_URL to be told of failed runs.")
        run = context.dagster_run
        stream = run.tags.get(STREAM_TAG) or run.tags.get(PARTITION_TAG) or ""
        subject = f"{run.job_name} of {stream}" if stream else run.job_name
        post_alert(
            url.get_secret_value(),
            {
                "text": f"openpool: run {run.run_id} of {subject} failed: "
                f"{context.failure_event.message}",
                "run_id": run.run_id,
                "job": run.job_name,
                "stream": stream,
                "failed_at": utc_now().isoformat(),
            },
        )
        return None

    return sensor


def busy_streams(instance: dg.DagsterInstance) -> set[str]:
    """Streams with a run that is queued or active, whoever started it."""
    runs = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    tags = [run.tags.get(STREAM_TAG) or run.tags.get(PARTITION_TAG) for run in runs]
    return {tag for tag in tags if tag}


def _look(
    context: dg.SensorEvaluationContext, openpool: PoolResource, streams: list[Stream]
) -> dg.SensorResult | dg.SkipReason:
    """Request a run for each idle stream with something new.

    A stream that can't be listed does not hold up the others. Raises the OSError of its listing
    when there is nothing else to start, so that the tick fails with its sentence.
    """
    attempts = _attempts(context.cursor)
    known = set(context.instance.get_dynamic_partitions(STREAMS_NAME))
    busy = busy_streams(context.instance)
    requests: list[dg.RunRequest] = []
    problems: list[OSError] = []
    waiting: list[str] = []
    now = utc_now()
    for stream in streams:
        name = str(stream)
        if name in busy:
            waiting.append(f"{name} has a run already")
            continue
        try:
            refs = list(islice(openpool.pool.ingest.new_objects(stream), LOOKED_AT))
        except OSError as error:
            context.log.error(str(error))
            problems.append(error)
            continue
        if not refs:
            attempts.pop(name, None)
        elif attempt := next_attempt(attempts.get(name), refs, now):
            attempts[name] = attempt
            requests.append(dg.RunRequest(partition_key=name, tags={STREAM_TAG: name}))
        else:
            waiting.append(f"{name} is tried again later, as the last run left the same objects")
    if problems and not requests:
        raise problems[0]
    new = [str(stream) for stream in streams if str(stream) not in known]
    nothing = f"Nothing new in {len(streams)} streams of {openpool.pool.source.name}"
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else f"{'; '.join([nothing, *waiting])}.",
        cursor=_cursor(attempts),
        dynamic_partitions_requests=[STREAMS.build_add_request(new)] if new else [],
    )


def _attempts(cursor: str | None) -> dict[str, Attempt]:
    try:
        rows = json.loads(cursor or "{}")
        return {
            name: Attempt(row["waiting"], row["tries"], datetime.fromisoformat(row["at"]))
            for name, row in rows.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        # Someone wrote a cursor by hand. It is a memory of attempts, so starting over is right.
        return {}


def _cursor(attempts: Mapping[str, Attempt]) -> str:
    return json.dumps(
        {name: {**asdict(one), "at": one.at.isoformat()} for name, one in sorted(attempts.items())}
    )
