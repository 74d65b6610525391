"""Expected failures, as an exit code and a sentence instead of a traceback."""

from openpool_management.cli.exit_codes import ExitCode


def explain_failure(error: Exception) -> tuple[ExitCode, str] | None:
    """The exit code and the sentence for an error that can be expected, None for a defect.

    No sentence holds a secret.
    """
    from botocore.exceptions import ProfileNotFound

    from openpool_management.adapters.sql.errors import explain_database_error
    from openpool_management.adapters.sql.histories import PostingsDiffer
    from openpool_management.adapters.sql.prepare import LedgerNotReady, SchemaIsNewer
    from openpool_management.domain.journal import NotExact
    from openpool_management.export_desk import NoStoreError
    from openpool_management.options import SettingsError
    from openpool_management.pool import NoSourceError
    from openpool_management.services.decisions import DecisionRefused
    from openpool_management.services.payouts.paymaster import PayoutsStopped
    from openpool_management.services.ports import LedgerConflict
    from openpool_management.services.ports.chain import SignerError
    from openpool_management.services.ports.payouts import LeaseHeld, PayoutConflict
    from openpool_management.services.trace import UnknownEvent
    from openpool_management.simulation.flush import SinkError

    if isinstance(error, SettingsError | NoSourceError | NoStoreError):
        return ExitCode.WRONG_USE, str(error)
    if isinstance(error, DecisionRefused | UnknownEvent):
        return ExitCode.WRONG_USE, str(error)
    if isinstance(error, PayoutsStopped | SignerError | NotExact):
        return ExitCode.WRONG_USE, str(error)
    if isinstance(
        error,
        LedgerNotReady | SchemaIsNewer | LedgerConflict | SinkError | PayoutConflict | LeaseHeld,
    ):
        return ExitCode.UNREACHABLE, str(error)
    if isinstance(error, PostingsDiffer):
        return ExitCode.FINDING, str(error)
    if isinstance(error, OSError):
        return ExitCode.UNREACHABLE, _os_sentence(error)
    if isinstance(error, ProfileNotFound):
        return (
            ExitCode.WRONG_USE,
            f"{error}: set AWS_PROFILE to a profile that exists, or unset it.",
        )
    sentence = explain_database_error(error)
    return None if sentence is None else (ExitCode.UNREACHABLE, sentence)


def _os_sentence(error: OSError) -> str:
    # Errors of the sources carry a sentence; those of the operating system a number and a path.
    if error.errno is None:
        return str(error)
    place = f" {error.filename}" if error.filename else ""
    return f"{error.strerror}:{place} cannot be used; check that it exists and may be written."
