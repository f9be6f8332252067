"""The proof of work: solved for real, at a tiny cost a step."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.captcha.own_tasks import MAX_FACTOR, PAYLOAD_LIMIT, STEPS, ProofOfWork
from backend.demo.people import solve
from backend.domain.errors import Refused
from tests.doubles import in_english

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # long before the machine's clock: only `now` may count
LIFE = 600.0
SECRET = "a secret of sufficient length"


@pytest.fixture
def captcha() -> ProofOfWork:
    return ProofOfWork(SECRET, base_cost=10, life=LIFE)


def unpacked(payload: str) -> dict[str, Any]:
    parts: dict[str, Any] = json.loads(base64.b64decode(payload))
    return parts


def packed(parts: object, **spacing: Any) -> str:
    return base64.b64encode(json.dumps(parts, **spacing).encode()).decode()


def refusal(
    captcha: ProofOfWork, payload: str, *, about: str = "ch1", factor: int = 1, at: datetime = NOW
) -> str:
    with pytest.raises(Refused) as caught:
        captcha.check(payload, about, factor, at)
    assert in_english(caught.value), "a person must be told what to do"
    return caught.value.code


def test_a_solved_task_is_accepted_until_it_expires(captcha: ProofOfWork) -> None:
    task = captcha.task("ch1", 1, NOW)
    payload = solve(task)

    last_second = NOW + timedelta(seconds=LIFE - 1)
    answer = captcha.check(payload, "ch1", 1, last_second)

    assert answer.signature == task["signature"]
    assert answer.expires_at == NOW + timedelta(seconds=LIFE)
    assert refusal(captcha, payload, at=NOW + timedelta(seconds=LIFE)) == "captcha_expired"


def test_the_same_answer_written_differently_has_the_same_signature(captcha: ProofOfWork) -> None:
    payload = solve(captcha.task("ch1", 1, NOW))
    parts = unpacked(payload)
    parameters = parts["challenge"]["parameters"]
    shuffled = {
        "solution": parts["solution"] | {"time": 12.5},
        "challenge": {
            "signature": parts["challenge"]["signature"],
            "parameters": dict(reversed(parameters.items())),
        },
    }

    spellings = [payload, packed(parts, indent=3), packed(shuffled, separators=(" ,", " : "))]

    assert len(set(spellings)) == 3
    assert len({captcha.check(spelling, "ch1", 1, NOW).signature for spelling in spellings}) == 1


def test_a_signature_spelled_in_capitals_is_no_new_signature(captcha: ProofOfWork) -> None:
    parts = unpacked(solve(captcha.task("ch1", 1, NOW)))
    parts["challenge"]["signature"] = parts["challenge"]["signature"].upper()

    assert refusal(captcha, packed(parts)) == "captcha_wrong"


def test_an_answer_counts_for_its_own_challenge_only(captcha: ProofOfWork) -> None:
    payload = solve(captcha.task("ch1", 1, NOW))

    assert refusal(captcha, payload, about="ch2") == "captcha_wrong"


def test_a_task_from_before_the_price_rose_is_out_of_date(captcha: ProofOfWork) -> None:
    payload = solve(captcha.task("ch1", 1, NOW))

    assert refusal(captcha, payload, factor=2) == "captcha_expired"


def test_a_dearer_task_is_accepted_for_a_lower_price(captcha: ProofOfWork) -> None:
    payload = solve(captcha.task("ch1", 2, NOW))

    assert captcha.check(payload, "ch1", 1, NOW).signature


@pytest.mark.parametrize("factor", [1, 2, 4])
@pytest.mark.parametrize("place", [0.0, 0.37, 0.999])
def test_the_counter_lies_anywhere_below_a_ceiling_that_rises_with_the_factor(
    factor: int, place: float
) -> None:
    ceiling = STEPS * factor
    task = ProofOfWork(SECRET, 10, LIFE, draw=lambda below: int(below * place)).task("ch1", factor, NOW)

    assert unpacked(solve(task))["solution"]["counter"] == int(ceiling * place)
    assert task["parameters"]["data"]["ceiling"] == ceiling
    assert task["parameters"]["cost"] == 10, "steps get more, not dearer: our own cost must not rise"


def test_starting_high_gains_nothing() -> None:
    captcha = ProofOfWork(SECRET, base_cost=1, life=LIFE)
    drawn = [unpacked(solve(captcha.task("ch1", 1, NOW)))["solution"]["counter"] for _ in range(300)]

    for start in (0, STEPS // 4, STEPS // 2, 3 * STEPS // 4):
        # Whoever starts there goes on to the end and round; 8 standard errors of the mean are allowed for.
        tries = [(counter - start) % STEPS + 1 for counter in drawn]
        assert abs(sum(tries) / len(tries) - STEPS / 2) < 8 * STEPS / (12 * len(tries)) ** 0.5


@pytest.mark.parametrize("factor", [0, -1, MAX_FACTOR + 1])
def test_a_factor_out_of_bounds_is_a_bug(captcha: ProofOfWork, factor: int) -> None:
    with pytest.raises(ValueError, match="factor"):
        captcha.task("ch1", factor, NOW)


def _cheaper(parts: dict[str, Any]) -> None:
    parts["challenge"]["parameters"]["cost"] = 1


def _longer(parts: dict[str, Any]) -> None:
    parts["challenge"]["parameters"]["data"]["expires"] += 3600


def _rebound(parts: dict[str, Any]) -> None:
    parts["challenge"]["parameters"]["data"]["challenge"] = "ch2"


def _unsigned(parts: dict[str, Any]) -> None:
    del parts["challenge"]["signature"]


def _guessed(parts: dict[str, Any]) -> None:
    parts["solution"] = {"counter": 3, "derivedKey": "00" * 32}


def _other_key(parts: dict[str, Any]) -> None:
    parts["challenge"]["parameters"]["keySignature"] = "00" * 32


def _without_data(parts: dict[str, Any]) -> None:
    del parts["challenge"]["parameters"]["data"]


def _with_past_expiry(parts: dict[str, Any]) -> None:
    parts["challenge"]["parameters"]["expiresAt"] = 1


@pytest.mark.parametrize(
    "tamper",
    [_cheaper, _longer, _rebound, _unsigned, _guessed, _other_key, _without_data, _with_past_expiry],
)
def test_a_tampered_answer_is_wrong(captcha: ProofOfWork, tamper: Callable[[dict[str, Any]], None]) -> None:
    parts = unpacked(solve(captcha.task("ch1", 1, NOW)))
    tamper(parts)

    about = "ch2" if tamper is _rebound else "ch1"
    assert refusal(captcha, packed(parts), about=about) == "captcha_wrong"


def test_an_answer_signed_by_another_installation_is_wrong(captcha: ProofOfWork) -> None:
    foreign = ProofOfWork("another secret, just as long", base_cost=10, life=LIFE)

    assert refusal(captcha, solve(foreign.task("ch1", 1, NOW))) == "captcha_wrong"


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "no base64!",
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"{").decode(),
        packed([]),
        packed("text"),
        packed({"challenge": {}, "solution": {}}),
        packed({"challenge": [1], "solution": 7}),
        packed({"challenge": {"parameters": "x"}, "solution": {"counter": 1, "derivedKey": ""}}),
        base64.b64encode(b"[" * 3_000).decode(),
        "A" * (PAYLOAD_LIMIT + 4),
    ],
)
def test_garbage_is_malformed_and_nothing_worse(captcha: ProofOfWork, payload: str) -> None:
    assert refusal(captcha, payload) == "captcha_malformed"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(where=st.sampled_from(["challenge", "parameters", "data", "signature", "solution"]), value=json_values)
def test_no_json_in_any_place_breaks_the_check(where: str, value: object) -> None:
    captcha = ProofOfWork(SECRET, base_cost=10, life=LIFE)
    task = captcha.task("ch1", 1, NOW)
    parts: dict[str, Any] = {"challenge": task, "solution": {"counter": 1, "derivedKey": "00"}}
    if where in parts:
        parts[where] = value
    elif where == "data":
        task["parameters"]["data"] = value
    else:
        task[where] = value

    assert refusal(captcha, packed(parts)) in {"captcha_wrong", "captcha_malformed"}


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="secret"):
        ProofOfWork("short", base_cost=10, life=LIFE)


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "SCRYPT"},
        {"cost": 10_000_000},
        {"cost": 0},
        {"nonce": "zz"},
        {"data": {"ceiling": 10_000_000}},
        {"data": None},
        {"keyLength": 100_000},
        {"data": {"ceiling": 3}},
    ],
)
def test_the_solver_takes_no_unbounded_or_foreign_task(change: dict[str, Any]) -> None:
    task = ProofOfWork(SECRET, 10, LIFE, draw=lambda below: below - 1).task("ch1", 1, NOW)
    task["parameters"] |= change

    with pytest.raises(Refused) as caught:
        solve(task)
    assert caught.value.code == "captcha_malformed"
