"""The services that routes use, and the app's Prometheus metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from quart import Quart, current_app

from backend import logs
from backend.pipeline.addon import AddonService
from backend.pipeline.archive import ArchiveService
from backend.pipeline.context import Context
from backend.pipeline.devices import DeviceService, WebPushService
from backend.pipeline.judged import VerdictMetrics
from backend.pipeline.review import InsightService, ReviewService
from backend.pipeline.solve import Checks
from backend.ports.gmail import Authorizer, PushCallers
from backend.ports.system import Pushed
from backend.transactions.records import PushFate

# ---- Prometheus metrics
# Each app has its own registry, so that two apps in one process stay separate.


BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
GROUPS = {
    "mailboxes": ("pitchgate_mailboxes", "Connected mailboxes"),
    "links.needs_reconnect": ("pitchgate_mailboxes_needing_reconnect", "Mailboxes whose access is lost"),
    "notices.by_push": ("pitchgate_mailboxes_heard_by_push", "Mailboxes whose changes arrive by push"),
    "released": ("pitchgate_messages_released", "Held messages that were released, or are being released"),
    "dead_letters": ("pitchgate_dead_letters", "Messages that failed too often, for a person to look at"),
    "failing": (
        "pitchgate_jobs_failing",
        "Jobs that have failed since they last succeeded, by cause",
        "cause",
    ),
    "failing_seconds": ("pitchgate_job_failing_seconds", "How long the job that fails longest has failed"),
    "oldest_due_seconds": ("pitchgate_job_overdue_seconds", "How long the oldest job has been due"),
    "messages": ("pitchgate_messages", "Messages by their first verdict", "outcome"),
    "stages": ("pitchgate_message_stages", "Messages by their next stage", "stage"),
    "fail_open": ("pitchgate_messages_not_judged", "Stored messages that could not be judged", "cause"),
    "challenges": ("pitchgate_challenges", "Challenges by state", "state"),
    "watches": ("pitchgate_watches", "Gmail watches that need attention", "state"),
    "drift": (
        "pitchgate_drift_mailboxes",
        "Mailboxes by whether their mail has changed since their first weeks",
        "state",
    ),
    "trial": ("pitchgate_trials", "Models in trial by their result so far", "finding"),
}
"""Gauges for the store's census: name, help text and, for keys of the form group.value, the label for the value."""


class SnapshotCollector(Collector):
    """Exports counts kept elsewhere, which `exposition` copies into `families` for each scrape."""

    def __init__(self) -> None:
        self.families: Sequence[Metric] = ()

    def collect(self) -> Iterable[Metric]:
        """The metrics of this scrape."""
        return self.families


def _counter(name: str, help_text: str, labels: Sequence[str], counts: Mapping[Any, int]) -> Metric:
    """A counter with the values of `counts`, keyed by its label, or by a tuple of labels. Exported without samples
    while `counts` is empty."""
    family = CounterMetricFamily(name, help_text, labels=labels)
    for values, count in counts.items():
        family.add_metric([values] if isinstance(values, str) else values, count)
    return family


def _census(counts: Mapping[str, int]) -> Iterator[Metric]:
    """The store's census as gauges; every replica exports the same values. A label value without any rows is missing,
    unless the census lists it with 0."""
    families: dict[str, GaugeMetricFamily] = {}
    for key, count in counts.items():
        group, _, name = (key, "", "") if key in GROUPS else key.partition(".")
        metric, help_text, *label = GROUPS[group]
        family = families.setdefault(group, GaugeMetricFamily(metric, help_text, labels=label))
        family.add_metric([name] if label else [], count)
    yield from families.values()


class Measures:
    """Metrics of the web app. Labels are route templates and fixed words, never addresses or tokens."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "pitchgate_http_requests",
            "Answered requests",
            ("route", "method", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "pitchgate_http_seconds",
            "From request to answer",
            ("route",),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._pushes = Counter(
            "pitchgate_pushes", "Push notices by their result", ("fate",), registry=self._registry
        )
        # Cached: finding a counter by its labels costs more than counting, and there are few.
        self._request = cache(self._requests.labels)
        self._took = cache(self._seconds.labels)
        self._push = cache(self._pushes.labels)
        for fate in (*PushFate, "malformed"):
            self._push(fate)  # export 0 from the start, or an alarm on an increase misses the first one
        self._request("/hooks/gmail", "POST", "503")
        self._snapshot = SnapshotCollector()
        self._registry.register(self._snapshot)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self._request(route, method, str(status)).inc()
        self._took(route).observe(seconds)

    def push(self, fate: str) -> None:
        """One push was acknowledged."""
        self._push(fate).inc()

    def exposition(
        self,
        census: Mapping[str, int],
        failed: Mapping[tuple[str, str], int],
        judged: VerdictMetrics,
        web_push_answers: Mapping[Pushed, int],
        skew: float = 0.0,
        pending_reads: int = 0,
    ) -> bytes:
        """All metrics in Prometheus' text format. `census`: the store's counts now; `failed`: failed job attempts by
        job and cause; `judged`: counts of verdicts; `web_push_answers`: answers of browsers' push services; `skew`:
        seconds by which the machine's clock is ahead of Google's; `pending_reads`: mailboxes whose history waits to
        be read."""
        ahead = "Seconds by which the machine's clock is ahead of Google's, beyond a minute; negative: behind"
        log_events = "Log events worth a look, at the configured log level and above"
        web_pushes = (
            "Web push messages by the push service's answer; gone: the browser is removed, later: retried"
        )
        self._snapshot.families = [
            *_census(census),
            _counter("pitchgate_jobs_failed", "Failed job attempts", ("job", "cause"), failed),
            _counter("pitchgate_web_pushes", web_pushes, ("outcome",), web_push_answers),
            _counter("pitchgate_log_events", log_events, ("event",), logs.COUNTED),
            GaugeMetricFamily("pitchgate_clock_skew_seconds", ahead, value=skew),
            GaugeMetricFamily(
                "pitchgate_looks_waiting",
                "Mailboxes whose history waits to be read after a push",
                value=pending_reads,
            ),
        ]
        return generate_latest(self._registry) + generate_latest(judged.registry)


# ---- Services and metrics of the app


KEY = "pitchgate"


@dataclass(frozen=True, slots=True)
class Services:
    """What `create_app` needs. `checks` verifies captchas. Without `addon` the add-on's endpoints answer 404. `failed`
    counts failed attempts by job and cause since the process started; the job loop updates it, /metrics reads it."""

    context: Context
    authorizer: Authorizer
    push_callers: PushCallers
    checks: Checks
    devices: DeviceService
    review: ReviewService
    insights: InsightService
    archive: ArchiveService
    web_push: WebPushService
    addon: AddonService | None = None
    failed: Mapping[tuple[str, str], int] = field(default_factory=dict)


def register_services(app: Quart, services: Services) -> Measures:
    """Store the services and new metrics in the app; returns the metrics. `create_app` calls this once."""
    measures = Measures()
    app.extensions[KEY] = (services, measures)
    return measures


def services() -> Services:
    """The services of the current app."""
    return cast("tuple[Services, Measures]", current_app.extensions[KEY])[0]


def measures() -> Measures:
    """The metrics of the current app."""
    return cast("tuple[Services, Measures]", current_app.extensions[KEY])[1]
