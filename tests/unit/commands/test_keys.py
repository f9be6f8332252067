"""Keys that open nothing: the server does not start with a slip, and goes on without a key that is really lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from backend.bootstrap import StoredGrants, check_keys
from backend.commands.store import keys_group, with_store
from backend.domain.errors import AccessLost, NeedsReconnect
from backend.gmail.answers import cannot_decrypt
from backend.system import SystemClock
from backend.transactions.store import Store
from backend.vault import MultiFernetVault, make_key
from tests.contract.store.stories import Story

OLD, NEW = make_key(), make_key()


def vault(*keys: str) -> MultiFernetVault:
    return MultiFernetVault([SecretStr(key) for key in keys])


async def connected(store: Store) -> None:
    """Ana's token is sealed with the old key, Bea's with the new one."""
    story = Story(store)
    for name, key in (("ana", OLD), ("bea", NEW)):
        await story.mailbox(name)
        await store.save_sealed_token(name, vault(key).seal(f"1//{name}"), story.now)


async def only_ana(store: Store) -> None:
    await connected(store)
    await store.forget("bea")


@pytest.fixture
def runner(database: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("PITCHGATE_SECRET_KEYS", NEW)
    monkeypatch.setenv("PITCHGATE_BIND", "127.0.0.1:1")
    return CliRunner()


def test_a_token_no_key_opens_asks_its_owner_to_connect_again(runner: CliRunner) -> None:
    """It was "refused": its sync was tried for ever, and its messages became dead letters one by one."""

    async def look(store: Store) -> None:
        await connected(store)
        grants = StoredGrants(store, vault(NEW))
        assert await grants.refresh_token("bea") == "1//bea"
        assert await grants.refresh_token("nobody") is None
        with pytest.raises(NeedsReconnect) as error:
            await grants.refresh_token("ana")
        assert error.value.reason == "sealed"
        await check_keys(store, vault(NEW))  # one opens, so the keys are not all wrong

    with_store(look)
    assert cannot_decrypt().lost is AccessLost.SEALED


def test_a_start_at_which_no_key_opens_any_token_is_refused_in_few_words(runner: CliRunner) -> None:
    with_store(only_ana)
    ended = subprocess.run(
        [sys.executable, "-m", "backend", "serve"], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    output = ended.stderr.splitlines()
    assert output[0] == "pitchgate: The secret keys do not open the 1 refresh token that is kept."
    assert "PITCHGATE_SECRET_KEYS" in output[1]
    assert len(output) <= 3
    assert not any(key in line for key in (OLD, NEW) for line in output)


def test_with_a_key_that_is_lost_the_server_starts_once_its_tokens_are_forgotten(runner: CliRunner) -> None:
    with_store(only_ana)
    result = runner.invoke(keys_group, ["lost", "--yes"])
    assert result.output.startswith("1 refresh token forgotten")

    async def look(store: Store) -> None:
        await check_keys(store, vault(NEW))
        assert await StoredGrants(store, vault(NEW)).refresh_token("ana") is None  # "no grant": connect again

    with_store(look)


def test_only_what_no_key_opens_is_forgotten_and_the_rest_is_rotated(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_store(connected)
    rotated = runner.invoke(keys_group, ["rotate"])
    assert rotated.output.splitlines()[0].startswith("1 refresh token sealed")
    assert rotated.output.splitlines()[1].startswith("No key opens 1;")
    monkeypatch.setenv("PITCHGATE_SECRET_KEYS", f"{NEW},{OLD}")
    assert runner.invoke(keys_group, ["lost", "--yes"]).output.startswith("0 refresh tokens forgotten")
    monkeypatch.setenv("PITCHGATE_SECRET_KEYS", NEW)
    assert runner.invoke(keys_group, ["lost", "--yes"]).output.startswith("1 refresh token forgotten")

    async def left(store: Store) -> tuple[bytes, ...]:
        return await store.sealed_tokens()

    (kept,) = with_store(left)
    assert vault(NEW).open(kept) == "1//bea"


def test_without_a_mailbox_any_key_will_do(runner: CliRunner) -> None:
    with_store(lambda store: check_keys(store, vault(NEW)))


def test_the_addresses_of_browsers_are_sealed_again_too(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PITCHGATE_SECRET_KEYS", f"{NEW},{OLD}")

    async def switched_on(store: Store) -> None:
        story = Story(store, SystemClock().now())
        await story.mailbox("ana")
        push = await story.browser("ana")
        await store.swap_web_push("ana", push.id, push.sealed, vault(OLD).seal("address"))

    async def kept(store: Store) -> list[bytes]:
        return [push.sealed for push in await store.web_pushes("ana", SystemClock().now())]

    with_store(switched_on)
    runner.invoke(keys_group, ["rotate"])
    assert [vault(NEW).open(sealed) for sealed in with_store(kept)] == ["address"]
