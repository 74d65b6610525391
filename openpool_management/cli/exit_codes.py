"""What the exit code of a command says."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of ``openpool``; docs/commands.md lists them too."""

    DONE = 0
    FINDING = 1
    WRONG_USE = 2
    UNREAD = 3
    UNREACHABLE = 4
    INTERRUPTED = 130


EXIT_CODES_HELP = (
    "Exit codes: 0 done; 1 a difference or a finding; 2 wrong usage or settings; "
    "3 some objects could not be read, the rest was; 4 the event log or the ledger could not be "
    "reached or used; 130 interrupted."
)
