"""The complete method table: importing this module fills it."""

from backend.sandbox.gmail import history, labels, messages, settings, threads
from backend.sandbox.gmail.calls import TABLE

METHOD_MODULES = (messages, history, labels, threads, settings)

__all__ = ["METHOD_MODULES", "TABLE"]
