"""Where documents are published, as the services need it."""

from typing import Protocol


class DocumentStore(Protocol):
    """Documents by key, such as ``workers/0x….json``. Errors are OSErrors that say a sentence."""

    @property
    def name(self) -> str:
        """What people call it, without secrets."""
        ...

    def read(self, key: str) -> bytes | None:
        """The document of a key, None where there is none."""
        ...

    def write(self, key: str, content: bytes, content_type: str) -> None:
        """Put a document in its place, whole or not at all, replacing what was there."""
        ...
