"""Simulated objects in a directory laid out like the bucket."""

from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

from openpool_management.domain.streams import KEY_TIME_FORMAT, stream_of_key, times_of_key
from openpool_management.simulation.flush import Flush, SinkError


class DirectorySink:
    """Writes each object to a file of its key, whole or not at all.

    A directory keeps no versions. Where a key is taken by other content, the object's end time is
    moved on by a second until the key is free, so that a colliding flush is not lost. The same
    bytes under the same key are left as they are: writing a simulation twice changes nothing.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, flush: Flush) -> str:
        """Store one object and return the key it was stored under.

        Raises SinkError if the key is none the emitter gives, or the directory can't be written.
        """
        key = flush.key
        try:
            while (path := self._root / key).exists():
                if path.read_bytes() == flush.body:
                    return key
                key = _one_second_later(key)
            self._put(path, flush.body)
        except OSError as error:
            raise SinkError(
                f"Object {key} can't be written to {self._root}: {error}. "
                "Name a directory that may be written."
            ) from error
        return key

    def _put(self, path: Path, body: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The leading dot and the missing .json keep a half-written file out of any listing.
        with NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as file:
            try:
                file.write(body)
                file.close()
                Path(file.name).chmod(0o644)
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise


def _one_second_later(key: str) -> str:
    stream = stream_of_key(key)
    times = times_of_key(stream, key) if stream else None
    if stream is None or times is None:
        raise SinkError(f"Object key {key!r} is taken and names no times: use another directory.")
    end = times.end + timedelta(seconds=1)
    return f"{stream.key_at(times.start)}_{end.strftime(KEY_TIME_FORMAT)}.json"
