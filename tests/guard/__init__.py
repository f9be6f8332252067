"""Keeps the suite on this machine."""
