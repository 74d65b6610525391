"""The days of jobs whose worker changed after they were read.

The ledger says of most when they were; the others are looked up in the lake, once: the DT of an
event never changes, so what was found is kept.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from openpool_management.domain.batch import LakeFile
from openpool_management.services.ports import Lake
from openpool_management.services.ports.performance import MovedJob, PartialCache

MOVED_SCHEMA: dict[str, pl.DataType] = {
    "event_id": pl.Binary(),
    "moved_to": pl.String(),
    "dt": pl.Datetime("ms", "UTC"),
}
_PLACE_KEY = "1"
_NEAR = timedelta(days=1)


def moved_frame(
    moved: Sequence[MovedJob],
    files: Sequence[LakeFile],
    lake: Lake,
    cache: PartialCache,
    place: str,
) -> pl.DataFrame:
    """The moved jobs of a stream in MOVED_SCHEMA; moved_to null: nobody known."""
    frame = pl.DataFrame(
        {
            "event_id": [one.event_id for one in moved],
            "moved_to": [one.worker for one in moved],
            "dt": [one.dt for one in moved],
        },
        schema=MOVED_SCHEMA,
    )
    unknown = [one for one in moved if one.dt is None]
    if not unknown:
        return frame
    found = _found(unknown, files, lake, cache, place)
    return (
        frame.join(found.rename({"dt": "found_dt"}), on="event_id", how="left")
        .with_columns(pl.coalesce("dt", "found_dt").alias("dt"))
        .drop("found_dt")
    )


def _found(
    unknown: Sequence[MovedJob],
    files: Sequence[LakeFile],
    lake: Lake,
    cache: PartialCache,
    place: str,
) -> pl.DataFrame:
    """The DTs of jobs, looked up where they are not kept."""
    schema = {name: MOVED_SCHEMA[name] for name in ("event_id", "dt")}
    known = cache.read(place, _PLACE_KEY)
    found = pl.DataFrame(schema=schema) if known is None else known
    ids = set(found["event_id"])
    missing = {one.event_id: one.near_dt for one in unknown if one.event_id not in ids}
    if not missing:
        return found
    # A pair is close in time to what changed it, but for chains: so near it first, then everywhere.
    for some in (_near(files, list(missing.values())), files):
        if missing:
            wanted = pl.Series(list(missing), dtype=pl.Binary)
            rows = lake.scan(some).filter(pl.col("event_id").is_in(wanted.implode()))
            found = found.extend(rows.select(list(schema)).collect())
            for event_id in found["event_id"]:
                missing.pop(event_id, None)
    found = found.unique("event_id").sort("event_id")
    cache.write(place, _PLACE_KEY, found)
    return found


def _near(files: Sequence[LakeFile], moments: Sequence[datetime | None]) -> list[LakeFile]:
    known = [moment for moment in moments if moment is not None]
    return [
        file
        for file in files
        if any(file.dt_min - _NEAR <= moment <= file.dt_max + _NEAR for moment in known)
    ]
