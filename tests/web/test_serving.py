"""What the real server speaks on its socket: HTTP/1.1, however it is asked for HTTP/2."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import h2.connection
import pytest

from tests.web.serving import WAIT, served_office


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    folder: Path = tmp_path_factory.mktemp("serving")
    with served_office(folder) as server:
        place = urlsplit(server.address)
        yield str(place.hostname), int(place.port or 0)


def said(address: tuple[str, int], *sent: bytes) -> bytes:
    """All that the server says until it closes."""
    with socket.create_connection(address, WAIT) as connection:
        connection.settimeout(WAIT)
        for part in sent:
            connection.sendall(part)
        heard = b""
        while part := connection.recv(65_536):
            heard += part
    return heard


def test_http2_without_asking_is_refused_in_http1_and_the_connection_ends(address: tuple[str, int]) -> None:
    client = h2.connection.H2Connection()
    client.initiate_connection()
    for stream in range(1, 199, 2):  # a rapid reset (CVE-2023-44487)
        path = [(":method", "GET"), (":path", "/healthz"), (":scheme", "http"), (":authority", "x")]
        client.send_headers(stream, path, end_stream=True)
        client.reset_stream(stream)
    heard = said(address, client.data_to_send())
    assert heard.startswith(b"HTTP/1.1 505 ")
    assert heard.count(b"HTTP/1.1") == 1


def test_the_preface_may_come_in_pieces(address: tuple[str, int]) -> None:
    assert said(address, b"PRI * HTT", b"P/2.0\r\n\r\n").startswith(b"HTTP/1.1 505 ")


@pytest.mark.parametrize("settings", ["AAMAAABkAARAAAAAAAIAAAAA", "", "not settings"])
def test_an_upgrade_to_http2_is_answered_in_http1(address: tuple[str, int], settings: str) -> None:
    asked = (
        "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\n"
        f"Upgrade: h2c\r\nHTTP2-Settings: {settings}\r\n\r\n"
    )
    heard = said(address, asked.encode())
    assert heard.startswith(b"HTTP/1.1 200 ")
    assert b"upgrade: h2c" not in heard.lower()
    assert b"101" not in heard.split(b"\r\n")[0]
