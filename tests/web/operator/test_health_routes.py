"""What supervisors and operators see."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from backend.domain.errors import Cause, StoreAway
from backend.domain.mailbox.message import FailOpenCause, Outcome, PolicyRow, Verdict
from backend.transactions.records import Duty
from backend.web.app import create_app
from tests.web.service import LINK, TOKEN, Client, Office


class Down:
    """A store that cannot be reached, and says more of it than anybody may hear."""

    async def ping(self) -> None:
        raise ConnectionError("secret-dsn://user:password@host")

    census = ping


def without(here: Office, **parts: Any) -> Client:
    """A client of the same app with other parts."""
    context = replace(here.context, **parts)
    return create_app(replace(here.services, context=context)).test_client()


async def test_alive_needs_nothing_but_the_process(here: Office) -> None:
    answer = await without(here, store=Down()).get("/healthz")

    assert answer.status_code == 200
    assert await answer.get_json() == {"status": "alive"}


async def test_ready_names_store_and_model(client: Client) -> None:
    answer = await client.get("/readyz")

    assert answer.status_code == 200
    well = {"status": "ready", "store": "ok", "model": "fake", "judging": "ok", "clock": "ok"}
    assert await answer.get_json() == well


async def test_not_ready_without_the_store_and_its_secrets_stay_inside(here: Office) -> None:
    answer = await without(here, store=Down()).get("/readyz")

    assert answer.status_code == 503
    assert (await answer.get_json())["store"] == "unreachable"
    assert "password" not in await answer.get_data(as_text=True)


async def test_a_store_that_takes_nothing_says_why(here: Office) -> None:
    class Full:
        trouble = ""

        async def ping(self) -> None:
            raise StoreAway(f"later.store{self.trouble}")

    store = Full()
    for trouble, words in (
        (".full", "disk full"),
        (".unwritable", "unwritable"),
        (".damaged", "damaged"),
        ("", "unreachable"),
    ):
        store.trouble = trouble
        answer = await without(here, store=store).get("/readyz")
        assert (answer.status_code, (await answer.get_json())["store"]) == (503, words)


async def test_a_clock_that_is_off_is_told_and_takes_no_server_away(here: Office) -> None:
    for seconds, words in ((31_536_000, "31536000 s ahead"), (-90, "90 s behind")):
        client = without(here, time=SimpleNamespace(settled=True, skew=timedelta(seconds=seconds)))
        answer = await client.get("/readyz")
        assert (answer.status_code, (await answer.get_json())["clock"]) == (200, words)
        output = await (await client.get("/metrics")).get_data(as_text=True)
        told = next(line for line in output.splitlines() if line.startswith("pitchgate_clock_skew_seconds "))
        assert float(told.split()[1]) == seconds


async def test_not_ready_without_a_model(here: Office) -> None:
    class Unread:
        model_version = ""

    answer = await without(here, reader=Unread()).get("/readyz")

    assert answer.status_code == 503
    assert (await answer.get_json())["model"] == "none"


async def test_that_nothing_is_judged_is_told_and_counted_by_cause(client: Client, here: Office) -> None:
    note, judged = here.context.verdict_metrics.note, Verdict(Outcome.INBOX, PolicyRow.BELOW_HOLD)
    broken = Verdict(Outcome.INBOX, PolicyRow.FAIL_OPEN, cause=FailOpenCause.SCORER_BROKEN)
    for verdict in (*[broken] * 19, judged, *[broken] * 19):
        note(verdict)
    assert (await (await client.get("/readyz")).get_json())["judging"] == "ok"
    assert "pitchgate_nothing_is_judged 0.0" in await (await client.get("/metrics")).get_data(as_text=True)

    note(broken)
    ready = await client.get("/readyz")
    output = await (await client.get("/metrics")).get_data(as_text=True)

    # A stranger can send 20 messages that cannot be read: that must not take the server out of its balancer.
    assert (ready.status_code, (await ready.get_json())["judging"]) == (200, "failing open")
    assert 'pitchgate_fail_open_total{cause="scorer_broken"} 39.0' in output
    assert 'pitchgate_fail_open_total{cause="too_slow"} 0.0' in output
    assert "pitchgate_nothing_is_judged 1.0" in output


async def test_metrics_tell_the_census_and_requests_by_route_never_by_token(
    client: Client, here: Office
) -> None:
    await here.link(waiting=2)
    await here.story.arrive("ana", "fresh")
    await client.get(LINK)
    await client.get("/no/such/place")

    first = await (await client.get("/metrics")).get_data(as_text=True)
    await here.judge("fresh", Outcome.HOLD)
    second = await (await client.get("/metrics")).get_data(as_text=True)

    assert 'pitchgate_messages{outcome="challenge"} 1.0' in first
    assert 'pitchgate_http_requests_total{method="GET",route="/c/…",status="200"} 1.0' in first
    assert 'route="(none)",status="404"' in first
    assert TOKEN not in first
    assert 'pitchgate_messages{outcome="undecided"} 1.0' in first
    assert "undecided" not in second, "a count that is gone must not linger"


async def test_what_strangers_write_makes_the_metrics_no_longer(client: Client) -> None:
    async def ask(number: int) -> None:
        await client.open(f"/healthz?{number}", method=f"ODD{number}")
        await client.open(f"/c/{TOKEN[:-4]}{number:04}", method=f"ODD{number}")
        await client.get(f"/nowhere/{number}")

    await ask(0)
    before = await (await client.get("/metrics")).get_data(as_text=True)
    for number in range(1, 100):
        await ask(number)
    after = await (await client.get("/metrics")).get_data(as_text=True)

    assert 'method="other"' in after
    assert "ODD" not in after
    found = {line.partition(" ")[0] for line in after.splitlines()}
    assert found - {line.partition(" ")[0] for line in before.splitlines()} <= {
        'pitchgate_http_requests_total{method="other",route="(none)",status="429"}',
        'pitchgate_http_requests_created{method="other",route="(none)",status="429"}',
        'pitchgate_http_requests_total{method="GET",route="(none)",status="429"}',
        'pitchgate_http_requests_created{method="GET",route="(none)",status="429"}',
        *(line.partition(" ")[0] for line in after.splitlines() if 'route="/metrics"' in line),
    }


async def test_metrics_tell_which_jobs_failed_and_why(here: Office) -> None:
    failed: Counter[tuple[str, str]] = Counter()
    client = create_app(replace(here.services, failed=failed)).test_client()
    before = await (await client.get("/metrics")).get_data(as_text=True)
    failed[Duty.SYNC, Cause.GOOGLE] += 7
    after = await (await client.get("/metrics")).get_data(as_text=True)

    assert "# TYPE pitchgate_jobs_failed_total counter" in before
    assert "pitchgate_jobs_failed_total{" not in before
    assert 'pitchgate_jobs_failed_total{cause="google",job="sync"} 7.0' in after


async def test_metrics_without_the_store_fail_rather_than_lie(here: Office) -> None:
    answer = await without(here, store=Down()).get("/metrics")

    assert answer.status_code == 500
    assert "password" not in await answer.get_data(as_text=True)
