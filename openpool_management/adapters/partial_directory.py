"""Partial aggregates as files in a directory: a digest, then Parquet."""

import io
import logging
import uuid
from hashlib import sha256
from pathlib import Path

import polars as pl

_log = logging.getLogger(__name__)

_DIGEST_BYTES = 32


class DirectoryPartials:
    """Implements the PartialCache port.

    A file gets its name when it is whole. It is not forced to the disk, and Parquet that is damaged
    can be read as other numbers: so each begins with the digest of the rest, and what does not fit
    its digest is worked out again.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._told = False

    def read(self, place: str, key: str) -> pl.DataFrame | None:
        """See the port."""
        try:
            content = self._path(place, key).read_bytes()
        except OSError:
            return None
        digest, data = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        return pl.read_parquet(io.BytesIO(data)) if digest == sha256(data).digest() else None

    def write(self, place: str, key: str, frame: pl.DataFrame) -> None:
        """See the port. Where the directory can't be written, the log is told so once."""
        try:
            self._write(self._path(place, key), frame)
        except OSError as error:
            if not self._told:
                _log.warning(
                    "Performance is worked out anew each time: it can't be kept in %s (%s). "
                    "Let this process write there.",
                    self.root,
                    error.strerror,
                )
            self._told = True

    def _write(self, path: Path, frame: pl.DataFrame) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{uuid.uuid4().hex}.draft")
        try:
            data = io.BytesIO()
            frame.write_parquet(data, compression="lz4")
            draft.write_bytes(sha256(data.getvalue()).digest() + data.getvalue())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        for other in path.parent.glob(f"{path.name.partition('~')[0]}~*"):
            if other != path:
                other.unlink(missing_ok=True)

    def _path(self, place: str, key: str) -> Path:
        return self.root / f"{place}~{key}.partial"
