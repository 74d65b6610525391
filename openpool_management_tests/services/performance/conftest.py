"""What performance is worked out of in tests: a real ledger, a real lake, a real cache."""

from collections.abc import Callable
from pathlib import Path

import pytest

from openpool_management.adapters.partial_directory import DirectoryPartials
from openpool_management.adapters.sql.performance import SqlPerformance
from openpool_management.adapters.sql.presence import SqlPresence
from openpool_management.services.performance.report import PerformanceSources
from openpool_management_tests.ledgers import ScratchLedger


def sources_of(scratch: ScratchLedger, cache: Path) -> PerformanceSources:
    """The sources of a scratch ledger."""
    return PerformanceSources(
        SqlPerformance(scratch.engine),
        SqlPresence(scratch.engine),
        scratch.lake,
        DirectoryPartials(cache),
    )


@pytest.fixture
def sources(scratch: ScratchLedger, tmp_path: Path) -> PerformanceSources:
    """The sources of the scratch ledger, with an empty cache."""
    return sources_of(scratch, tmp_path / "cache")


@pytest.fixture
def fresh(scratch: ScratchLedger, tmp_path: Path) -> Callable[[], PerformanceSources]:
    """Sources of the scratch ledger whose cache has never been used."""
    numbers = iter(range(1_000))
    return lambda: sources_of(scratch, tmp_path / f"fresh-{next(numbers)}")
