"""Typed codes: sealed in their ticket, drawn, spoken, and compared as people type them."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import wave
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import SecretStr

from backend.captcha.own_tasks import ALPHABET, LENGTH, TRIES, TypedCode
from backend.domain.errors import Refused
from backend.ports.system import CheckedAnswer
from backend.vault import MultiFernetVault, make_key
from tests.doubles import SeededTokens, in_english

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LIFE = 900.0
VAULT = MultiFernetVault([SecretStr(make_key())])
DRAWN = "2346789234"


def codes(vault: MultiFernetVault = VAULT, life: float = LIFE) -> TypedCode:
    """Codes whose digits are drawn in a known order: a test of its own unit may know them, nobody else."""
    digits: Iterator[str] = itertools.cycle(DRAWN)
    return TypedCode(vault, SeededTokens(), life, draw=lambda _: next(digits))


def ticket_of(maker: TypedCode, about: str = "ch1", factor: int = 1, now: datetime = NOW) -> str:
    return str(maker.task(about, factor, now)["ticket"])


async def refusal(
    maker: TypedCode, payload: str, about: str = "ch1", factor: int = 1, at: datetime = NOW
) -> str:
    with pytest.raises(Refused) as caught:
        await maker.verify(payload, about, factor, at)
    assert in_english(caught.value)
    return caught.value.code


async def typed(text: str, factor: int = 1) -> CheckedAnswer:
    maker = codes()
    return await maker.verify(f"{ticket_of(maker, factor=factor)}:{text}", "ch1", factor, NOW)


@pytest.mark.parametrize(
    "text",
    ["234678", " 234 678 ", "234-678", "２３４６７８", "٢٣٤٦٧٨", "2.3.4.6.7.8", "234618"],
)
async def test_digits_are_taken_as_people_type_them(text: str) -> None:
    answer = await typed(text)

    assert answer.right
    assert answer.most_tries == TRIES
    assert answer.expires_at == NOW + timedelta(seconds=LIFE)


@pytest.mark.parametrize("text", ["", "234679", "23467", "2346788", "x" * 5_000, "234678:", "²³⁴⁶⁷⁸x", "\0"])
async def test_anything_else_is_wrong_and_nothing_worse(text: str) -> None:
    assert not (await typed(text)).right


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_no_text_breaks_the_comparison(text: str) -> None:
    assert isinstance(asyncio.run(typed(text)).right, bool)


@pytest.mark.parametrize("factor", [1, 2, 64])
async def test_alone_it_is_no_price_whatever_the_price_is(factor: int) -> None:
    maker = codes()
    task = maker.task("ch1", factor, NOW)

    answer = await maker.verify(f"{task['ticket']}:{DRAWN[:LENGTH]}", "ch1", factor, NOW)

    assert task["length"] == LENGTH
    assert answer.right
    assert answer.alone
    assert answer.signature == answer.tried


async def test_behind_work_it_answers_for_that_work_however_many_codes_follow_it() -> None:
    maker = codes()
    first = maker.after_work("ch1", 8, "the work", NOW)
    second = maker.another(first, "ch1", NOW)

    answers = [await maker.verify(f"{ticket}:1", "ch1", 8, NOW) for ticket in (first, second)]

    assert {answer.signature for answer in answers} == {"the work"}
    assert not any(answer.alone for answer in answers)
    assert len({answer.tried for answer in answers}) == 2, "each code has its own tries"


def test_codes_are_drawn_from_what_eye_and_ear_keep_apart() -> None:
    maker = TypedCode(VAULT, SeededTokens(), LIFE)
    drawn = [json.loads(VAULT.open(ticket_of(maker).encode()))["code"] for _ in range(200)]

    assert set("".join(drawn)) == set(ALPHABET)
    assert not set(ALPHABET) & set("015"), "0 and 1 look like others, 5 sounds like 9"
    assert len(set(drawn)) > 190


def test_nothing_of_the_code_is_in_the_ticket_to_see() -> None:
    maker = codes()
    tickets = {ticket_of(maker) for _ in range(20)}

    assert len(tickets) == 20
    assert not any(DRAWN[:LENGTH] in ticket for ticket in tickets)


async def test_a_ticket_has_one_name_whatever_is_typed() -> None:
    maker = codes()
    ticket = ticket_of(maker)
    answers = [await maker.verify(f"{ticket}:{text}", "ch1", 1, NOW) for text in ("1", "2", DRAWN[:LENGTH])]

    assert len({answer.signature for answer in answers}) == 1
    other = await maker.verify(f"{ticket_of(maker)}:1", "ch1", 1, NOW)
    assert other.signature != answers[0].signature


async def test_another_code_is_another() -> None:
    maker = codes()
    first = ticket_of(maker, factor=2)
    second = maker.another(first, "ch1", NOW + timedelta(seconds=LIFE - 1))

    names = [(await maker.verify(f"{t}:1", "ch1", 2, NOW)).signature for t in (first, second)]
    assert names[0] != names[1]
    with pytest.raises(Refused) as late:
        maker.another(first, "ch1", NOW + timedelta(seconds=LIFE))
    assert late.value.code == "captcha_expired"


async def test_a_ticket_is_bound_to_challenge_price_and_time() -> None:
    maker = codes()
    ticket = ticket_of(maker)

    assert await refusal(maker, f"{ticket}:1", about="ch2") == "captcha_wrong"
    assert await refusal(maker, f"{ticket}:1", factor=2) == "captcha_expired"
    assert await refusal(maker, f"{ticket}:1", at=NOW + timedelta(seconds=LIFE)) == "captcha_expired"


@pytest.mark.parametrize("payload", ["", ":", "x:1", "é:1", "A" * 5_000])
async def test_what_was_not_sealed_is_malformed(payload: str) -> None:
    assert await refusal(codes(), payload) == "captcha_malformed"


@pytest.mark.parametrize("sealed", ["no json", "{}", "[]", "7"])
async def test_what_was_not_sealed_as_a_code_is_malformed(sealed: str) -> None:
    assert await refusal(codes(), VAULT.seal(sealed).decode() + ":1") == "captcha_malformed"


async def test_something_else_that_was_sealed_with_the_same_key_is_no_code() -> None:
    parts = {"for": "a grant", "challenge": "ch1", "id": "i", "code": "2", "factor": 1, "expires": 9e9}
    assert await refusal(codes(), VAULT.seal(json.dumps(parts)).decode() + ":2") == "captcha_malformed"


async def test_another_installations_ticket_is_malformed() -> None:
    foreign = codes(MultiFernetVault([SecretStr(make_key())]))

    assert await refusal(codes(), f"{ticket_of(foreign)}:{DRAWN[:LENGTH]}") == "captcha_malformed"


@pytest.mark.parametrize("factor", [1, 64])
async def test_the_picture_is_a_picture_and_another_each_time(factor: int) -> None:
    maker = codes()
    ticket = ticket_of(maker, factor=factor)
    first, second = [await maker.picture(ticket, "ch1", NOW) for _ in range(2)]

    image = Image.open(io.BytesIO(first))
    assert image.format == "PNG"
    assert image.width >= 280
    assert image.height == 90
    assert first != second


async def test_the_sound_can_be_played_and_stays_the_same_take() -> None:
    maker = codes()
    ticket, other = ticket_of(maker), ticket_of(maker)
    take = await maker.sound(ticket, "ch1", NOW)

    with wave.open(io.BytesIO(take)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8_000, 1, 1)
        assert 8 < sound.getnframes() / 8_000 < 40
        assert len(set(sound.readframes(sound.getnframes()))) > 20, "not silence"
    assert await maker.sound(ticket, "ch1", NOW) is take
    assert await maker.sound(other, "ch1", NOW) != take


async def test_picture_and_sound_want_a_good_ticket_too() -> None:
    maker = codes()
    for shown in (maker.picture, maker.sound):
        for ticket, about, at, code in (
            ("x", "ch1", NOW, "captcha_malformed"),
            (ticket_of(maker), "ch2", NOW, "captcha_wrong"),
            (ticket_of(maker), "ch1", NOW + timedelta(seconds=LIFE), "captcha_expired"),
        ):
            with pytest.raises(Refused) as caught:
                await shown(ticket, about, at)
            assert caught.value.code == code
