"""A file is replaced whole or not at all."""

import os
from pathlib import Path
from typing import BinaryIO

import pytest

from openpool_management.adapters.replaced_file import replaced_file


def interrupt(output: BinaryIO) -> None:
    """Write a part, and stop as Ctrl-C does."""
    output.write(b"after")
    raise KeyboardInterrupt


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt), replaced_file(path) as output:
        interrupt(output)
    assert path.read_bytes() == b"before"
    with replaced_file(path) as output:
        output.write(b"after")
        output.flush()
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"after"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("file")
    for content in (b"first", b"second"):
        with replaced_file(link) as output:
            output.write(content)
        assert link.is_symlink()
        assert (tmp_path / "file").read_bytes() == content


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", r"is a directory: name a file\.$"),
        ("gone/file", r"^There is no directory .*gone: make it first\.$"),
        ("pipe", r"is no regular file, so nothing can take its place"),
        ("x" * 300, r"could not be written: File name too long\.$"),
    ],
)
def test_a_place_that_can_not_be_written_is_named(tmp_path: Path, name: str, sentence: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=sentence), replaced_file(tmp_path / name):
        pytest.fail("there is nothing to write to")
    assert list(tmp_path.iterdir()) == [tmp_path / "pipe"]
