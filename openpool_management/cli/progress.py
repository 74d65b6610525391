"""The progress display of long commands, on standard error."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from openpool_management.cli.output import StderrHandler, error_console


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """A display that is drawn on a terminal alone; log lines go above it.

    Tasks have a field ``read``: what was read so far, as text.
    """
    console = error_console()
    progress = Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[read]}", markup=False),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    handlers = [it for it in logging.getLogger().handlers if isinstance(it, StderrHandler)]
    with progress:
        for handler in handlers:
            handler.console = console if console.is_terminal else None
        try:
            yield progress
        finally:
            for handler in handlers:
                handler.console = None
