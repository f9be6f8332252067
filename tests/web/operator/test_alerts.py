"""The alarms of docs/alerts.yml ring when they should, ask for what is really told, and are explained."""

from __future__ import annotations

import asyncio
import re
import subprocess
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from backend import logs
from backend.domain.mailbox.message import FailOpenCause
from backend.pipeline.memory import VerdictMetrics
from backend.web.services import GROUPS, Measures
from tests.web.operator.promtool import PROMTOOL, needs_promtool
from tests.web.service import office

RULES = Path("docs/alerts.yml")
PAGE = Path("docs/reference/operations.md")
CASES = [Path(f"tests/web/operator/{name}.test.yml") for name in ("alerts", "outage")]
"""By the minute, as Prometheus asks by default; and what takes only minutes, more closely."""
ALERT = re.compile(r"- alert: (\w+)\n\s+expr: (.+)")
ASKED = re.compile(r"(pitchgate_\w+)(?:\{(\w+)=~?\"([^\"]+)\"\})?")


def alerts() -> dict[str, str]:
    """Expressions by alert."""
    return dict(ALERT.findall(RULES.read_text(encoding="utf-8")))


@needs_promtool
def test_the_alarms_ring_when_they_should_and_not_else() -> None:
    ran = subprocess.run(
        [str(PROMTOOL), "test", "rules", *map(str, CASES)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_alarm_has_a_case_in_which_it_rings_and_one_in_which_it_does_not() -> None:
    cases = "".join(path.read_text(encoding="utf-8") for path in CASES)
    rings = set(re.findall(r"alertname: (\w+)\n\s+exp_alerts:", cases))
    assert rings == set(alerts())
    assert set(re.findall(r"alertname: (\w+)\}", cases)) == set(alerts())


async def test_every_count_an_alarm_asks_for_is_told_by_a_server_with_nothing_to_tell(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        output = Measures().exposition(await here.store.census(), {}, VerdictMetrics(), {}).decode()
    samples = [sample for family in text_string_to_metric_families(output) for sample in family.samples]
    names = [found for expr in alerts().values() for found in ASKED.findall(expr)]
    assert len(names) >= len(alerts()) >= 11
    for name, label, values in names:
        for value in values.split("|"):
            assert any(
                sample.name == name and (not label or sample.labels.get(label) == value) for sample in samples
            ), f"{name} with {label}={value} raises no alert"


def test_every_cause_of_letting_in_counts_for_an_alarm() -> None:
    asked = [
        found
        for expr in alerts().values()
        for name, _, values in ASKED.findall(expr)
        if name == "pitchgate_fail_open_total"
        for found in values.split("|")
    ]
    assert sorted(asked) == sorted(FailOpenCause)


def test_every_alarm_leads_to_its_own_heading_of_the_operations_page() -> None:
    rules = RULES.read_text(encoding="utf-8")
    fields = dict(re.findall(r"- alert: (\w+)\n(?:(?!- alert).)*?runbook_url: (\S+)", rules, re.DOTALL))
    assert fields == {name: f"{PAGE}#{name.lower()}" for name in alerts()}
    headings = re.findall(r"^### (Pitchgate\w+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(alerts())


@needs_promtool
async def test_names_and_units_are_those_prometheus_asks_for(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await here.hold("m1")
        output = Measures().exposition(await here.store.census(), {}, VerdictMetrics(), {})
    checked = await asyncio.create_subprocess_exec(
        str(PROMTOOL), "check", "metrics", stdin=PIPE, stdout=PIPE, stderr=STDOUT
    )
    names, _ = await checked.communicate(output)
    assert checked.returncode == 0, names


async def test_every_count_of_the_store_has_a_name_of_its_own(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await here.link(waiting=2)
        census = await here.store.census()
    census = {**census, "fail_open.too_slow": 1}
    output = Measures().exposition(census, {}, VerdictMetrics(), {}).decode()
    families = {family.name: family for family in text_string_to_metric_families(output)}
    names = {name for name, *_ in GROUPS.values()}
    assert sum(len(families[name].samples) for name in names if name in families) == len(census)


def test_what_the_log_says_is_counted_by_event_and_never_by_what_a_stranger_wrote() -> None:
    before = logs.COUNTED["not_revoked"]
    for event in ("not_revoked", "anything else"):
        logs.count_event(None, "warning", {"event": event})
    assert logs.COUNTED["not_revoked"] == before + 1
    assert "anything else" not in logs.COUNTED


def test_the_table_of_bad_days_names_what_there_is() -> None:
    """Every alarm it leads to rings, every event is logged, and every word of /readyz is said."""
    section = PAGE.read_text(encoding="utf-8").partition("## Bad days")[2].partition("\n## ")[0]
    rows = [row.split(" | ") for row in section.splitlines() if row.startswith("| ") and "---" not in row][1:]
    days = [row[0].strip("| ") for row in rows]
    assert {"disk full", "clock off", "database damaged", "keys missing", "few descriptors"} <= set(days)
    code = "".join(path.read_text(encoding="utf-8") for path in Path("backend").rglob("*.py"))
    rings = {name.lower() for name in alerts()}
    for _, readyz, metrics, _, log in rows:
        for name in re.findall(r"\(#(pitchgate\w+)\)", metrics):
            assert name in rings
        for event in re.findall(r"`([a-z_]+)[^`]*`", log):
            assert f'"{event}"' in code, event
        for word in re.findall(r"`store: ([^`]+)`", readyz):
            assert word in ("damaged", "unwritable") or f'"{word}"' in code, word
