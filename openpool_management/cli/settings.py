"""``openpool settings``: every option with its value, secrets left out."""

from dataclasses import asdict

from openpool_management.cli.output import JsonFlag, print_json, print_table


def settings(as_json: JsonFlag = False) -> None:
    """Show every option with its value, default and unit. No secret is shown.

    Exits with 2, and a sentence for each problem, when the settings cannot be used.
    """
    from openpool_management.settings import load_settings

    rows = load_settings().describe()
    if as_json:
        print_json([asdict(row) for row in rows])
    else:
        print_table(
            "Settings, from the environment or .env in the project",
            ["option", "value", "default", "unit", "meaning"],
            [[row.name, row.value, row.default, row.unit, row.description] for row in rows],
        )
