"""Sentences for a database that cannot be used, without its password."""

from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)

DatabaseFailure = SQLAlchemyError
"""What every error of the database is, for those who speak no SQL."""

_REMEDY = (
    "check OPENPOOL_LEDGER_URL, that the database runs, that it can be reached from here, "
    "and that its disk has room."
)


def explain_database_error(error: Exception) -> str | None:
    """What is wrong with the database and what to do; None for any other kind of error.

    Only the driver's first line is quoted: statements, parameters and the URL are left out.
    """
    if isinstance(error, ArgumentError):
        return f"The ledger's database is not named in a form that can be read: {_REMEDY}"
    # DatabaseError itself is a file that is no database; its other kinds are defects of ours.
    if isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError:
        return f"The ledger's database cannot be used ({_driver_line(error)}): {_REMEDY}"
    return None


def _driver_line(error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    return lines[0].rstrip(". ") if lines else type(error.orig).__name__
