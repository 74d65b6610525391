"""Failed runs and payouts are told to a webhook, and its address to nobody."""

import json
import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import dagster as dg
import pytest

from openpool_management.adapters.webhook import AlertError, post_alert
from openpool_management_tests.assets.payout_bench import NET_WEI, WORKERS, PayoutBench
from openpool_management_tests.assets.workbench import Workbench

SECRET = "T0KEN-in-the-path"


class Hook:
    """A web server that keeps what is posted to it and answers with a status.

    statuses are those of the first answers, until status is that of all.
    """

    def __init__(self, status: int) -> None:
        self.alerts: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                hook.alerts.append(json.loads(self.rfile.read(length)))
                self.send_response(hook.statuses.pop(0) if hook.statuses else status)
                self.send_header("Location", f"/elsewhere/{SECRET}")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/{SECRET}"
        self.thread = Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def stop(self) -> None:
        """End the server."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def hook(request: pytest.FixtureRequest) -> Iterator[Hook]:
    """A webhook that answers 200, or with the test's own status."""
    server = Hook(getattr(request, "param", 200))
    yield server
    server.stop()


def test_logs_do_not_tell_the_address(hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        post_alert(hook.url, {"text": "hello"})
    assert "POST" in caplog.text and SECRET not in caplog.text


def report_failure(bench: Workbench) -> object:
    """Let a run fail and evaluate the alert on it."""
    result = bench.run("nonsense", raise_on_error=False)
    assert not result.success
    status = dg.build_run_status_sensor_context(
        sensor_name="run_failure_alert",
        dagster_instance=bench.instance,
        dagster_run=result.dagster_run,
        dagster_event=result.get_run_failure_event(),
        resources={"openpool": bench.resource},
    )
    with status.for_run_failure() as context:
        return bench.defs.resolve_sensor_def("run_failure_alert")(context)


def test_a_failed_run_is_posted(bench: Workbench, hook: Hook) -> None:
    report_failure(bench.with_options(alert_webhook_url=hook.url))
    [alert] = hook.alerts
    assert alert["job"] == "ingest_job" and alert["stream"] == "nonsense"
    assert alert["run_id"] in alert["text"] and "ingest_job of nonsense failed" in alert["text"]


def test_without_a_webhook_nothing_is_posted(bench: Workbench) -> None:
    skipped = report_failure(bench)
    assert isinstance(skipped, dg.SkipReason)
    assert "OPENPOOL_ALERT_WEBHOOK_URL" in str(skipped.skip_message)


@pytest.mark.parametrize("hook", [302, 404, 500], indirect=True)
def test_an_answer_that_is_no_success_is_an_error_without_the_address(hook: Hook) -> None:
    with pytest.raises(AlertError, match="HTTP status") as caught:
        post_alert(hook.url, {"text": "hello"})
    assert SECRET not in str(caught.value)
    assert len(hook.alerts) == 1


def test_nobody_there_is_an_error_without_the_address(hook: Hook) -> None:
    url = hook.url
    hook.server.server_close()
    with pytest.raises(AlertError, match="no answer") as caught:
        post_alert(url, {"text": "hello"})
    error: BaseException | None = caught.value
    # What Dagster writes into its log of a failed tick: the error and those it was raised from.
    while error is not None:
        assert SECRET not in str(error)
        error = error.__cause__ or error.__context__


def test_a_tick_that_can_not_post_fails_without_the_address(
    bench: Workbench, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    broken = bench.with_options(alert_webhook_url="http://127.0.0.1:9/" + SECRET)
    with pytest.raises(AlertError):
        report_failure(broken)
    assert SECRET not in caplog.text


def payout_alert(pays: PayoutBench) -> str:
    """Evaluate the alert on payouts; what it says."""
    result = pays.dagster.evaluate("payout_alert")
    assert isinstance(result, dg.SkipReason)
    return str(result.skip_message)


def test_each_message_of_payouts_is_posted_until_it_arrived_and_not_again(
    pays: PayoutBench, hook: Hook
) -> None:
    pays.rig.pay()
    pays.anvil.finalize()
    pays.rig.drive()
    told = [one.id for one in pays.rig.book.undelivered()]
    assert len(told) == 3
    alerting = pays.with_options(alert_webhook_url=hook.url)
    hook.statuses = [200, 500, 503]
    for undelivered in (2, 2):
        with pytest.raises(AlertError, match="HTTP status 50"):
            payout_alert(alerting)
        assert len(pays.rig.book.undelivered()) == undelivered
    assert payout_alert(alerting) == "2 messages were delivered."
    assert payout_alert(alerting) == "0 messages were delivered."
    assert [one["id"] for one in hook.alerts] == [told[0], *[told[1]] * 3, told[2]]
    paid = {one["worker"]: one for one in hook.alerts}
    assert set(paid) == set(WORKERS)
    for one in paid.values():
        assert one["subject"] == "Payout settled" and one["amount_wei"] == str(NET_WEI)
        assert one["text"].startswith("openpool: Payout settled: ")
        assert one["worker"] in one["text"] and str(NET_WEI) in one["text"]


def test_messages_of_payouts_wait_for_a_webhook(pays: PayoutBench, hook: Hook) -> None:
    pays.rig.paymaster().halt("a nonce is unknown")
    assert "OPENPOOL_ALERT_WEBHOOK_URL" in payout_alert(pays)
    assert hook.alerts == []
    # Whoever switches payouts off after trouble still has to know of it.
    payout_alert(pays.with_options(alert_webhook_url=hook.url, payouts="off"))
    [alert] = hook.alerts
    assert alert["subject"] == "Payouts are paused" and "a nonce is unknown" in alert["text"]
