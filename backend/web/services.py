"""What the app holds for its routes: the services, its Prometheus metrics, and the loop of its event streams."""

from __future__ import annotations

import asyncio
import collections
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from quart import Quart, Response, current_app, json

from backend import logs
from backend.pipeline.account import ArchiveService
from backend.pipeline.addon import AddonService
from backend.pipeline.context import Context
from backend.pipeline.devices import DeviceService, WebPushService
from backend.pipeline.memory import VerdictMetrics
from backend.pipeline.review import InsightService, ReviewService
from backend.pipeline.solve import Checks
from backend.ports.gmail import Authorizer, PushCallers
from backend.ports.system import Pushed
from backend.transactions.records import Event, News, PushFate
from backend.transactions.script import Notifier

# ---- What the app holds


KEY = "pitchgate"


@dataclass(frozen=True, slots=True)
class Services:
    """What `create_app` needs. `checks` verifies captchas. Without `addon` the add-on's endpoints answer 404. `failed`
    counts failed attempts by job and cause since the process started; the lanes update it, /metrics reads it."""

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


def register_services(app: Quart, services: Services, stopping: asyncio.Event) -> Measures:
    """Store in the app what its routes use, with new metrics, which are returned. `create_app` calls this once."""
    measures = Measures()
    app.extensions[KEY] = (services, measures, Streams(stopping))
    return measures


def this_app() -> Quart:
    """The app itself, not the proxy `current_app`: for what outlives the request or refers to the app weakly."""
    proxy: Any = current_app  # its type differs between releases of Quart
    app: Quart = proxy._get_current_object()
    return app


def services() -> Services:
    return _held()[0]


def measures() -> Measures:
    return _held()[1]


def streams() -> Streams:
    return _held()[2]


def _held() -> tuple[Services, Measures, Streams]:
    return cast("tuple[Services, Measures, Streams]", current_app.extensions[KEY])


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
    "failing_seconds": ("pitchgate_job_failing_seconds", "How long the longest job failure has lasted"),
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
        self._request(route, method, str(status)).inc()
        self._took(route).observe(seconds)

    def push(self, fate: str) -> None:
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


# ---- Streams of server-sent events
# Each sends a mailbox's changes from where the client left off, and sleeps until the store's notifier wakes it. Changes
# by another process in the same SQLite file, or by the passing of time, wake nobody, so it also reads the store every
# few seconds.


TICK = 5.0
"""Seconds after which a stream reads the store although nothing woke it."""

QUIET_TICKS = 3
"""Reads without changes after which a comment is sent, to reveal a broken connection."""

BURST_SECONDS = 0.1
"""Seconds between changes and the next read, so that a burst takes few reads."""

BATCH = 200
NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(slots=True)
class Streams:
    """The number of open streams by device or browser, and whether the server is stopping."""

    stopping: asyncio.Event
    open: collections.Counter[str] = field(default_factory=collections.Counter)


async def nothing() -> bytes:
    """The default of `Feed.extra_event`: no event."""
    return b""


@dataclass(frozen=True, slots=True)
class Feed:
    """What one stream sends.

    Streams are counted by `name`. `look(after, limit)` reads the changes after a number; `as_text` formats one (b"" if
    this stream leaves it out). `missed` is the name of the event sent if older changes are no longer stored.
    `extra_event` is called while there are no changes and may return an event of its own.
    """

    name: str
    notifier: Notifier
    look: Callable[[int, int], Awaitable[News]]
    as_text: Callable[[Event], bytes]
    missed: str
    extra_event: Callable[[], Awaitable[bytes]] = nothing


def streamed(feed: Feed, given: str, latest: int = -1) -> Response:
    """The streaming answer, with the changes after the number `given`, or after `latest` if it is "".

    A `given` that is not a number counts as one too old.
    """
    after = int(given) if NUMBER.fullmatch(given) else -1 if given else latest
    response = Response(follow(streams(), feed, after), content_type="text/event-stream")
    response.timeout = None
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def follow(streams: Streams, feed: Feed, after: int) -> AsyncIterator[bytes]:
    """The events of a stream, until its device or session ends, the server stops or the client disconnects."""
    streams.open[feed.name] += 1
    quiet = 0
    try:
        yield b"retry: 3000\n\n"
        while not streams.stopping.is_set():
            rings_before = feed.notifier.rings
            news = await feed.look(after, BATCH)
            if not news.alive:
                return
            if news.lost:
                after = news.latest
                yield line(after, feed.missed, {})
            for event in news.events:
                after = event.id
                if text := feed.as_text(event):
                    yield text
            quiet = 0 if news.events else quiet + 1
            if (quiet == 1 or quiet > QUIET_TICKS) and (added := await feed.extra_event()):
                yield added
            if quiet > QUIET_TICKS:
                quiet = 1
                yield b": still here\n\n"
            if len(news.events) < BATCH:
                await _wait_for_news(streams.stopping, feed.notifier, rings_before, bool(news.events))
    finally:
        streams.open[feed.name] -= 1
        if not streams.open[feed.name]:
            del streams.open[feed.name]


def line(number: int, name: str, data: Mapping[str, object]) -> bytes:
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


async def _wait_for_news(stopping: asyncio.Event, notifier: Notifier, rings_before: int, busy: bool) -> None:
    """Wait until there may be changes or the server stops; after changes (`busy`) only `BURST_SECONDS`."""
    news = asyncio.sleep(BURST_SECONDS) if busy else notifier.rung(TICK, rings_before)
    waits = (asyncio.create_task(stopping.wait()), asyncio.create_task(news))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
