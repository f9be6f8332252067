"""The guard itself: it stops what would leave, says so, and lets loopback through."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys

import pytest

from backend.settings import Settings
from tests.conftest import take_outside_calls
from tests.guard.loopback_only import is_local

ELSEWHERE = ("192.0.2.1", 9)  # an address kept for documentation: nobody is there


def test_a_connection_to_elsewhere_is_stopped_and_told() -> None:
    with socket.socket() as sock, pytest.raises(PermissionError, match="stays on this machine"):
        sock.connect(ELSEWHERE)
    assert len(take_outside_calls()) == 1


def test_swallowing_the_error_does_not_hide_it() -> None:
    with socket.socket() as sock:
        sock.settimeout(1)
        with contextlib.suppress(OSError):
            sock.connect_ex(ELSEWHERE)
    assert "192.0.2.1" in take_outside_calls()[0]


async def test_asyncio_cannot_get_out_either() -> None:
    with pytest.raises(PermissionError):
        await asyncio.open_connection("mail.example.org", 25)
    assert "mail.example.org" in take_outside_calls()[0]


def test_a_datagram_is_a_connection_too() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(PermissionError):
        sock.sendto(b"x", ELSEWHERE)
    assert len(take_outside_calls()) == 1


def test_a_child_process_is_guarded_and_its_call_counts() -> None:
    program = "import socket\ntry: socket.create_connection(('192.0.2.1', 9))\nexcept OSError: pass"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
    assert "192.0.2.1" in take_outside_calls()[0]


def test_loopback_is_let_through() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        server.accept()[0].close()
    assert take_outside_calls() == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "::1", "localhost", "a.localhost", "0.0.0.0", "::ffff:127.0.0.1", b"localhost"]
)
def test_names_of_this_machine(host: object) -> None:
    assert is_local(host)


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "localhost.example.org", "127.0.0.1.example.org", "fe80::1%eth0", "::ffff:10.0.0.1"]
)
def test_names_of_others(host: object) -> None:
    assert not is_local(host)


def test_no_setting_comes_from_outside() -> None:
    settings = {f"PITCHGATE_{field.upper()}" for field in Settings.model_fields}
    assert settings & os.environ.keys() == set()
