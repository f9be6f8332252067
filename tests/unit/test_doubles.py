"""The doubles keep the promises of the ports they stand in for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.errors import Refused
from backend.ports.system import Clock, TokenSource, Vault
from tests.doubles import FixedClock, GlassVault, SeededTokens


def test_the_clock_stands_still_until_told(clock: FixedClock) -> None:
    port: Clock = clock
    before = port.now()
    assert port.now() == before
    assert before.tzinfo is UTC
    assert clock.advance(1.5, hours=1) - before == timedelta(seconds=3601.5)


def test_the_clock_refuses_naive_times_and_going_back(clock: FixedClock) -> None:
    with pytest.raises(ValueError, match="aware"):
        FixedClock(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1)


def test_tokens_are_the_same_in_every_run_and_never_repeat() -> None:
    one: TokenSource = SeededTokens(7)
    two: TokenSource = SeededTokens(7)
    drawn = [one.token() for _ in range(200)]
    assert drawn == [two.token() for _ in range(200)]
    assert len(set(drawn)) == 200
    assert all(len(token) == 32 for token in drawn)


def test_identifiers_sort_in_the_order_they_were_made_in(tokens: SeededTokens) -> None:
    made = [tokens.identifier() for _ in range(50)]
    assert made == sorted(set(made))
    assert all(len(identifier) == 26 for identifier in made)


def test_the_glass_vault_opens_what_it_sealed_and_nothing_else() -> None:
    vault: Vault = GlassVault()
    assert vault.open(vault.seal("1//refresh")) == "1//refresh"
    assert b"1//refresh" not in vault.seal("1//refresh")
    with pytest.raises(Refused):
        vault.open(b"1//refresh")
