"""The error for an answer that is not what it should be. By itself, so that reading one needs no HTTP library."""

from __future__ import annotations


class AnswerUnreadable(Exception):
    """The answer is not what its headers, or the protocol, say."""
