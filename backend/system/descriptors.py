"""How many files this process may have open at once, and who gets how many: connections are files, too.

Without one left nothing works: the store cannot be opened, no module imported, no caller answered. So of few each has
its part, and those that come in, which anybody may open, never take the others'.
"""

from __future__ import annotations

NEEDED = 512
"""At work: 200 connections to Google, `OWN`, and those that come in."""

OWN = 48
"""For the store, the processes that read, logs, locks, and a file that is read in passing."""

MOST = 65_536


def raise_limit() -> int:
    """As many as the system lets us have by ourselves; returns how many. `MOST` where there is no such limit."""
    try:
        import resource
    except ImportError:  # Windows
        return MOST
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST
    wanted = MOST if hard == resource.RLIM_INFINITY else min(MOST, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)


def for_google(limit: int) -> int:
    """How many of so many are for connections to Google."""
    return 200 if limit >= NEEDED else max(8, (limit - OWN) // 2)


def for_callers(limit: int) -> int:
    """How many of so many are for connections that come in."""
    return max(8, limit - OWN - for_google(limit))
