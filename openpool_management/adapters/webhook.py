"""Alerts, posted to a webhook."""

from typing import Any

import requests

from openpool_management.adapters.url_secrets import hide_in_logs

TIMEOUT_SECONDS = 10


class AlertError(Exception):
    """An alert could not be delivered. The message never holds the address: it is a secret."""


def post_alert(url: str, alert: dict[str, Any]) -> None:
    """Post an alert as JSON; its ``text`` is what chat services show.

    Raises AlertError when nobody answers, or the answer is no success.
    """
    hide_in_logs(url)
    try:
        response = requests.post(url, json=alert, timeout=TIMEOUT_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        # What requests says quotes the address, and so would a chained traceback.
        problem = f"no answer ({type(error).__name__})"
    else:
        if response.ok and not response.is_redirect:
            return
        problem = f"HTTP status {response.status_code}"
    raise AlertError(
        f"The alert was not delivered: {problem}. "
        "Check OPENPOOL_ALERT_WEBHOOK_URL and that this machine reaches it."
    )
