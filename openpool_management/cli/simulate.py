"""``openpool simulate``: an event log as a pool's orchestrators would write it, from a seed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openpool_management.cli.output import JsonFlag, number, print_json, say, tell

if TYPE_CHECKING:
    from openpool_management.settings import Settings
    from openpool_management.simulation import Simulation, SimulationOptions, Sink

S3_SCHEME = "s3://"


def simulate(
    to: Annotated[str, typer.Option("--to", help="A directory, or s3://BUCKET.")],
    streams: Annotated[
        str, typer.Option(help="Streams as nodeType|region, with commas between.")
    ] = "ai|us-central,transcode|oceania,transcode|us-west",
    workers: Annotated[int, typer.Option(help="Number of worker addresses.")] = 8,
    events: Annotated[int, typer.Option(help="Number of events, over all streams.")] = 10_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same objects.")] = 1,
    orchestrators: Annotated[int, typer.Option(help="Orchestrators of each stream.")] = 2,
    start: Annotated[
        datetime | None,
        typer.Option(
            help="UTC time of the first event.",
            show_default="2026-01-01; with --live, so that the events end now",
        ),
    ] = None,
    flush_seconds: Annotated[int, typer.Option(help="Seconds between two objects.")] = 60,
    flush_events: Annotated[int, typer.Option(help="Events that fill an object.")] = 10_000,
    jobs_per_second: Annotated[float, typer.Option(help="Jobs of each orchestrator.")] = 2.0,
    late_share: Annotated[float, typer.Option(help="Share of objects written late.")] = 0.03,
    collision_share: Annotated[
        float, typer.Option(help="Share of flushes under a key that another wrote.")
    ] = 0.05,
    live: Annotated[
        bool,
        typer.Option(
            "--live", help="Go on at wall-clock pace until interrupted (Ctrl-C, SIGTERM)."
        ),
    ] = False,
    into_own_log: Annotated[
        bool,
        typer.Option(
            "--into-own-log",
            help="Write even where the settings read: made-up earnings never leave a ledger.",
        ),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write event objects as the orchestrators of a pool would; the same options, the same bytes.

    With --json, the ledger that the objects must add up to is printed under "expected". Keys of
    the bucket come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, its server from S3_ENDPOINT.
    """
    from openpool_management.domain.streams import Stream
    from openpool_management.settings import load_settings
    from openpool_management.simulation import Simulation, SimulationOptions

    try:
        options = SimulationOptions(
            streams=tuple(Stream.parse(name.strip()) for name in streams.split(",")),
            workers=workers,
            events=events,
            seed=seed,
            orchestrators=orchestrators,
            flush_seconds=flush_seconds,
            flush_events=flush_events,
            jobs_per_second=jobs_per_second,
            late_share=late_share,
            collision_share=collision_share,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if start is not None:
        options = replace(options, start=start.replace(tzinfo=UTC))
    elif live:
        options = ending_now(options)
    settings = load_settings()
    sink = _sink(to, settings, into_own_log=into_own_log)
    simulation = Simulation(options)
    objects, size_bytes = _write(simulation, sink, live=live)
    expected = simulation.expected_ledger(settings.fee_bps)
    written = sum(sum(stream["events"].values()) for stream in expected["streams"].values())
    if as_json:
        print_json(
            {
                "to": to,
                "objects": objects,
                "events": written,
                "size_bytes": size_bytes,
                "expected": expected,
            }
        )
    else:
        say(f"{number(objects)} objects with {number(written)} events were written to {to}.")


def ending_now(options: "SimulationOptions") -> "SimulationOptions":
    """The same options with a start that lets their events end at about this moment."""
    start = datetime.now(UTC) - timedelta(seconds=options.span_seconds)
    return replace(options, start=start.replace(microsecond=0))


def _write(simulation: "Simulation", sink: "Sink", *, live: bool) -> tuple[int, int]:
    objects = size_bytes = 0
    with _stopped_by_signals(simulation, live):
        for flush in simulation.run():
            sink.write(flush)
            objects, size_bytes = objects + 1, size_bytes + len(flush.body)
        if live:
            tell(f"{number(objects)} objects of history are written; going on until Ctrl-C.")
            for flush in simulation.live():
                sink.write(flush)
                objects, size_bytes = objects + 1, size_bytes + len(flush.body)
    return objects, size_bytes


@contextmanager
def _stopped_by_signals(simulation: "Simulation", live: bool) -> Iterator[None]:
    """Let SIGINT and SIGTERM end a live simulation with everything written."""
    if not live:
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: simulation.stop()) for number in numbers]
    try:
        yield
    finally:
        for number_, handler in zip(numbers, before, strict=True):
            signal.signal(number_, handler)


def _sink(to: str, settings: "Settings", *, into_own_log: bool) -> "Sink":
    if not to.startswith(S3_SCHEME):
        from openpool_management.simulation.directory_sink import DirectorySink

        directory = Path(to).expanduser().resolve()
        own_directory = settings.events_dir and settings.events_dir.resolve()
        if directory == own_directory:
            _own_log(to, "OPENPOOL_EVENTS_DIR", agreed=into_own_log)
        return DirectorySink(directory)
    bucket = to.removeprefix(S3_SCHEME).removesuffix("/")
    if not bucket or "/" in bucket:
        raise typer.BadParameter(f"{to} is no bucket: write s3://BUCKET, without a prefix.")
    if settings.s3_bucket == bucket:
        _own_log(to, "S3_BUCKET", agreed=into_own_log)
    if settings.aws_access_key_id is None or settings.aws_secret_access_key is None:
        raise typer.BadParameter(
            f"{to} can't be written without keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    from openpool_management.simulation.s3_sink import S3Sink

    return S3Sink(
        bucket,
        access_key_id=settings.aws_access_key_id,
        secret_access_key=settings.aws_secret_access_key.get_secret_value(),
        endpoint_url=settings.s3_endpoint,
        region_name=settings.aws_region,
    )


def _own_log(to: str, option: str, *, agreed: bool) -> None:
    if agreed:
        tell(f"{to} is the log that these settings read: the ledger will count what is made up.")
        return
    raise typer.BadParameter(
        f"{to} is the event log that {option} names: the ledger would count what is made up, and "
        "nothing leaves a ledger again. Write elsewhere, or add --into-own-log if this pool is "
        "made up too.",
        param_hint="--to",
    )
