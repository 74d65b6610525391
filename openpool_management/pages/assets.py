"""What pages load beside themselves: style sheet, script and icon."""

from importlib.resources import files

ASSETS = {
    "pages.css": "text/css; charset=utf-8",
    "pages.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""Content types by name."""


def asset_content(name: str) -> bytes:
    """The bytes of one of ASSETS."""
    return (files(__package__) / "static" / name).read_bytes()
