"""What is kept in a directory is read as it was written, or not at all."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from openpool_management.adapters.partial_directory import DirectoryPartials

FRAME = pl.DataFrame({"worker": ["a", "b"], "jobs": [7, 2**40], "counts": [[1, 2, 3], [4]]})


def test_a_file_with_a_damaged_block_is_none_at_all(tmp_path: Path) -> None:
    partials = DirectoryPartials(tmp_path)
    partials.write("stream/0-1", "key", FRAME)
    [path] = [path for path in tmp_path.rglob("*") if path.is_file()]
    whole = path.read_bytes()
    for place in range(0, len(whole), 5):
        damaged = whole[:place] + bytes(byte ^ 1 for byte in whole[place : place + 5])
        path.write_bytes(damaged + whole[place + 5 :])
        assert partials.read("stream/0-1", "key") is None
        path.write_bytes(whole[:place])
        assert partials.read("stream/0-1", "key") is None
    path.write_bytes(whole)
    found = partials.read("stream/0-1", "key")
    assert found is not None
    assert_frame_equal(found, FRAME)


def test_a_place_keeps_one_key_and_no_draft(tmp_path: Path) -> None:
    partials = DirectoryPartials(tmp_path)
    for key in ("one", "two"):
        for place in ("stream/0-1", "stream/0-12"):
            partials.write(place, key, FRAME)
    kept = sorted(path.name.partition(".")[0] for path in (tmp_path / "stream").iterdir())
    assert kept == ["0-12~two", "0-1~two"]
    assert partials.read("stream/0-1", "one") is None


def test_a_place_that_takes_nothing_costs_time_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Root may write where modes forbid it, but not below a file.
    (tmp_path / "performance").write_text("in the way")
    partials = DirectoryPartials(tmp_path / "performance")
    for _ in range(2):
        partials.write("0-1", "key", pl.DataFrame({"jobs": [1]}))
    assert partials.read("0-1", "key") is None
    [told] = caplog.messages
    assert "it can't be kept in" in told and "Let this process write there." in told
