"""``python -m openpool_management.cli`` is ``openpool``."""

from openpool_management.cli import main

main()
