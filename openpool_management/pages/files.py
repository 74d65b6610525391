"""The pages as files, to lie beside the published documents and be served by anything."""

from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256

from openpool_management.domain.audit import PostedLine
from openpool_management.pages.account_lines import lines_part
from openpool_management.pages.assets import ASSETS, asset_content
from openpool_management.pages.links import FileLinks
from openpool_management.pages.site import Site, entry_page
from openpool_management.services.audit_trail import AuditTrail
from openpool_management.services.exports.documents import Fixed, Published
from openpool_management.services.exports.publication import Publication
from openpool_management.services.performance.report import Window
from openpool_management.services.statement import trace_entry

HTML_TYPE = "text/html; charset=utf-8"


def site_files(publication: Publication, trail: AuditTrail) -> Iterator[Published | Fixed]:
    """Every page, and what pages load. Pages of entries are made where they are missing."""
    for name, content_type in ASSETS.items():
        yield Published(f"pages/{name}", asset_content(name), content_type, dated=False)
    site = Site(publication, FileLinks())
    yield _page("index.html", site.overview())
    yield _page("quality.html", site.quality())
    for window in Window:
        yield _page(site.links.ranking(window.label), site.ranking(window.label))
    yield from _parts(site.links.workers, site.workers)
    yield from _parts(site.links.payouts, site.payouts)
    for worker in sorted(publication.workers):
        yield from _worker(publication, trail, worker)


def _worker(
    publication: Publication, trail: AuditTrail, address: str
) -> Iterator[Published | Fixed]:
    lines = lines_part(publication, trail, address).lines
    entries = {one.entry_number: _name(one) for one in lines if one.batch_number is not None}
    site = Site(publication, FileLinks(1, entries))
    yield _page(f"workers/{address}.html", site.worker(address, lines))
    for entry, name in sorted(entries.items()):
        key = f"workers/{address}/{name}.html"
        yield Fixed(key, partial(_entry, trail, address, entry), HTML_TYPE)


def _name(line: PostedLine) -> str:
    # The number alone could be that of another ledger that was published here before.
    digest = sha256(f"{line.posting_key} {line.posted_at.isoformat()}".encode()).hexdigest()
    return f"{line.entry_number}-{digest[:12]}"


def _entry(trail: AuditTrail, address: str, entry: int) -> bytes:
    """The page of an entry. Raises OSError where the lake does not hold the jobs it was made of."""
    statement = trace_entry(trail, address, entry)
    if statement.errors:
        # It would be written once, and go on to say so when the lake is whole again.
        raise OSError(statement.errors[0])
    return (entry_page(FileLinks(2), statement) or "").encode()


def _parts(link: Callable[[int], str], make: Callable[[int], str | None]) -> Iterator[Published]:
    number = 1
    while (html := make(number)) is not None:
        yield _page(link(number), html)
        number += 1


def _page(key: str, html: str | None) -> Published:
    return Published(key, (html or "").encode(), HTML_TYPE, dated=False)
