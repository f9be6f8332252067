"""The kinds of values that settings take, each with what is wrong said in words."""

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
        raise ValueError("must be an address that begins with https:// (or http://)")
    return value.rstrip("/")


def _shaped(pattern: str, words: str) -> AfterValidator:
    """Values of this form only; `words` tell what that is."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must be {words}")
        return value

    return AfterValidator(check)


def _level(value: str) -> str:
    if value.upper() not in logging.getLevelNamesMapping():
        raise ValueError("must be DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return value.upper()


WebAddress = Annotated[str, AfterValidator(_web_address)]
LogLevel = Annotated[str, AfterValidator(_level)]
Bind = Annotated[str, _shaped(r"unix:.+|fd://\d+|\S*:\d{1,5}", "host:port, for example 127.0.0.1:8400")]
Database = Annotated[
    str, _shaped(r"postgres(ql)?://\S+|sqlite:///.+|(?!.*://).*", "postgresql://…, or empty for the file")
]
Account = Annotated[str, _shaped(r"([^@\s]+@[^@\s]+)?", "a service account, name@….iam.gserviceaccount.com")]
Topic = Annotated[str, _shaped(r"projects/[^/\s]+/topics/[^/\s]+", "projects/PROJECT/topics/NAME")]
Subscription = Annotated[
    str, _shaped(r"projects/[^/\s]+/subscriptions/[^/\s]+", "projects/PROJECT/subscriptions/NAME")
]


def on_this_machine(address: str) -> bool:
    """Whether only this machine reaches a web address: nothing that is sent there leaves it."""
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
