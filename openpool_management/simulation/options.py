"""What a simulation is asked for."""

from dataclasses import dataclass
from datetime import UTC, datetime

from openpool_management.domain.streams import NODE_TYPES, Stream

DEFAULT_STREAMS = (
    Stream("ai", "us-central"),
    Stream("transcode", "oceania"),
    Stream("transcode", "us-west"),
)
EVENTS_OF_TEN_JOBS = {"ai": 19, "transcode": 10}
DEFAULT_START = datetime(2026, 1, 1, tzinfo=UTC)

# A second that fills more than a flush would give one orchestrator two objects of the same key.
_SECONDS_OF_WORK_PER_FLUSH = 20


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """Everything a simulation depends on: equal options give byte-identical objects in equal order.

    events is the exact number over all streams and orchestrators. workers is the number of
    distinct addresses; a worker may serve several streams. orchestrators is per stream,
    jobs_per_second per orchestrator. A flush happens every flush_seconds, or at flush_events.
    late_share is the share of objects written after newer ones, collision_share the share of
    flush intervals in which the orchestrators of a stream write under one key. start is the
    time of the first event.

    Raises ValueError if an option is outside of what it may be.
    """

    streams: tuple[Stream, ...] = DEFAULT_STREAMS
    workers: int = 8
    events: int = 10_000
    seed: int = 1
    orchestrators: int = 2
    start: datetime = DEFAULT_START
    flush_seconds: int = 60
    flush_events: int = 10_000
    jobs_per_second: float = 2.0
    late_share: float = 0.03
    collision_share: float = 0.05

    def __post_init__(self) -> None:
        if not self.streams:
            raise ValueError("streams is empty: name at least one, for example ai|us-central.")
        if len(set(self.streams)) != len(self.streams):
            raise ValueError(f"streams {_names(self.streams)} names one twice: name each once.")
        for stream in self.streams:
            if stream.node_type not in NODE_TYPES or not stream.region or "/" in stream.region:
                raise ValueError(
                    f"streams holds {str(stream)!r}: write nodeType|region, node type one of "
                    f"{', '.join(NODE_TYPES)}, region without a slash."
                )
        self._check_whole("workers", self.workers, least=1)
        self._check_whole("events", self.events, least=0)
        self._check_whole("orchestrators", self.orchestrators, least=1)
        self._check_whole("flush_seconds", self.flush_seconds, least=2)
        self._check_whole("flush_events", self.flush_events, least=_SECONDS_OF_WORK_PER_FLUSH)
        most = self.flush_events / _SECONDS_OF_WORK_PER_FLUSH
        if not 0.001 <= self.jobs_per_second <= most:
            raise ValueError(
                f"jobs_per_second is {self.jobs_per_second}: choose 0.001 to {most:g}, "
                f"a {_SECONDS_OF_WORK_PER_FLUSH}th of flush_events."
            )
        for name, share in (
            ("late_share", self.late_share),
            ("collision_share", self.collision_share),
        ):
            if not 0 <= share <= 1:
                raise ValueError(f"{name} is {share}: choose a share from 0 to 1.")
        if self.start.tzinfo is None:
            raise ValueError(f"start is {self.start}: give it a time zone, such as UTC.")

    @staticmethod
    def _check_whole(name: str, value: int, least: int) -> None:
        if value < least:
            raise ValueError(f"{name} is {value}: choose a whole number of {least} or more.")

    @property
    def span_seconds(self) -> float:
        """About how long the simulated time of a run is, from its first event to its last."""
        events_per_job = sum(EVENTS_OF_TEN_JOBS[s.node_type] for s in self.streams) / 10
        return self.events / (self.orchestrators * self.jobs_per_second * events_per_job)


def _names(streams: tuple[Stream, ...]) -> str:
    return ", ".join(map(str, streams))
