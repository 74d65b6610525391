"""Partial aggregates as Parquet files in a directory."""

import uuid
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError


class DirectoryPartials:
    """Implements the PartialCache port.

    A file gets its name when it is whole. It is not forced to the disk: what a crash spoils is
    found unreadable and worked out again.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, place: str, key: str) -> pl.DataFrame | None:
        """See the port."""
        path = self._path(place, key)
        try:
            return pl.read_parquet(path, glob=False) if path.is_file() else None
        except (OSError, PolarsError):
            return None

    def write(self, place: str, key: str, frame: pl.DataFrame) -> None:
        """See the port. Raises OSError where the directory can't be written."""
        path = self._path(place, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{uuid.uuid4().hex}.draft")
        try:
            frame.write_parquet(draft, compression="lz4")
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        for other in path.parent.glob(f"{path.name.partition('~')[0]}~*.parquet"):
            if other != path:
                other.unlink(missing_ok=True)

    def _path(self, place: str, key: str) -> Path:
        return self.root / f"{place}~{key}.parquet"
