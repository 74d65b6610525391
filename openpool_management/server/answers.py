"""Answers as JSON: documents byte for byte as they are published, and refusals as sentences."""

from collections.abc import Mapping

from starlette.responses import Response

from openpool_management.services.exports.documents import JSON_TYPE, json_document
from openpool_management.services.exports.values import Document


def answer(document: Document, status: int = 200) -> Response:
    """A document as its file has it."""
    published = json_document("", document)
    return Response(published.content, status, media_type=JSON_TYPE)


def refusal(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """``{"detail": sentence}``."""
    content = json_document("", {"detail": sentence}).content
    return Response(content, status, headers, media_type=JSON_TYPE)
