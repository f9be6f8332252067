"""The sandbox keeps the part of the contract that is also held against Google itself (tests/linked)."""

from __future__ import annotations

from tests.contract.gmail.portable import PortableContract


class TestAgainstTheSandbox(PortableContract):
    """On a mailbox of its own."""
