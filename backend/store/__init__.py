"""The store: SQL, one set of transaction scripts, two databases that run them."""

from backend.store.store import SqlStore, open_store

__all__ = ["SqlStore", "open_store"]
