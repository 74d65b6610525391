"""Documents in a directory."""

import hashlib
from pathlib import Path

from openpool_management.adapters.replaced_file import replaced_file

_LONGEST_PART_BYTES = 200


class DirectoryDocuments:
    """Files below a directory, each written to the disk before it gets its name."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def name(self) -> str:
        """See the port."""
        return str(self.root)

    def read(self, key: str) -> bytes | None:
        """See the port."""
        try:
            return self.path(key).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, key: str, content: bytes, content_type: str) -> None:
        """See the port. A directory keeps no content type."""
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced_file(path) as output:
            output.write(content)

    def path(self, key: str) -> Path:
        """The file of a key; it lies below the root whatever the key is."""
        *folders, name = key.split("/")
        return self.root.joinpath(*map(_folder, folders), _part(name))


def _folder(part: str) -> str:
    """A part of a key as the name of a folder, which no document has."""
    return _digest(part) if part.endswith((".json", ".csv", ".html")) else _part(part)


def _part(part: str) -> str:
    """A part of a key as the name of a file or folder.

    Regions are the orchestrators' words: one that no folder can be called, or that leads out of the
    root, is called by its digest.
    """
    fits = len(_bytes(part)) <= _LONGEST_PART_BYTES and part not in ("", ".", "..")
    return part if fits and part.isprintable() and "\\" not in part else _digest(part)


def _digest(part: str) -> str:
    return hashlib.sha256(_bytes(part)).hexdigest()


def _bytes(part: str) -> bytes:
    return part.encode(errors="surrogatepass")
