"""The queue of an orchestrator's event tracker, and when it is flushed."""

from random import Random


class Emitter:
    """Queues event texts and hands out a batch every flush_seconds, or when flush_events wait.

    aligned is True while the flush is to come at the same second as that of the other
    orchestrators of the stream.
    """

    def __init__(self, flush_seconds: int, flush_events: int, rng: Random) -> None:
        self._flush_seconds = flush_seconds
        self._flush_events = flush_events
        self._rng = rng
        self._queue: list[str] = []
        self.next_flush = 0
        self.aligned = False

    def schedule(self, second: int, aligned: bool = False) -> None:
        """Set when the next flush is due."""
        self.next_flush = second
        self.aligned = aligned

    def take(self, second: int, events: list[str]) -> list[list[str]]:
        """Queue the events of a second; the batches to upload at its end, empty ones included."""
        queue = self._queue
        earlier = len(queue)
        queue.extend(events)
        batches = []
        while len(queue) >= self._flush_events:
            batches.append(queue[: self._flush_events])
            del queue[: self._flush_events]
        if second >= self.next_flush:
            # The clock of the flush is not that of the events: a flush may cut a second in two.
            # It must not cut one that it begins with, or the rest could get the same key.
            cuttable = bool(earlier and events) and not self.aligned and not batches
            rest = int(self._rng.random() * len(events)) if cuttable else 0
            cut = len(queue) - rest
            batches.append(queue[:cut])
            del queue[:cut]
            self.schedule(second + self._flush_seconds)
        return batches

    def drain(self) -> list[str]:
        """Everything that waits."""
        batch, self._queue = self._queue, []
        return batch
