"""The event lake in a directory."""

import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from openpool_management.adapters.replaced_file import sync_directory
from openpool_management.domain.batch import LakeFile
from openpool_management.domain.lake_rows import LAKE_SCHEMA
from openpool_management.domain.streams import Stream

_ROWS_PER_GROUP = 131_072
_LONGEST_FOLDER_BYTES = 200


def parquet_bytes(rows: pl.DataFrame) -> bytes:
    """Rows of LAKE_SCHEMA as Parquet, the same bytes for the same rows."""
    buffer = io.BytesIO()
    rows.write_parquet(buffer, compression="zstd", row_group_size=_ROWS_PER_GROUP)
    return buffer.getvalue()


def lake_file(stream: Stream, batch_id: str, rows: pl.DataFrame, data: bytes) -> LakeFile:
    """What a file of these rows is called and spans.

    The name holds a digest of the content: two processes that redo a batch on different grounds
    never write to one name.
    """
    digest = hashlib.sha256(data).hexdigest()[:12]
    region = stream.region
    if len(region.encode()) > _LONGEST_FOLDER_BYTES:
        region = hashlib.sha256(region.encode()).hexdigest()
    name = f"region={region}/node_type={stream.node_type}/{batch_id}-{digest}.parquet"
    lo, hi = rows["dt"].min(), rows["dt"].max()
    return LakeFile(name, rows.height, lo, hi)  # type: ignore[arg-type]


def scan_files(
    files: Sequence[LakeFile],
    prefix: str,
    file_column: str | None,
    storage_options: dict[str, str] | None = None,
) -> pl.LazyFrame:
    """The rows of files whose places are a prefix with their names; see the port."""
    named = [file_column] if file_column else []
    if not files:
        return pl.LazyFrame(schema={**LAKE_SCHEMA, **dict.fromkeys(named, pl.String())})
    rows = pl.scan_parquet(
        [prefix + file.name for file in files],
        glob=False,
        hive_partitioning=False,
        include_file_paths=file_column,
        storage_options=storage_options,
    ).cast(pl.Schema(LAKE_SCHEMA))
    return rows.with_columns(pl.col(named).str.strip_prefix(prefix))


class DirectoryLake:
    """Files below a directory, each written to the disk before it gets its name."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, stream: Stream, batch_id: str, rows: pl.DataFrame) -> LakeFile:
        """See the port."""
        data = parquet_bytes(rows)
        file = lake_file(stream, batch_id, rows, data)
        path = self.root / file.name
        if path.exists():
            sync_directory(path.parent)
            return file
        _make_directory(path.parent)
        draft = path.with_suffix(f".{os.getpid()}.draft")
        with draft.open("wb") as output:
            output.write(data)
            output.flush()
            os.fsync(output.fileno())
        draft.rename(path)
        sync_directory(path.parent)
        return file

    def scan(self, files: Sequence[LakeFile], *, file_column: str | None = None) -> pl.LazyFrame:
        """See the port. Raises FileNotFoundError for a file that is not there."""
        if missing := self.missing(files):
            raise FileNotFoundError(
                f"The ledger names {len(missing)} lake files that are not in {self.root}, such as "
                f"{missing[0].name}: restore them from a backup, or let a new ledger read the log."
            )
        return scan_files(files, f"{self.root}/", file_column)

    def missing(self, files: Sequence[LakeFile]) -> list[LakeFile]:
        """See the port."""
        return [file for file in files if not (self.root / file.name).is_file()]

    def probe(self) -> None:
        """See the port."""
        self.root.mkdir(parents=True, exist_ok=True)
        probe = self.root / f".probe.{os.getpid()}"
        probe.touch()
        probe.unlink()


def _make_directory(path: Path) -> None:
    """Make a directory and those above it, each written to the disk before the next."""
    if not path.is_dir():
        _make_directory(path.parent)
        path.mkdir(exist_ok=True)
        sync_directory(path.parent)
