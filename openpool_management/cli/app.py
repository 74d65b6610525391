"""The commands of ``openpool`` as one application."""

import importlib.metadata
import logging
from collections.abc import Sequence
from typing import Annotated

import typer

from openpool_management.cli import (
    archive,
    commission,
    doctor,
    export,
    held,
    ledger,
    payouts,
    performance,
    publish,
    serve,
    settings,
    simulate,
    solvency,
    sync,
    trace,
    unattributed,
    verify,
)
from openpool_management.cli.exit_codes import EXIT_CODES_HELP, ExitCode
from openpool_management.cli.failures import explain_failure
from openpool_management.cli.output import StderrHandler, tell

app = typer.Typer(
    name="openpool",
    help="What each worker of an orchestrator pool earned, to the wei.",
    epilog=EXIT_CODES_HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=EXIT_CODES_HELP)(sync.sync)
app.command(epilog=EXIT_CODES_HELP)(ledger.ledger)
app.command(epilog=EXIT_CODES_HELP)(trace.trace)
app.command(epilog=EXIT_CODES_HELP)(solvency.solvency)
app.command(epilog=EXIT_CODES_HELP)(performance.performance)
app.add_typer(held.app, name="held")
app.add_typer(unattributed.app, name="unattributed")
app.add_typer(commission.app, name="commission")
app.add_typer(payouts.app, name="payouts")
app.command(epilog=EXIT_CODES_HELP)(export.export)
app.command(epilog=EXIT_CODES_HELP)(publish.publish)
app.command(epilog=EXIT_CODES_HELP)(serve.serve)
app.command(epilog=EXIT_CODES_HELP)(archive.archive)
app.command(epilog=EXIT_CODES_HELP)(verify.verify)
app.command(epilog=EXIT_CODES_HELP)(settings.settings)
app.command(epilog=EXIT_CODES_HELP)(doctor.doctor)
app.command(epilog=EXIT_CODES_HELP)(simulate.simulate)


def _print_version(wanted: bool) -> None:
    if wanted:
        try:
            typer.echo(f"openpool {importlib.metadata.version('openpool_management')}")
        except importlib.metadata.PackageNotFoundError:
            typer.echo("openpool, run from a checkout that is not installed")
        raise typer.Exit


@app.callback()
def openpool(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """What each worker of an orchestrator pool earned, to the wei."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a defect is raised."""
    handler = StderrHandler()
    logging.getLogger().addHandler(handler)
    try:
        app(args=None if arguments is None else list(arguments), prog_name="openpool")
    except SystemExit as end:
        return int(end.code or 0)
    except KeyboardInterrupt:
        tell("Interrupted: what was committed stays, the rest is done by the next run.")
        return ExitCode.INTERRUPTED
    except Exception as error:
        failure = explain_failure(error)
        if failure is None:
            raise
        code, sentence = failure
        tell(sentence)
        return code
    finally:
        logging.getLogger().removeHandler(handler)
    return ExitCode.DONE
