"""Jobs of an AI orchestrator: received with a worker, processed with money, seldom in order."""

from collections.abc import Iterator

from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.simulation import layout
from openpool_management.simulation.catalogue import Offer, ai_offers, live_video_offer
from openpool_management.simulation.options import SimulationOptions
from openpool_management.simulation.orchestrator import MOST_EVENTS_OF_A_JOB, Orchestrator, Post
from openpool_management.simulation.truth import Tally

# Cumulative shares of jobs, the common one first.
_PLAIN = 0.90
_RETRY = 0.935
_ERROR = 0.965
_LIVE_VIDEO = 0.99
_UNATTRIBUTED = 0.995

# Seconds from received to processed: as a rule none, since only saving the result lies between.
_SAVING_SECONDS = (0,) * 10 + (1, 1, 1, 2, 2, 5)
_RETRY_SECONDS = (1, 2, 3, 8)

# Request IDs are four random bytes, so they come again. Beyond any pairing window they must not
# reach back.
_REQUEST_ID_COMES_AGAIN_SECONDS = 2 * 3_600 + 300


class AiOrchestrator(Orchestrator):
    """An orchestrator whose jobs are two events: job-received, then job-processed."""

    def __init__(
        self, post: Post, options: SimulationOptions, requests: Iterator[str], tally: Tally
    ) -> None:
        super().__init__(post, options, requests, tally)
        self._offers = ai_offers(self.rng)
        self._live_video = live_video_offer()
        self._received_start = f'{self.payload_start}"ethAddress": "'
        self._received_tail = f'"{self.tail}'
        self._processed_middle = '",\n      "responseTime": '
        self._memory: tuple[int, str, Offer] | None = None

    def work(self, second: int, jobs: int) -> None:
        """Make jobs that are received in this second."""
        random = self.rng.random
        offers, workers = self._offers, self.connected
        offer_count, worker_count = len(offers), len(workers)
        returning = self._returning(second)
        for _ in range(jobs):
            if self.remaining < MOST_EVENTS_OF_A_JOB:
                # A failed job is one event: the quota is met exactly.
                if self.remaining:
                    self._receive(second, next(self.requests), self._offer(), self._worker())
                continue
            request = next(self.requests)
            offer = offers[int(random() * offer_count)]
            worker = workers[int(random() * worker_count)]
            roll = random()
            if roll < _PLAIN:
                if returning is not None:
                    _, request, offer = returning
                    returning = None
                self._receive(second, request, offer, worker)
                self._process(second + _SAVING_SECONDS[int(random() * 16)], request, offer, worker)
                if self._memory is None:
                    self._memory = (second, request, offer)
            else:
                self._rare(second, roll, request, offer, worker)

    def _rare(self, second: int, roll: float, request: str, offer: Offer, worker: str) -> None:
        saving = self.rng.choice(_SAVING_SECONDS)
        if roll < _RETRY:
            other = self._worker()
            again = second + self.rng.choice(_RETRY_SECONDS)
            self._receive(second, request, offer, worker)
            self._receive(again, request, offer, other)
            self._process(again + saving, request, offer, other)
        elif roll < _ERROR:
            self._receive(second, request, offer, worker)
        elif roll < _LIVE_VIDEO:
            self._receive(second, request, self._live_video, worker)
        elif roll < _UNATTRIBUTED:
            self._process(second, request, offer, None)
        else:
            self.meet_garbage(second)
            if self.remaining >= MOST_EVENTS_OF_A_JOB:
                self._receive(second, request, offer, ZERO_ADDRESS)
                self._process(second + saving, request, offer, ZERO_ADDRESS)

    def _receive(self, second: int, request: str, offer: Offer, worker: str) -> None:
        self.remaining -= 1
        self.tally.events["job-received"] += 1
        self.due[second].append(
            f"{layout.head(second, 'job-received')}{next(self.ids)}{self._received_start}{worker}"
            f"{offer.received}{request}{self._received_tail}"
        )

    def _process(self, second: int, request: str, offer: Offer, worker: str | None) -> None:
        random = self.rng.random
        units = offer.variants[int(random() * len(offer.variants))]
        response_ns = int(offer.response_ns * (0.4 + 3 * random() * random()))
        self.remaining -= 1
        tally = self.tally
        tally.events["job-processed"] += 1
        account = tally.unattributed if worker is None else tally.accounts[worker]
        account.add(offer.pipeline, units.compute_units, units.fees_wei)
        self.due[second].append(
            f"{layout.head(second, 'job-processed')}{next(self.ids)}{self.payload_start}"
            f"{units.text}{request}{self._processed_middle}{response_ns}{self.tail}"
        )

    def _offer(self) -> Offer:
        return self.rng.choice(self._offers)

    def _worker(self) -> str:
        return self.rng.choice(self.connected)

    def _returning(self, second: int) -> tuple[int, str, Offer] | None:
        memory = self._memory
        if memory is None or second < memory[0] + _REQUEST_ID_COMES_AGAIN_SECONDS:
            return None
        self._memory = None
        return memory
