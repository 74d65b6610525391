"""Documents for dashboards, workers and auditors, as plain dicts of JSON values."""
