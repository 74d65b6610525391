"""``openpool publish``: write the documents for dashboards, workers and auditors."""

from openpool_management.cli.output import JsonFlag, number, print_json, say


def publish(as_json: JsonFlag = False) -> None:
    """Write what changed to S3_METRICS_BUCKET or OPENPOOL_METRICS_DIR, and say what it was.

    Documents that say the same as those there are left alone. What is replaced is kept below
    history/, under the day. docs/exports.md has every document and field.
    """
    from openpool_management.export_desk import ExportDesk
    from openpool_management.payout_desk import PayoutDesk
    from openpool_management.pool import Pool
    from openpool_management.settings import load_settings

    report = ExportDesk(PayoutDesk(Pool(load_settings()))).publish()
    if as_json:
        print_json(
            {
                "store": report.store,
                "written": list(report.written),
                "unchanged": list(report.unchanged),
                "kept": list(report.kept),
            }
        )
        return
    for key in report.written:
        say(key)
    say(
        f"{number(len(report.written))} documents written to {report.store}, "
        f"{number(len(report.unchanged))} unchanged."
    )
