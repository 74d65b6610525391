"""Figures for Prometheus, out of the publication that is shown at the moment of the scrape."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from openpool_management.domain.accounts import AccountKind
from openpool_management.domain.holds import HoldReason
from openpool_management.pool import utc_now
from openpool_management.server.snapshots import NotReady, Snapshots
from openpool_management.services.exports.material import Material
from openpool_management.services.payouts.wallet_report import LOOKBACK_DAYS, days_left

ROUNDED = "In wei, rounded: a sample is a double."


def metrics_router(
    snapshots: Snapshots, reserve_wei: int, clock: Callable[[], datetime] = utc_now
) -> APIRouter:
    """The route /metrics. reserve_wei is what payouts leave in the wallet."""
    router = APIRouter(include_in_schema=False, default_response_class=Response)

    @router.get("/metrics")
    def metrics(request: Request) -> Response:
        material: Material | None = None
        try:
            material = snapshots.current().material
        except NotReady:
            # A scrape that fails would hide the one sample that says so.
            material = None
        registry = CollectorRegistry()
        registry.register(PoolFigures(snapshots, material, reserve_wei, clock()))
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        return Response(
            encode(registry),
            headers={"Content-Type": kind, "Cache-Control": "no-store", "Vary": "Accept"},
        )

    return router


@dataclass(frozen=True, slots=True, eq=False)
class PoolFigures(Collector):
    """All figures of one scrape. What is not known has no sample."""

    snapshots: Snapshots
    material: Material | None
    reserve_wei: int
    now: datetime

    def collect(self) -> Iterator[Metric]:
        """Every metric with its samples."""
        failing = self.snapshots.problem is not None or self.material is None
        yield _gauge(
            "openpool_snapshot_failing", "1 while what is shown can't be read anew.", int(failing)
        )
        if self.material is None:
            return
        age = (self.now - self.material.made_at).total_seconds()
        yield _gauge("openpool_snapshot_age_seconds", "Since the documents were made.", age)
        yield from _stream_figures(self.material, self.now)
        yield from _money_figures(self.material)
        yield from _payout_figures(self.material, self.now)
        yield _gauge(
            "openpool_wallet_days",
            f"Days that the wallet lasts at the payouts of the last {LOOKBACK_DAYS} days.",
            wallet_days(self.material, self.reserve_wei),
        )
        yield _gauge(
            "openpool_workers_online", "Workers with an open connection.", len(self.material.online)
        )


def wallet_days(material: Material, reserve_wei: int) -> int | None:
    """Whole days that the wallet lasts, without the reserve and what is set aside for payouts."""
    since = material.made_at - timedelta(days=LOOKBACK_DAYS)
    month_wei = sum(
        one.intent.amount_wei for one in material.not_voided if one.intent.created_at >= since
    )
    solvency = material.solvency
    known_wei = solvency.wallet_wei if solvency.chain_wei is None else solvency.chain_wei
    return days_left(known_wei, solvency.in_payout_wei + reserve_wei, month_wei)


def _stream_figures(material: Material, now: datetime) -> Iterator[Metric]:
    def by_stream(
        name: str, text: str, values: Iterable[tuple[str, float | None]]
    ) -> GaugeMetricFamily:
        return _labelled(name, text, "stream", values)

    yield by_stream(
        "openpool_ingest_lag_seconds",
        "Since the newest object that was read ends.",
        (
            (
                str(one),
                None if seen.newest_object_at is None else _since(seen.newest_object_at, now),
            )
            for one, seen in material.quality.items()
        ),
    )
    yield by_stream(
        "openpool_read_age_seconds",
        "Since the newest batch was read.",
        ((str(one), _since(at, now)) for one, at in material.ledger.read_at.items()),
    )
    open_items = dict.fromkeys((one.value for one in HoldReason), 0) | material.held
    yield _labelled(
        "openpool_held_items", "Held items that wait for a decision.", "reason", open_items.items()
    )
    jobs = {str(one): 0 for one in material.streams}
    fees_wei = dict(jobs)
    for one in material.ledger.standings:
        if one.account.kind is AccountKind.UNATTRIBUTED:
            jobs[one.account.stream] += one.jobs
            fees_wei[one.account.stream] += one.balance_wei
    yield by_stream("openpool_unattributed_jobs", "Jobs that are nobody's.", jobs.items())
    yield by_stream("openpool_unattributed_wei", f"Their fees. {ROUNDED}", fees_wei.items())


def _money_figures(material: Material) -> Iterator[Metric]:
    solvency = material.solvency
    for name, amount_wei, text in (
        ("earned", solvency.earned_wei, "What workers earned."),
        ("paid", solvency.paid_wei, "What was paid to them, final on the chain."),
        ("owed", solvency.owed_wei, "What they are owed, with what is set aside for payouts."),
        ("in_payout", solvency.in_payout_wei, "What is set aside for payouts that are not final."),
        ("wallet", solvency.wallet_wei, "What the wallet holds by the ledger."),
    ):
        yield _gauge(f"openpool_{name}_wei", f"{text} {ROUNDED}", amount_wei)


def _payout_figures(material: Material, now: datetime) -> Iterator[Metric]:
    under_way = material.ledger.under_way
    oldest = min((one.intent.created_at for one in under_way), default=now)
    yield _gauge("openpool_payouts_in_flight", "Payouts that are not final.", len(under_way))
    yield _gauge(
        "openpool_payout_in_flight_oldest_seconds",
        "Since the oldest of them was set aside; 0 where there is none.",
        _since(oldest, now),
    )


def _since(moment: datetime, now: datetime) -> float:
    return (now - moment).total_seconds()


def _gauge(name: str, text: str, value: float | None) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text)
    if value is not None:
        family.add_metric([], float(value))
    return family


def _labelled(
    name: str, text: str, label: str, values: Iterable[tuple[str, float | None]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for of, value in values:
        if value is not None:
            family.add_metric([of], float(value))
    return family
