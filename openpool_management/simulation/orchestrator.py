"""One orchestrator process: its workers, its mishaps, and the events they make."""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.domain.streams import Stream
from openpool_management.simulation import layout
from openpool_management.simulation.emitter import Emitter
from openpool_management.simulation.identity import connection, event_ids
from openpool_management.simulation.options import SimulationOptions
from openpool_management.simulation.tickets import Tickets
from openpool_management.simulation.truth import Tally

MOST_EVENTS_OF_A_JOB = 3

_RARE_SHARE_OF_SECONDS = 0.03
_WARM_UP_SECONDS = 4
_SILENT_DISCONNECT_SHARE = 0.3
_TICKET_STAMPED_EARLY_SHARE = 0.3
_UNKNOWN_EVENT = "worker-benchmarked"


@dataclass(frozen=True, slots=True)
class Post:
    """What an orchestrator is born with. quota is the exact number of events it will write."""

    stream: Stream
    index: int
    roster: tuple[str, ...]
    quota: int


class Orchestrator(ABC):
    """Steps through time second by second; what kind of jobs it has is its subclass's."""

    def __init__(
        self, post: Post, options: SimulationOptions, requests: Iterator[str], tally: Tally
    ) -> None:
        self.rng = Random(f"{options.seed}/{post.stream}/{post.index}")
        self.stream = post.stream
        self.remaining = post.quota
        self.emitter = Emitter(options.flush_seconds, options.flush_events, self.rng)
        self.tally = tally
        self.requests = requests
        self.ids = event_ids(self.rng)
        self.due: defaultdict[int, list[str]] = defaultdict(list)
        self.connected: list[str] = []
        self.payload_start = layout.payload_start(post.stream.node_type)
        self.tail = layout.tail(post.stream.region)
        self._roster = post.roster
        self._jobs_per_second = options.jobs_per_second
        self._tickets = Tickets(self.rng)
        self._connections: dict[str, str] = {}
        self._rejoining: defaultdict[int, list[str]] = defaultdict(list)
        self._running = False
        self._up_at = 0
        self._warm_at = 0
        self._draining = False

    @abstractmethod
    def work(self, second: int, jobs: int) -> None:
        """Put the events of that many jobs into self.due, self.remaining and self.tally."""

    @property
    def finished(self) -> bool:
        """Whether its last event has happened. Events may still wait for their flush."""
        return self.remaining == 0 and not self.due

    def step(self, second: int, busy: bool) -> list[list[str]]:
        """Live through one second; the batches it uploads at its end.

        busy asks for a job in this very second.
        """
        if self.finished:
            batch = self.emitter.drain()
            return [batch] if batch else []
        if second < self._up_at:
            return []
        if not self._running:
            self._boot(second)
        if self._draining:
            if not self.due:
                return self._restart(second)
        elif second >= self._warm_at:
            self._live(second, busy)
        return self.emitter.take(second, self.due.pop(second, []))

    def add(
        self, second: int, event_type: str, payload: object, stamped: int | None = None
    ) -> None:
        """Let an event other than a job happen, unless the quota is used up."""
        if not self.remaining:
            return
        self.remaining -= 1
        self.tally.events[event_type] += 1
        at = second if stamped is None else stamped
        text = layout.event(at, event_type, next(self.ids), self.stream, payload)
        self.due[second].append(text)

    def meet_garbage(self, second: int) -> None:
        """Let a worker connect whose declared address is none, which the emitter writes as zero."""
        if ZERO_ADDRESS not in self._connections:
            self._connect(second, ZERO_ADDRESS)

    def _boot(self, second: int) -> None:
        self._running = True
        self._warm_at = second + _WARM_UP_SECONDS
        self.add(second, "orchestrator-reset", {})
        for worker in self._roster:
            self._connect(second + self.rng.randrange(_WARM_UP_SECONDS), worker)
        self.connected = list(self._roster)

    def _live(self, second: int, busy: bool) -> None:
        # Time may have leapt over a second that a worker was to come back in.
        for due in [due for due in self._rejoining if due <= second]:
            for worker in self._rejoining.pop(due):
                self._connect(second, worker)
                self.connected.append(worker)
        if not self.remaining:
            return
        random = self.rng.random
        if random() < _RARE_SHARE_OF_SECONDS:
            self._mishap(second)
        # A second of a real orchestrator is idle or crowded; the mean is what was asked for.
        jobs = int(2 * self._jobs_per_second * random() + random())
        if busy:
            jobs = max(jobs, 1)
        if jobs:
            self.work(second, jobs)

    def _mishap(self, second: int) -> None:
        roll = self.rng.random()
        if roll < 0.35:
            early = self.rng.random() < _TICKET_STAMPED_EARLY_SHARE
            stamped = second - 1 if early else second
            self.add(second, "ticket-redeemed", self._tickets.redeem(), stamped)
        elif roll < 0.85:
            self._lose_worker(second)
        elif roll < 0.93:
            self.add(second, _UNKNOWN_EVENT, {"score": self.rng.randint(1, 100)})
        elif not self.emitter.aligned:
            self._draining = True

    def _lose_worker(self, second: int) -> None:
        if len(self.connected) < 2:
            return
        worker = self.connected.pop(self.rng.randrange(len(self.connected)))
        if self.rng.random() >= _SILENT_DISCONNECT_SHARE:
            was = self._connections[worker]
            self.add(second, "worker-disconnected", {"connection": was, "ethAddress": worker})
        self._rejoining[second + self.rng.randint(3, 40)].append(worker)

    def _connect(self, second: int, worker: str) -> None:
        self._connections[worker] = connection(self.rng)
        payload = {"connection": self._connections[worker], "ethAddress": worker}
        self.add(second, "worker-connected", payload)

    def _restart(self, second: int) -> list[list[str]]:
        # Nothing is under way: a restart that lost jobs would make the truth a matter of opinion.
        self._draining = False
        self._connections.clear()
        self._rejoining.clear()
        self._running = False
        self._up_at = second + self.rng.randint(2, 9)
        batch = self.emitter.drain()
        return [batch, []] if batch else [[]]
