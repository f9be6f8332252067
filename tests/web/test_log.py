"""The access log: useful, and without anything that must not be in it."""

from __future__ import annotations

import re

import pytest
import structlog
from structlog.testing import capture_logs

from backend.demo.people import solve
from tests.web.service import TOKEN, Client, Office


async def test_a_request_is_one_line_by_route(client: Client) -> None:
    with capture_logs() as lines:
        await client.get("/healthz")

    (line,) = lines
    assert (line["route"], line["method"], line["status"]) == ("/healthz", "GET", 200)
    assert line["ms"] >= 0


async def test_no_token_payload_address_or_mail_is_in_any_line(client: Client, here: Office) -> None:
    await here.link()
    with capture_logs() as lines:
        task = await (await client.get(f"/c/{TOKEN}/task")).get_json()
        await client.get(f"/c/{TOKEN}?utm=abc", headers={"Authorization": "Bearer top"})
        await client.post(f"/c/{TOKEN}", form={"payload": solve(task)})
        await client.get(f"/c/{TOKEN}")
        await client.get(f"/d/{TOKEN}")
        await client.get("/connect/callback?code=4/0Ab&state=s1")

    assert [line["route"] for line in lines if line["event"] == "request"] == [
        "/c/…/task", "/c/…", "/c/…", "/c/…", "/d/…", "/connect/callback",
    ]  # fmt: skip
    everything = repr([{key: value for key, value in line.items() if key != "exc_info"} for line in lines])
    for secret in (TOKEN, "4/0Ab", "utm", "top", "vendor.example", "pipeline", task["signature"]):
        assert secret not in everything


async def test_a_bug_is_handed_to_the_log_as_an_exception_only(client: Client, here: Office) -> None:
    bug = here.callers.trouble = KeyError("subject: buy our things")

    with capture_logs() as lines:
        await client.post("/hooks/gmail", data=b"{}")

    (line,) = [line for line in lines if line["event"] == "unexpected_error"]
    assert line.pop("exc_info") is bug  # the log's set-up tells it by type and place
    assert "buy our things" not in repr(line)


async def test_an_odd_method_is_never_written_down(client: Client) -> None:
    with capture_logs() as lines:
        await client.open("/healthz", method="BUYTHIS")

    assert lines[0]["method"] == "other"
    assert "BUYTHIS" not in repr(lines)


@pytest.mark.parametrize("path", ["/nope", "/c/x/y/z"])
async def test_an_unknown_path_is_never_written_down(client: Client, path: str) -> None:
    with capture_logs() as lines:
        await client.get(path)

    assert lines[0]["route"] == "(none)"
    assert path not in repr(lines)


async def test_the_lines_of_one_request_share_an_id_of_ours(client: Client) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        await client.get("/healthz", headers={"X-Request-Id": "theirs"})
        await client.get("/healthz")

    ids = [line["request"] for line in lines]
    assert len(set(ids)) == 2
    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in ids)


async def test_metrics_tell_verdicts_and_how_long_they_took(client: Client, here: Office) -> None:
    output = (await (await client.get("/metrics")).get_data()).decode()
    for name in ("verdict_lag_seconds", "reading_seconds"):
        assert f'pitchgate_{name}_bucket{{le="+Inf"}} 0.0' in output
    assert "# TYPE pitchgate_verdicts_total counter" in output
