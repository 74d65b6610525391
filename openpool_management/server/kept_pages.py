"""Pages that are the same for everybody, drawn once for each publication."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from openpool_management.services.exports.publication import Publication

MOST_PAGES = 50
"""Some hundred kilobytes each. Lists may have more parts; few people read further."""


@dataclass
class KeptPages:
    """HTML by name, of one publication at a time. Safe to use from many threads."""

    # Together, so that nobody sees the one without the other.
    _kept: tuple[Publication | None, dict[Hashable, str]] = field(
        default_factory=lambda: (None, {}), repr=False
    )

    def page(
        self, publication: Publication, name: Hashable, make: Callable[[], str | None]
    ) -> str | None:
        """The page of that name, made where it is not kept; None, for no such page, is not kept."""
        of, pages = self._kept
        if of is not publication:
            pages = {}
            self._kept = publication, pages
        if name in pages:
            return pages[name]
        html = make()
        if html is not None and len(pages) < MOST_PAGES:
            pages[name] = html
        return html
