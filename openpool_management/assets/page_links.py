"""Links from asset pages to the pages that people without Dagster read."""

import dagster as dg

from openpool_management.settings import Settings


def page_link(
    settings: Settings, path: str, name: str = "page"
) -> dict[str, "dg.RawMetadataValue"]:
    """A link to a page such as ``/workers``; nothing where OPENPOOL_PAGES_URL is not set."""
    if settings.pages_url is None:
        return {}
    return {name: dg.MetadataValue.url(f"{settings.pages_url}{path}")}
