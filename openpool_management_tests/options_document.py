"""Writes the table of options into docs/configuration.md; run by ``make docs``."""

from pathlib import Path

from openpool_management.options import options_table
from openpool_management.settings import Settings

DOCUMENT = Path(__file__).parent.parent / "docs" / "configuration.md"
_BEGIN = "<!-- options -->\n"
_END = "<!-- /options -->"


def with_table(document: str, table: str) -> str:
    """The document with what is between its two marks replaced by the table."""
    before, _, rest = document.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{table}{_END}{after}"


if __name__ == "__main__":
    text = DOCUMENT.read_text(encoding="utf-8")
    text = with_table(text, options_table(Settings.model_fields))
    DOCUMENT.write_text(text, encoding="utf-8")
