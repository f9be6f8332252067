"""The alarms of docs/alerts.yml ring when they should, ask for what is really told, and are explained."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from backend.pipeline.fail_opens import FailOpens
from backend.pipeline.judged import Judged
from backend.web.measures import Measures
from tests.web.service import office

RULES = Path("docs/alerts.yml")
CASES = Path("tests/web/operator/alerts.test.yml")
ALERT = re.compile(r"- alert: (\w+)\n\s+expr: (.+)")
ASKED = re.compile(r"(pitchgate_\w+)(?:\{(\w+)=~?\"([^\"]+)\"\})?")
PROMTOOL = shutil.which("promtool")


def alerts() -> dict[str, str]:
    """Expressions by alert."""
    return dict(ALERT.findall(RULES.read_text(encoding="utf-8")))


@pytest.mark.skipif(PROMTOOL is None, reason="needs promtool; as root: bash requirements/setup.sh dev")
def test_the_alarms_ring_when_they_should_and_not_else() -> None:
    ran = subprocess.run(
        [str(PROMTOOL), "test", "rules", str(CASES)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_alarm_has_a_case_in_which_it_rings_and_one_in_which_it_does_not() -> None:
    cases = CASES.read_text(encoding="utf-8")
    rings = set(re.findall(r"alertname: (\w+)\n\s+exp_alerts:", cases))
    assert rings == set(alerts())
    assert set(re.findall(r"alertname: (\w+)\}", cases)) == set(alerts())


async def test_every_count_an_alarm_asks_for_is_told_by_a_server_with_nothing_to_tell(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        told = Measures().exposition(await here.store.census(), {}, FailOpens(), Judged()).decode()
    samples = [sample for family in text_string_to_metric_families(told) for sample in family.samples]
    asked = [found for expr in alerts().values() for found in ASKED.findall(expr)]
    assert len(asked) >= len(alerts()) >= 11
    for name, label, values in asked:
        for value in values.split("|"):
            assert any(
                sample.name == name and (not label or sample.labels.get(label) == value) for sample in samples
            ), f"{name} with {label}={value} is told by nobody"


def test_the_operations_page_explains_every_alarm() -> None:
    page = Path("docs/reference/operations.md").read_text(encoding="utf-8")
    assert {name for name in alerts() if f"`{name}`" not in page} == set()
