"""One-click unsubscribing (RFC 8058)."""
