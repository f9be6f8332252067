"""Refresh tokens at rest: sealed, rotated, and never behind a key that vanishes with a machine."""

from __future__ import annotations

import os
import stat
import threading
from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from backend.domain.errors import Refused
from backend.settings import Environment, Settings
from backend.vault import MultiFernetVault, VaultKeys, load_or_make_keys, make_key
from tests.doubles import in_english


def keys(*texts: str) -> tuple[SecretStr, ...]:
    return tuple(SecretStr(text) for text in texts)


def test_what_was_sealed_opens_again_and_does_not_show() -> None:
    vault = MultiFernetVault(keys(make_key()))
    sealed = vault.seal("1//0g-geheim-ü")
    assert b"geheim" not in sealed
    assert vault.open(sealed) == "1//0g-geheim-ü"
    assert vault.seal("a") != vault.seal("a"), "equal secrets must not look equal"


def test_a_new_key_takes_over_and_the_old_one_can_go_after_rotation() -> None:
    old, new = make_key(), make_key()
    sealed = MultiFernetVault(keys(old)).seal("token")
    both = MultiFernetVault(keys(new, old))
    assert both.open(sealed) == "token"
    rotated = both.rotate(sealed)
    assert MultiFernetVault(keys(new)).open(rotated) == "token"
    with pytest.raises(Refused) as caught:
        MultiFernetVault(keys(new)).open(sealed)
    assert caught.value.code == "sealed"


def test_the_key_of_one_mailboxs_log_seals_no_others() -> None:
    keys = VaultKeys(vault := MultiFernetVault([SecretStr(make_key())]))
    sealed, key = keys.fresh("ana")
    assert len(key) == 32
    assert keys.open(sealed, "ana") == keys.open(vault.rotate(sealed), "ana") == key
    assert keys.open(sealed, "ben") is None
    before = vault.seal(b64encode(key).decode())  # as releases up to 0.2 sealed it
    assert keys.open(before, "ana") == key


@pytest.mark.parametrize("broken", [b"", b"x", b"gAAAAA" + b"A" * 100])
def test_what_nobody_sealed_is_refused(broken: bytes) -> None:
    vault = MultiFernetVault(keys(make_key()))
    for act in (vault.open, vault.rotate):
        with pytest.raises(Refused) as caught:
            act(broken)
        assert caught.value.code == "sealed"


def test_a_key_that_is_none_is_named_by_its_place_and_never_shown() -> None:
    with pytest.raises(Refused) as caught:
        MultiFernetVault(keys(make_key(), "hunter2-hunter2"))
    assert "number 2" in in_english(caught.value)
    assert "hunter2" not in f"{in_english(caught.value)} {caught.value.__cause__}"
    with pytest.raises(Refused):
        MultiFernetVault(())


def test_a_developer_gets_a_key_that_only_they_can_read_and_keeps_it(tmp_path: Path) -> None:
    settings = Settings(environment=Environment.DEV, state_dir=tmp_path / "var")
    first = load_or_make_keys(settings)
    assert load_or_make_keys(settings) == first
    files = list((tmp_path / "var").iterdir())
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600]
    Fernet(first[0].get_secret_value())


def test_processes_that_start_together_end_up_with_one_key(tmp_path: Path) -> None:
    settings = Settings(environment=Environment.TEST, state_dir=tmp_path)
    barrier, found = threading.Barrier(8), []

    def start() -> None:
        barrier.wait()
        found.append(load_or_make_keys(settings))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({key.get_secret_value() for (key,) in found}) == 1


@pytest.mark.parametrize("environment", [Environment.STAGING, Environment.PRODUCTION])
def test_production_does_not_make_up_keys(tmp_path: Path, environment: Environment) -> None:
    with pytest.raises(Refused) as caught:
        load_or_make_keys(
            Settings(environment=environment, public_url="https://gate.test", state_dir=tmp_path)
        )
    assert caught.value.field == "secret_keys"
    assert "PITCHGATE_SECRET_KEYS" in in_english(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_keys_from_the_settings_come_first(tmp_path: Path) -> None:
    key = make_key()
    settings = Settings(
        environment=Environment.PRODUCTION,
        public_url="https://gate.test",
        state_dir=tmp_path,
        secret_keys=keys(key),
    )
    assert load_or_make_keys(settings)[0].get_secret_value() == key


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_a_key_others_can_read_is_refused(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    load_or_make_keys(settings)
    (tmp_path / "secret.keys").chmod(0o644)
    with pytest.raises(Refused) as caught:
        load_or_make_keys(settings)
    assert "chmod 600" in in_english(caught.value)


def test_an_emptied_key_file_is_told_and_not_replaced(tmp_path: Path) -> None:
    # A new key in its place would make every stored grant unreadable without a word.
    settings = Settings(state_dir=tmp_path)
    load_or_make_keys(settings)
    (tmp_path / "secret.keys").write_text("")
    with pytest.raises(Refused):
        load_or_make_keys(settings)


def test_keys_are_known_by_ids_that_show_nothing_of_them() -> None:
    old, new = make_key(), make_key()
    vault = MultiFernetVault([SecretStr(new), SecretStr(old)])
    names = vault.ids
    assert len(set(names)) == 2
    assert all(len(name) == 8 and name not in new + old for name in names)
    assert vault.key_of(vault.seal("x")) == names[0]
    assert vault.key_of(MultiFernetVault([SecretStr(old)]).seal("x")) == names[1]
    assert vault.key_of(MultiFernetVault([SecretStr(make_key())]).seal("x")) is None
    assert vault.key_of(b"") is None
