"""Jobs of a transcoding orchestrator: one event each, worker and money in it."""

from collections.abc import Iterator

from openpool_management.domain.addresses import ZERO_ADDRESS
from openpool_management.simulation import layout
from openpool_management.simulation.catalogue import TRANSCODE, segments
from openpool_management.simulation.options import SimulationOptions
from openpool_management.simulation.orchestrator import Orchestrator, Post
from openpool_management.simulation.truth import Tally

_GARBAGE_SHARE = 0.004
_UNKNOWN_TIME_SHARE = 0.01


class TranscodeOrchestrator(Orchestrator):
    """An orchestrator whose jobs are segments of video."""

    def __init__(
        self, post: Post, options: SimulationOptions, requests: Iterator[str], tally: Tally
    ) -> None:
        super().__init__(post, options, requests, tally)
        self._segments = segments(self.rng)

    def work(self, second: int, jobs: int) -> None:
        """Make segments that are transcoded in this second."""
        random = self.rng.random
        tally, ids = self.tally, self.ids
        workers, choices = self.connected, self._segments
        start, tail = self.payload_start, self.tail
        for _ in range(jobs):
            worker = workers[int(random() * len(workers))]
            if random() < _GARBAGE_SHARE:
                self.meet_garbage(second)
                worker = ZERO_ADDRESS
            if not self.remaining:
                return
            segment = choices[int(random() * len(choices))]
            response_ms = int(segment.duration_ms * (0.08 + 1.1 * random() * random()))
            if random() < _UNKNOWN_TIME_SHARE:
                response_ms = 0
            ratio = segment.duration_ms // response_ms if response_ms else 0
            self.remaining -= 1
            tally.events["job-processed"] += 1
            tally.accounts[worker].add(TRANSCODE, segment.compute_units, segment.fees_wei)
            self.due[second].append(
                f"{layout.head(second, 'job-processed')}{next(ids)}{start}{segment.before}{worker}"
                f'{segment.behind}{ratio},\n      "responseTime": {response_ms}{tail}'
            )
