"""The objects of one stream: several orchestrators under one prefix, late and colliding ones."""

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

from openpool_management.domain.streams import KEY_TIME_FORMAT, Stream
from openpool_management.simulation import layout
from openpool_management.simulation.ai import AiOrchestrator
from openpool_management.simulation.flush import Flush
from openpool_management.simulation.identity import request_ids
from openpool_management.simulation.options import SimulationOptions
from openpool_management.simulation.orchestrator import Orchestrator, Post
from openpool_management.simulation.transcode import TranscodeOrchestrator
from openpool_management.simulation.truth import Tally

_KINDS: dict[str, type[Orchestrator]] = {"ai": AiOrchestrator, "transcode": TranscodeOrchestrator}
_EMPTY_FLUSH_WRITTEN_SHARE = 0.3
_EXTRA_EMPTY_FLUSH_SHARE = 0.01


class StreamLog:
    """Steps the orchestrators of a stream and names what they flush.

    Two flushes share a key only when collision_share said so: an accidental second one gets the
    next free end second. So a run without collisions loses nothing on a bucket without versions.
    """

    def __init__(
        self, stream: Stream, options: SimulationOptions, workers: list[str], quota: int
    ) -> None:
        self.stream = stream
        self.tally = Tally()
        self._options = options
        self._rng = Random(f"{options.seed}/{stream}")
        requests = request_ids(self._rng)
        self.orchestrators = [
            _KINDS[stream.node_type](post, options, requests, self.tally)
            for post in _posts(stream, options.orchestrators, workers, quota)
        ]
        self._keys: set[str] = set()
        self._late: list[tuple[int, Flush]] = []
        self._window: tuple[int, int] | None = None
        self._paced = False

    @property
    def finished(self) -> bool:
        """Whether every orchestrator has used up its quota."""
        return all(orchestrator.finished for orchestrator in self.orchestrators)

    def extend(self, events: int) -> None:
        """Raise the quota of every orchestrator; time may have leapt since the last step."""
        self._paced = False
        self._window = None
        for orchestrator in self.orchestrators:
            orchestrator.remaining += events

    def curtail(self) -> None:
        """Let nothing begin any more; jobs under way still end."""
        for orchestrator in self.orchestrators:
            orchestrator.remaining = 0

    def step(self, second: int) -> Iterator[Flush]:
        """Live through one second; what is written at its end, in write order."""
        if not self._paced:
            self._pace(second)
        if self._window is not None and second > self._window[1]:
            self._window = None
            self._pace(second)
        busy = self._window is not None and second in self._window
        colliding = self._window is not None and second == self._window[1]
        window_begins = False
        for index, orchestrator in enumerate(self.orchestrators):
            for batch in orchestrator.step(second, busy):
                yield from self._write(second, batch, colliding)
                if index == 0 and batch and self._window is None:
                    window_begins = self._rng.random() < self._options.collision_share
        if window_begins and len(self.orchestrators) > 1:
            yield from self._begin_window(second)
        yield from self._overdue(second)

    def finish(self, second: int) -> Iterator[Flush]:
        """Everything that is still queued or late."""
        for orchestrator in self.orchestrators:
            batch = orchestrator.emitter.drain()
            if batch:
                yield self._name(second, batch, may_collide=False)
        for _, flush in sorted(self._late, key=lambda late: late[0]):
            yield flush
        self._late.clear()

    def _pace(self, second: int) -> None:
        # Cadences interleave: the flushes of a stream are spread evenly over the interval.
        self._paced = True
        interval, count = self._options.flush_seconds, len(self.orchestrators)
        for index, orchestrator in enumerate(self.orchestrators):
            orchestrator.emitter.schedule(second + max(1, interval * (index + 1) // count))

    def _begin_window(self, second: int) -> Iterator[Flush]:
        end = second + self._options.flush_seconds
        self._window = (second + 1, end)
        for orchestrator in self.orchestrators:
            batch = orchestrator.emitter.drain()
            if batch:
                yield from self._write(second, batch, may_collide=False)
            orchestrator.emitter.schedule(end, aligned=True)

    def _write(self, second: int, batch: list[str], may_collide: bool) -> Iterator[Flush]:
        if not batch and self._rng.random() >= _EMPTY_FLUSH_WRITTEN_SHARE:
            return
        flush = self._name(second, batch, may_collide)
        if self._rng.random() < self._options.late_share:
            delay = self._rng.randint(2, 5) * self._options.flush_seconds
            self._late.append((second + delay, flush))
        else:
            yield flush
        if batch and self._rng.random() < _EXTRA_EMPTY_FLUSH_SHARE:
            yield self._name(second, [], may_collide=False)

    def _overdue(self, second: int) -> Iterator[Flush]:
        if not self._late:
            return
        yield from (flush for due, flush in self._late if due <= second)
        self._late = [late for late in self._late if late[0] > second]

    def _name(self, second: int, batch: list[str], may_collide: bool) -> Flush:
        first = layout.event_time(batch[0]) if batch else layout.timestamp(second)
        last = layout.event_time(batch[-1]) if batch else layout.timestamp(second)
        start = layout.key_time(first)
        end_second = int(datetime.fromisoformat(last).timestamp())
        while (key := self._key(start, end_second)) in self._keys and not may_collide:
            end_second += 1
        self._keys.add(key)
        return Flush(key, layout.body(batch))

    def _key(self, start: str, end_second: int) -> str:
        end = datetime.fromtimestamp(end_second, UTC).strftime(KEY_TIME_FORMAT)
        head = f"{self.stream.prefix}{self.stream.region}-{self.stream.node_type}"
        return f"{head}-{start}_{end}.json"


def _posts(stream: Stream, count: int, workers: list[str], quota: int) -> Iterator[Post]:
    for index in range(count):
        # Every third worker serves all orchestrators at once, the others one.
        roster = tuple(
            worker for at, worker in enumerate(workers) if at % count == index or at % 3 == 0
        )
        share = quota * (index + 1) // count - quota * index // count
        yield Post(stream, index, roster, share)
