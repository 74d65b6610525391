"""A file that is there whole, or as it was before."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replaced_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file beside path, which takes its place at the end of the block.

    Where the block raises, or the machine stops, what stood at path stays. Raises OSError with a
    sentence where path can't be written.
    """
    draft = None
    try:
        # A link stays a link: what it leads to is replaced.
        target = path.resolve()
        _check(path, target)
        draft = target.with_name(f".{uuid.uuid4().hex}.draft")
        with draft.open("xb") as output:
            yield output
            output.flush()
            os.fsync(output.fileno())
        draft.replace(target)
        sync_directory(target.parent)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(f"{path} could not be written: {error.strerror}.") from error
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)


def _check(path: Path, target: Path) -> None:
    if target.is_dir():
        raise IsADirectoryError(f"{path} is a directory: name a file.")
    if target.exists() and not target.is_file():
        raise OSError(f"{path} is no regular file, so nothing can take its place: name another.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"There is no directory {target.parent}: make it first.")


def sync_directory(path: Path) -> None:
    """Force to the disk what a directory's files are called."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
