"""Metrics: what `/metrics` tells, read from an exposition in which everything has happened once."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from backend.domain.mailbox.message import Outcome, PolicyRow, Verdict
from backend.pipeline.memory import VerdictMetrics
from backend.ports.system import Pushed
from backend.web.services import GROUPS, Measures
from tests.reference.tables import page


def metrics() -> str:
    """Every family with its type, labels and words."""
    found = {each.name: each for each in text_string_to_metric_families(exposition())}
    lines = []
    for name in sorted(name for name in found if not name.endswith("_created")):
        family = found[name]
        labels = dict.fromkeys(
            label for sample in family.samples for label in sample.labels if label not in ("le", "quantile")
        )
        full = f"{name}_total" if family.type == "counter" else name
        by = " by " + ", ".join(f"`{label}`" for label in labels) if labels else ""
        lines.append(f"- `{full}` ({family.type}{by}): {family.documentation}")
    return page(
        "Metrics",
        """What `/metrics` has for Prometheus. Labels are fixed words and templates of routes. Gauges are what the
        store holds, the same from every replica: take the highest, not the sum. Counters and histograms are the
        process's own. Alarms: [operations](operations.md#alarms), [alerts.yml](../alerts.yml); Grafana:
        [dashboard.json](../dashboard.json).""",
        lines,
    )


def exposition() -> str:
    """What a server says that has met everything."""
    measures, judged = Measures(), VerdictMetrics()
    measures.request("/", "GET", 200, 0.01)
    judged.note(Verdict(Outcome.INBOX, PolicyRow.BELOW_HOLD))
    judged.lag.observe(1)
    judged.reading.observe(0.01)
    census = dict.fromkeys((key if len(told) == 2 else f"{key}.x" for key, told in GROUPS.items()), 1)
    told = measures.exposition(census, {("sync", "google"): 1}, judged, dict.fromkeys(Pushed, 1))
    return told.decode()
