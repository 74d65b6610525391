"""Performance wired to the technology that the settings name."""

from openpool_management.adapters.partial_directory import DirectoryPartials
from openpool_management.adapters.sql.performance import SqlPerformance
from openpool_management.pool import Pool
from openpool_management.services.performance.report import PerformanceSources

FOLDER = "performance"


def performance_sources(pool: Pool) -> PerformanceSources:
    """What performance is worked out of. Partials are kept in OPENPOOL_HOME."""
    return PerformanceSources(
        records=SqlPerformance(pool.engine),
        presence=pool.presence,
        lake=pool.lake,
        cache=DirectoryPartials(pool.settings.home / FOLDER),
    )
