"""``openpool serve``: the pages and the API on an address of this machine."""

from typing import Annotated

import typer

from openpool_management.cli.output import JsonFlag, print_json, say


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")
    ] = 8080,
    as_json: JsonFlag = False,
) -> None:
    """Serve pages, API and metrics until Ctrl-C or SIGTERM. Nothing can be changed through them.

    It starts without a ledger too, and says that there is none until there is. docs/api.md has
    every address.
    """
    from openpool_management.settings import load_settings

    # First, since all that follows takes a second to load.
    settings = load_settings()
    from openpool_management.serve_desk import ServeDesk
    from openpool_management.server.listening import (
        GRACE_SECONDS,
        bound_socket,
        serve_until_stopped,
        url_of,
    )

    desk = ServeDesk(settings)
    snapshots = desk.snapshots()
    app = desk.app(snapshots)
    with bound_socket(host, port) as listener:
        if as_json:
            print_json({"url": url_of(listener)})
        else:
            say(f"Pages, API and metrics are on {url_of(listener)} until Ctrl-C.")
        serve_until_stopped(app, snapshots, listener, settings.serve_proxies)
    snapshots.close(GRACE_SECONDS)
    desk.close()
