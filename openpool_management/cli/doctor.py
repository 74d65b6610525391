"""``openpool doctor``: whether each part works, and what to do about those that don't."""

import typer

from openpool_management.cli.exit_codes import ExitCode
from openpool_management.cli.output import JsonFlag, print_json, print_table


def doctor(as_json: JsonFlag = False) -> None:
    """Look at the event log, the ledger, the lake, the clocks and the data.

    Each finding says what to do. Exits with 1 when one of them is an error.
    """
    from openpool_management.pool import Pool, utc_now
    from openpool_management.services.doctor import doctor as examine
    from openpool_management.services.doctor import worst
    from openpool_management.services.findings import Level
    from openpool_management.settings import load_settings

    pool = Pool(load_settings())
    findings = list(examine(pool, pool.settings, utc_now))
    if as_json:
        from openpool_management.cli.documents import as_document

        print_json(as_document(findings))
    else:
        print_table(
            "Findings",
            ["level", "subject", "finding", "what to do"],
            [[it.level.value, it.subject, it.sentence, it.remedy] for it in findings],
        )
    if worst(findings) is Level.ERROR:
        raise typer.Exit(ExitCode.FINDING)
