"""The dashboard of docs/dashboard.json asks for what is really told, and each of its panels has its own place."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from backend.domain.mailbox.message import FailOpenCause, Outcome, PolicyRow, Verdict
from backend.pipeline.memory import VerdictMetrics
from backend.ports.system import Pushed
from backend.web.services import Measures
from tests.web.operator.promtool import PROMTOOL, needs_promtool
from tests.web.service import office

NAME = re.compile(r"pitchgate_\w+")
LABELS = re.compile(r'(pitchgate_\w+)\{(\w+)="([^"]+)"\}')
GROUPED = re.compile(r"by \(([^)]+)\) \(rate\((pitchgate_\w+)")


def panels() -> list[dict[str, Any]]:
    """All of them."""
    found: list[dict[str, Any]] = json.loads(Path("docs/dashboard.json").read_text(encoding="utf-8"))[
        "panels"
    ]
    return found


def queries() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel["targets"]]


async def test_every_name_and_label_in_it_is_told_by_a_server(tmp_path: Path) -> None:
    measures, judged = Measures(), VerdictMetrics()
    judged.note(Verdict(Outcome.INBOX, PolicyRow.BELOW_HOLD))
    judged.note(Verdict(Outcome.INBOX, PolicyRow.FAIL_OPEN, cause=FailOpenCause.UNREADABLE))
    measures.request("/healthz", "GET", 200, 0.1)
    async with office(tmp_path) as here:
        census = await here.store.census()
    text = measures.exposition(census, {("screen", "limits"): 1}, judged, {Pushed.SENT: 1}).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    fields = {sample.name: set(sample.labels) for sample in samples}
    for query in queries():
        assert NAME.findall(query)
        for name in NAME.findall(query):
            assert name in fields, query
        for name, label, value in LABELS.findall(query):
            assert any(s.name == name and s.labels.get(label) == value for s in samples), query
        for labels, name in GROUPED.findall(query):
            assert set(labels.split(", ")) <= fields[name], query


@needs_promtool
def test_prometheus_understands_every_query(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries())]
    file = tmp_path / "rules.yml"  # JSON is YAML
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    ran = subprocess.run(
        [str(PROMTOOL), "check", "rules", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{len(rules)} rules found" in ran.stdout


def test_no_panel_lies_on_another() -> None:
    places = [panel["gridPos"] for panel in panels()]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, two in combinations(places, 2):
        beside = one["x"] + one["w"] <= two["x"] or two["x"] + two["w"] <= one["x"]
        above = one["y"] + one["h"] <= two["y"] or two["y"] + two["h"] <= one["y"]
        assert beside or above


def test_every_panel_has_a_number_a_title_and_a_unit() -> None:
    assert len({panel["id"] for panel in panels()}) == len(panels()) >= 12
    assert all(panel["title"] and panel["fieldConfig"]["defaults"]["unit"] for panel in panels())


def test_what_an_alarm_asks_about_is_on_a_panel() -> None:
    alarms = Path("docs/alerts.yml").read_text(encoding="utf-8")
    asked = {name for line in alarms.splitlines() if "expr:" in line for name in NAME.findall(line)}
    assert asked
    assert asked <= {name for query in queries() for name in NAME.findall(query)}


def test_it_fits_grafanas_schema() -> None:
    """Read by Grafana's own types and written again: what they do not know would be lost."""
    types, encoder, plugins = (
        pytest.importorskip(f"grafana_foundation_sdk.{name}")
        for name in ("models.dashboard", "cog.encoder", "cog.plugins")
    )
    plugins.register_default_plugins()

    def again(given: Any) -> Any:
        return json.loads(json.dumps(types.Dashboard.from_json(given), cls=encoder.JSONEncoder))

    given = json.loads(Path("docs/dashboard.json").read_text(encoding="utf-8"))
    assert list(lost(given, again(given))) == []
    given["panels"][0]["targets"][0]["exprr"] = "a slip"
    assert list(lost(given, again(given))) == [".panels.0.targets.0.exprr"]


def lost(given: Any, read: Any, path: str = "") -> Iterator[str]:
    """Where `read` has not what was given; it may have more, defaults that were left out."""
    if isinstance(given, dict | list):
        keys = given if isinstance(given, dict) else range(len(given))
        for key in keys:
            there = key in read if isinstance(read, dict) else key in range(len(read))
            yield from lost(given[key], read[key], f"{path}.{key}") if there else [f"{path}.{key}"]
    elif given != read:
        yield path
