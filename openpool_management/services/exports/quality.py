"""``quality.json``: what is held, what is nobody's, and which streams have gaps or are silent."""

from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.streams import Stream
from openpool_management.services.exports.material import Material, StreamQuality
from openpool_management.services.exports.values import Document, time_text


def quality_document(material: Material) -> Document:
    """Held items by reason, and each stream's unattributed jobs, gaps and silence.

    What is held is told by its reason alone: its content comes from a log, and may hold addresses.
    """
    reasons = sorted(material.held.items(), key=lambda one: (-one[1], one[0]))
    return {
        "export_timestamp": time_text(material.made_at),
        "held_items": sum(material.held.values()),
        "held": [{"reason": reason, "items": count} for reason, count in reasons],
        "streams": [_stream(material, stream) for stream in material.streams],
    }


def _stream(material: Material, stream: Stream) -> Document:
    own = [one for one in material.ledger.standings if one.account.stream == str(stream)]
    nobodys = [one for one in own if one.account.kind is AccountKind.UNATTRIBUTED]
    seen = material.quality.get(stream, StreamQuality(None, (), ()))
    return {
        "stream": str(stream),
        "read_at": time_text(material.ledger.read_at[stream]),
        "newest_object_at": time_text(seen.newest_object_at),
        "unattributed_jobs": sum(one.jobs for one in nobodys),
        "unattributed_wei": str(sum(one.balance_wei for one in nobodys)),
        "notices": [*seen.silence, *seen.gaps],
    }
