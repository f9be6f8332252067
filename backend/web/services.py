"""What routes are given: the services of the app they run in, and its counters for Prometheus."""

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
from backend.ports.public_post import Pushed
from backend.transactions.records import PushFate

# ---- Prometheus metrics
# Prometheus metrics. Each app has its own registry, so two apps in one process stay separate.


BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
GROUPS = {
    "mailboxes": ("pitchgate_mailboxes", "Connected mailboxes"),
    "links.needs_reconnect": ("pitchgate_mailboxes_needing_reconnect", "Mailboxes whose access is lost"),
    "notices.by_push": ("pitchgate_mailboxes_heard_by_push", "Mailboxes of whose mail pushes tell"),
    "released": ("pitchgate_messages_released", "Messages held once that are back, or on the way"),
    "dead_letters": ("pitchgate_dead_letters", "Messages tried too often, for a person to look at"),
    "failing": ("pitchgate_jobs_failing", "Jobs that have failed since they last succeeded, by why", "cause"),
    "failing_seconds": ("pitchgate_job_failing_seconds", "How long the job that fails longest has failed"),
    "oldest_due_seconds": ("pitchgate_job_overdue_seconds", "How long the oldest job has been due"),
    "messages": ("pitchgate_messages", "Messages by what was decided first", "outcome"),
    "stages": ("pitchgate_message_stages", "Messages by what is still to be done", "stage"),
    "fail_open": ("pitchgate_messages_not_judged", "Messages kept that could not be judged", "cause"),
    "challenges": ("pitchgate_challenges", "Links by how they stand", "state"),
    "watches": ("pitchgate_watches", "Gmail watches that want somebody's eye", "state"),
    "drift": ("pitchgate_drift_mailboxes", "Mailboxes by whether their mail has changed", "state"),
    "trial": ("pitchgate_trials", "Models in trial by what is known of them", "finding"),
}
"""The store's census as gauges: by whole key, or by group with what follows its dot as a label."""


class Told(Collector):
    """What others count, told to Prometheus as it stood when it was last asked for. They know no Prometheus."""

    def __init__(self) -> None:
        self.families: Sequence[Metric] = ()

    def collect(self) -> Iterable[Metric]:
        """All of it."""
        return self.families


def _counter(name: str, words: str, labels: Sequence[str], counts: Mapping[Any, int]) -> Metric:
    """There from the start: without a sample before the first. `counts` by label, or by several."""
    family = CounterMetricFamily(name, words, labels=labels)
    for values, count in counts.items():
        family.add_metric([values] if isinstance(values, str) else values, count)
    return family


def _census(counts: Mapping[str, int]) -> Iterator[Metric]:
    """What the store holds, each kind of count under a name of its own. Every replica tells the same. What there is
    none of now is not told, but for what the census names with 0."""
    families: dict[str, GaugeMetricFamily] = {}
    for key, count in counts.items():
        group, _, name = (key, "", "") if key in GROUPS else key.partition(".")
        metric, words, *label = GROUPS[group]
        family = families.setdefault(group, GaugeMetricFamily(metric, words, labels=label))
        family.add_metric([name] if label else [], count)
    yield from families.values()


class Measures:
    """Counters of the web. Labels are route templates and fixed words, never addresses or tokens."""

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
            "pitchgate_pushes", "Push notices by what became of them", ("fate",), registry=self._registry
        )
        # To find a counter by its labels costs more than to count; there are few.
        self._request = cache(self._requests.labels)
        self._took = cache(self._seconds.labels)
        self._push = cache(self._pushes.labels)
        for fate in (*PushFate, "malformed"):
            self._push(fate)  # an alarm on the rise of a count that is missing at 0 misses the first
        self._request("/hooks/gmail", "POST", "503")
        self._told = Told()
        self._registry.register(self._told)

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
        web_pushed: Mapping[Pushed, int],
        skew: float = 0.0,
        looks: int = 0,
    ) -> bytes:
        """Everything in Prometheus' text format. `census` is read afresh each time; `failed` counts failed tries by
        job and cause since the start of the process, `judged` the messages that were judged or could not be,
        `web_pushed` what push services said; the machine's clock is `skew` seconds ahead of Google's, and `looks` at
        so many histories wait."""
        ahead = "Seconds by which the machine's clock is ahead of Google's, beyond a minute; negative: behind"
        worth = "Log events worth a look, from the log level on that is set"
        told = "Messages to browsers by their push service's word; gone: the browser is forgotten, later: tried again"
        self._told.families = [
            *_census(census),
            _counter("pitchgate_jobs_failed", "Tries that failed", ("job", "cause"), failed),
            _counter("pitchgate_web_pushes", told, ("outcome",), web_pushed),
            _counter("pitchgate_log_events", worth, ("event",), logs.COUNTED),
            GaugeMetricFamily("pitchgate_clock_skew_seconds", ahead, value=skew),
            GaugeMetricFamily(
                "pitchgate_looks_waiting", "Mailboxes to be looked at, as pushes told", value=looks
            ),
        ]
        return generate_latest(self._registry) + generate_latest(judged.registry)


# ---- Services and metrics of the app


KEY = "pitchgate"


@dataclass(frozen=True, slots=True)
class Services:
    """What `create_app` needs. Without `addon` its endpoints are not there. `failed` is the job loop's running count of
    failed tries by job and cause, for /metrics."""

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
    """Keep them with the app, and counters beside them, which are returned. Once, from `create_app`."""
    measures = Measures()
    app.extensions[KEY] = (services, measures)
    return measures


def services() -> Services:
    """The services of the current app."""
    return cast("tuple[Services, Measures]", current_app.extensions[KEY])[0]


def measures() -> Measures:
    """The counters of the current app."""
    return cast("tuple[Services, Measures]", current_app.extensions[KEY])[1]
