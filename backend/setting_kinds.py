"""The kinds of values that settings take, each with the key of what is said of a wrong one."""

from __future__ import annotations

import ipaddress
import logging
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in value:
        raise ValueError("settings.address")
    return value.rstrip("/")


def _shaped(pattern: str, key: str) -> AfterValidator:
    """Values of this form only; under `key` stands what that is."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"settings.{key}")
        return value

    return AfterValidator(check)


def _level(value: str) -> str:
    if value.upper() not in logging.getLevelNamesMapping():
        raise ValueError("settings.level")
    return value.upper()


WebAddress = Annotated[str, AfterValidator(_web_address)]
LogLevel = Annotated[str, AfterValidator(_level)]
Bind = Annotated[str, _shaped(r"unix:.+|fd://\d+|\S*:\d{1,5}", "bind")]
Database = Annotated[str, _shaped(r"postgres(ql)?://\S+|sqlite:///.+|(?!.*://).*", "database")]
Account = Annotated[str, _shaped(r"([^@\s]+@[^@\s]+)?", "account")]
Topic = Annotated[str, _shaped(r"projects/[^/\s]+/topics/[^/\s]+", "topic")]
Subscription = Annotated[str, _shaped(r"projects/[^/\s]+/subscriptions/[^/\s]+", "subscription")]


def on_this_machine(address: str) -> bool:
    """Whether only this machine reaches a web address: nothing that is sent there leaves it."""
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
